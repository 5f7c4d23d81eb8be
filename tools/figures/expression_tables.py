"""What is told of apparent expressions."""

from __future__ import annotations

from typing import Any

from wording import conditions, points, table


def expression(results: dict[str, Any]) -> str:
    """The shipped expression models on PublicTest, class by class, and their speed beside ``fer``."""
    names = list(results["models"])
    rows = [["PublicTest", *names], ["---"] * (len(names) + 1)]
    parts = {"fer2013": "FER2013's labels", "ferplus": "winners of FER+", "fer2013_all": "FER2013's labels, all images"}
    for part, title in parts.items():
        found = [results["models"][name][part] for name in names]
        images = f"{title} ({found[0]['images']:,} images)"
        rows.append([f"Accuracy, {images}", *(interval(one["accuracy"]) for one in found)])
        if part != "fer2013_all":
            rows.append([f"Macro-F1, {title}", *(interval(one["macro_f1"]) for one in found)])
            rows.append([f"Calibration error, {title}", *(f"{one['calibration_error']:.3f}" for one in found)])
    ours = [results["models"][name]["fer2013"]["recall"] for name in names]
    rows += [[f"Recall, {label}", *(f"{recall[label]:.2f}" for recall in ours)] for label in ours[0]]
    fast = [["Milliseconds a 48x48 crop", "Alone", "In batches of 64"], ["---"] * 3]
    for name in dict.fromkeys(row["system"] for row in results["speed"]):
        of = {row["batch"]: row for row in results["speed"] if row["system"] == name}
        fast.append([name, *(f"{of[n]['ms']:.2f} ({of[n]['to_small']:.1f} x the small model's)" for n in (1, 64))])
    peers = "".join(f"- {name}: {interval(found['accuracy'])}\n" for name, found in results["fer"].items())
    said = f"\nAccuracy of the package `fer` on the same images, FER2013's labels:\n\n{peers}"
    how = f"{results['threads']} thread, load average {results['load_average'][0]:.0f}"
    return f"{table(rows)}{said}\n{table(fast)}" + conditions(results, how)


def interval(rate: dict[str, float]) -> str:
    """A value with its interval."""
    return f"{rate['value']:.3f} [{rate['low']:.3f}, {rate['high']:.3f}]"


def cmnet(results: dict[str, Any]) -> str:
    """CMNet less its trunk, in points of accuracy."""
    titles = {"clean": "whole faces", "half": "one half covered"}
    names = {"m5": "as released", "m5-mirrored": "right half mirrored (ours)"}
    rows = [["CMNet's Model 5", "Faces", "Trunk", "CMNet", "Difference"], ["---"] * 5]
    for row in results["rows"]:
        if row["view"] in titles:
            cells = [f"{row['trunk']:.1%}", f"{row['accuracy']:.1%}", points(row["difference"])]
            rows.append([names[row["variant"]], titles[row["view"]], *cells])
    how = (
        f"{results['seeds']} seeds of {results['epochs']} epochs, trained on one {results['trained_on']}, "
        f"{results['images']:,} images held out of training; judged on"
    )
    return table(rows) + conditions(results, how)


def balancing(results: dict[str, Any]) -> str:
    """What each way of balancing does to accuracy and to rare classes."""
    names = {
        "none": "nothing",
        "sampler": "weighted sampler, exponent 1",
        "sampler-half": "weighted sampler, exponent 0.5",
        "offline": "copies of rare classes before training",
        "online": "RandAugment while training",
        "all": "sampler, copies and RandAugment",
        "logit-adjustment": "RandAugment and logit adjustment",
        "class-balanced": "RandAugment and class-balanced loss",
    }
    rows = [["Arm", "Accuracy", "Mean recall", "Macro-F1", "Recall, disgust", "Macro-F1 more than"], ["---"] * 6]
    for row in results["arms"]:
        measured = [f"{row[name]:.1%}" for name in ("accuracy", "balanced_accuracy", "macro_f1")]
        beside = f"{names[row['beside']]}: {points(row['macro_f1_more'])}" if row["beside"] else ""
        rows.append([names[row["arm"]], *measured, f"{row['recall']['disgust']:.1%}", beside])
    how = (
        f"{results['seeds']} seeds of {results['epochs']} epochs at reduced width (0.3 million weights), trained on "
        f"{results['trained_on']}, {results['images']:,} images held out of training; judged on"
    )
    return table(rows) + conditions(results, how)
