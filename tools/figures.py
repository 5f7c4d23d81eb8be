"""Write the measured figures into the pages that quote them, from the files the benchmarks leave in docs/benchmarks.

    python tools/figures.py            rewrites README.md and the pages of docs/benchmarks
    python tools/figures.py --check    exit status 1 where a page says something else than the files

A page marks the place with ``<!-- figures: NAME -->`` and ``<!-- end of figures -->``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "benchmarks"
PAGES = (
    ROOT / "README.md",
    RESULTS / "README.md",
    RESULTS / "intervals.md",
    RESULTS / "galleries.md",
    RESULTS / "capacity.md",
    RESULTS / "service.md",
    ROOT / "docs" / "explanation" / "expressions.md",
    RESULTS / "quality.md",
    ROOT / "docs" / "explanation" / "morphs.md",
    RESULTS / "study.md",
)
_REGION = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def accuracy(results: dict[str, Any]) -> str:
    """Mien beside OpenCV, and what was measured of Mien alone."""
    lfw, frll, false = results["lfw"], results["frll"], results["false_faces"]
    names = list(lfw["systems"])
    systems = list(lfw["systems"].values())
    difference = lfw["difference"]
    rows = [
        ["", *names],
        ["---"] * (len(names) + 1),
        [f"Faces missed, of {lfw['images']:,} LFW crops", *(f"{s['missed']:,}" for s in systems)],
        ["Accuracy, LFW View 2, folds 1-5", *(f"{s['accuracy']:.2%}" for s in systems)],
        ["FNMR at FMR 1e-4, one vote a person", *(percent(s["fnmr"]) for s in systems)],
        ["The same, one vote a pair", *(percent(s["fnmr_pooled"]) for s in systems)],
    ]
    return (
        table(rows)
        + f"""
- FNMR, Mien less OpenCV: {points(difference)} (95 % interval; whole people are drawn, not pairs).
- {counted(false["false"], "false face")} in {false["frames"]:,} frames whose own face is painted over;
  {false["bystanders"]:,} faces of bystanders, which are there without the paint as well, are not counted.
- Face Research Lab London, {frll["people"]} people, neutral against smiling: rank-1 {frll["rank_1"]:.0%}, lowest mated
  score {frll["lowest_mated"]:.3f}, highest non-mated {frll["highest_non_mated"]:.3f}.

Measured {results["date"]} with `{results["command"]}`, Mien {results["mien"]} ({results["artefact"]}), OpenCV
{results["opencv"]} on images enlarged twice.
"""
    )


def stated(results: dict[str, Any]) -> str:
    """The rates that the shipped calibration states, beside those measured."""
    rows = [["Stated FMR", "Stated interval", "Measured on LFW crops"], ["---"] * 3]
    for row in results["lfw"]["stated"]:
        measured = row["measured"]
        said = f"{small(measured['value'])} [{small(measured['low'])}, {small(measured['high'])}]"
        if not measured["supported"]:
            said = f"below {small(measured['high'])} (too few errors to say more)"
        rows.append([small(row["stated"], 0), f"{small(row['low'])} to {small(row['high'])}", said])
    ratios = [row["measured"]["value"] / row["stated"] for row in results["lfw"]["stated"]]
    return table(rows) + f"\nThe measured rates are {min(ratios):.2f} to {max(ratios):.2f} times the stated ones.\n"


def throughput(results: dict[str, Any]) -> str:
    """Faces a second, memory and misses of every system in one run."""
    rows = [["", "Faces a second", "Speed, to OpenCV at its default scale", "Peak memory", "Faces missed"], ["---"] * 5]
    for system in results["systems"]:
        rate, ratio = system["faces_per_second"], system["images_per_second_to_opencv"]
        rows.append(
            [
                system["name"],
                f"{rate['median']:.1f} ({rate['min']:.1f} to {rate['max']:.1f})",
                f"{ratio['median']:.2f}",
                f"{system['peak_bytes'] / 1e6:.0f} MB",
                f"{system['missed']:,}",
            ]
        )
    return table(rows) + conditions(results, f"{results['images']:,} images, {results['threads']} threads")


def overhead(results: dict[str, Any]) -> str:
    """What the pipeline costs beyond the networks."""
    rows = [["640x480, decoded", "Networks", "Beyond them", "Allowed"], ["---"] * 4]
    for case in results["cases"]:
        cost = [f"{case[key]:.1f} ms" for key in ("sessions_ms", "overhead_ms", "allowed_ms")]
        rows.append([f"{counted(case['images'], 'image')}, {counted(case['faces'], 'face')}", *cost])
    return table(rows) + conditions(results, f"medians of {results['repeats']} runs")


def startup(results: dict[str, Any]) -> str:
    """How long the command line takes to say something."""
    rows = [["Command", "Wall time", "To importing NumPy"], ["---"] * 3]
    for name, command in results["commands"].items():
        rows.append([f"`{name}`", f"{command['seconds'] * 1e3:.0f} ms", f"{command['to_numpy']:.2f}"])
    return table(rows) + conditions(results, f"medians of {results['repeats']} runs")


def recognisers(results: dict[str, Any]) -> str:
    """Mien's recognisers, and dlib's network used in another way."""
    systems = results["systems"]
    rows = [["", "FNMR at FMR 1e-4, one vote a person", "Faces missed"], ["---"] * 3]
    rows += [[s["name"], percent(s["fnmr"]), f"{s['missed']:,}"] for s in systems]
    return table(rows) + conditions(results, f"{results['images']:,} LFW crops of {results['people']:,} people")


def tracking(results: dict[str, Any]) -> str:
    """Identity F1 in composed clips, and the names given."""
    rows = [["Synthetic clip", "Identity F1", "Tracks", "Switches", "Named right", "Named wrong"], ["---"] * 6]
    for clip in results["clips"]:
        counts = [f"{clip[key]}" for key in ("tracks", "switches", "named right", "named wrong")]
        rows.append([f"seed {clip['seed']}", f"{clip['IDF1']:.3f}", *counts])
    summary = f"mean {results['idf1_mean']:.3f}, lowest {results['idf1_min']:.3f}"
    return table(rows) + conditions(results, f"{results['data']}, {summary}")


def video(results: dict[str, Any]) -> str:
    """Frames a second beside a plain loop, and whether memory grows with the length."""
    rows = [["", "Frames a second", "Peak memory"], ["---"] * 3]
    for name, title in (("mien", "Mien"), ("opencv", "A plain loop over OpenCV's classes")):
        rates = [run[name]["frames"] / run[name]["seconds"] for run in results["runs"]]
        rows.append([title, f"{median(rates):.1f}", f"{results['runs'][0][name]['peak_mib']:.0f} MiB"])
    width, height = results["size"]
    grown = f"the clip {results['loops']} times over takes {results['memory_growth']:.3f} times the memory"
    said = f"\nMien does {results['ratio']:.2f} times the frames of the loop (median of rounds); {grown}.\n"
    return table(rows) + said + conditions(results, f"medians of {len(results['runs'])} rounds, {width}x{height}")


def clustering(results: dict[str, Any]) -> str:
    """BCubed F1 of unknown faces made people, and what 100,000 faces take."""
    systems = ("Mien", "DBSCAN", "HDBSCAN")
    rows = [["BCubed F1", *systems, "Mien as it is"], ["---"] * 5]
    for title, part in results["lfw"].items():
        scores = [f"{part[name]['f1']:.4f}" for name in systems]
        rows.append([f"LFW {title}", *scores, f"{part['Mien']['default']['f1']:.4f}"])
    made = results["synthetic"]
    scale = [[f"{made['faces']:,} synthetic templates", "Time", "Peak memory", "BCubed F1"], ["---"] * 4]
    for name in systems:
        done = made[name]
        if "f1" in done:
            scale.append([name, f"{done['seconds']:.0f} s", f"{done['peak_mb']:.0f} MB", f"{done['f1']:.4f}"])
        else:
            scale.append([name, f"more than {made['limit_s']:.0f} s, or more memory than there was", "", ""])
    return f"{table(rows)}\n{table(scale)}" + conditions(results, "parameters chosen on the other half of the people")


def coverage(results: dict[str, Any]) -> str:
    """How often intervals hold the true rate of simulated populations."""
    rows = [
        ["What one person brings (sd)", "FMR", "Mien's interval holds it", "Bootstrap, weights multiplied"],
        ["---"] * 4,
    ]
    for row in results["simulated"]:
        cells = [share(row["interval"]), share(row["bootstrap"])]
        rows.append([f"{row['effect']:g}", small(row["fmr"], 0), *cells])
    draws = results["simulated"][0]
    drawn = [draws[name]["draws"] for name in ("interval", "bootstrap")]
    how = f"{drawn[0]:,} synthetic populations of 500 people each ({drawn[1]:,} for the bootstrap)"
    return table(rows) + conditions(results, how)


def predictions(results: dict[str, Any]) -> str:
    """How often what is stated from one half of the people of LFW holds on the other."""
    rows = [["Stated from one half", "Holds on the other"], ["---"] * 2]
    rows += [[f"FMR {small(row['fmr'], 0)}", share(row["covered"])] for row in results["halves"]]
    rows += [
        [f"FPIR {row['fpir']:g} of a gallery of {row['gallery']:,}", share(row["covered"])]
        for row in results["searches"]
    ]
    lfw, halves = results["lfw"], results["halves"][0]["covered"]["draws"]
    return table(rows) + conditions(results, f"{halves} random halves of {lfw['people']:,} people, LFW crops")


def open_set(results: dict[str, Any]) -> str:
    """A stated FPIR beside what galleries of people the calibration has not seen show."""
    rows = [["Gallery", "Stated FPIR", "Measured, mean", "95 % of splits", "In its interval"], ["---"] * 5]
    for row in results["galleries"]:
        low, high = row["spread"]
        cells = [f"{row['measured']:.4f}", f"{low:.4f} to {high:.4f}", share(row["inside"])]
        rows.append([f"{row['people']:,} people, {row['strangers']:,} strangers", f"{results['stated']:g}", *cells])
    return table(rows) + conditions(
        results, f"{results['splits']} random splits of {results['people']:,} people of LFW"
    )


def det(results: dict[str, Any]) -> str:
    """Time and memory of a trade-off with bands."""
    rows = [["", "Comparisons", "Time", "Peak memory"], ["---"] * 4]
    rows += [
        [run["name"], f"{run['comparisons']:,}", f"{run['seconds']:.1f} s", f"{run['peak_mb']:.0f} MB"]
        for run in results["runs"]
    ]
    said = f"\nWith bands it takes {results['to_scikit_learn']:.2f} times what scikit-learn takes without.\n"
    return table(rows) + said + conditions(results, f"{results['draws']:,} draws of people")


def leaks(results: dict[str, Any]) -> str:
    """Copies found, of those that were planted and of those that stand in FER2013."""
    fer, planted = results["fer2013"], results["planted"]
    rows = [["Planted copies (synthetic changes of LFW photos)", "Found"], ["---"] * 2]
    rows += [[row["kind"], f"{row['found']} of {row['planted']}"] for row in planted["kinds"]]
    said = f"""
Beside them {counted(planted["beside"], "copy").replace("copys", "copies")} was found in {planted["first"]:,} x
{planted["second"]:,} pairs of photos of different people: a photograph that stands in LFW under two names.

FER2013: of {fer["public"]:,} public images {fer["identical"]} stand in training pixel by pixel, and
{fer["identical_found"]} of them are found. With near-duplicates and shifted or mirrored ones,
{fer["with_any_copy"]:,} have a copy in training. {fer["training"]:,} x {fer["public"]:,} images take
{fer["seconds"]:.0f} s.
"""
    return table(rows) + said + conditions(results, f"seed {results['seed']}")


def quality(results: dict[str, Any]) -> str:
    """Partial areas of error versus discard, and how much smaller utility's is."""
    votes = ("pair", "person")
    rows = [["", *(f"Area x 1000, one vote a {vote}" for vote in votes), *(f"Utility less it, {v}" for v in votes)]]
    rows.append(["---"] * 5)
    for name in results["pair"]["areas"]:
        areas = [f"{1e3 * results[vote]['areas'][name]:.2f}" for vote in votes]
        less = [_thousandths(results[vote]["utility_less"].get(name)) for vote in votes]
        rows.append([name, *areas, *less])
    others = "\n".join(f"- {_other(vote, results['other_splits'])}" for vote in votes)
    said = f"""
{results["mated"]:,} mated comparisons of {results["people"]:,} people, {results["errors"]} of which fail at FMR
{small(results["fmr"], 0)}. Utility costs {results["microseconds_a_face"]:.0f} microseconds a face. The table is of one
split of the people; {len(results["other_splits"])} other splits give

{others}
"""
    return table(rows) + said + conditions(results, f"{results['folds']} folds by people, seed {results['seed']}")


def _other(vote: str, splits: list[dict[str, Any]]) -> str:
    """What the other splits of the people give."""
    rivals = ("detector score", "face size", "Laplacian")
    areas = [1e3 * split[vote]["areas"]["utility"] for split in splits]
    below = sum(all(split[vote]["utility_less"][name]["high"] < 0 for name in rivals) for split in splits)
    return (
        f"one vote a {vote}: {min(areas):.2f} to {max(areas):.2f}, the intervals against detector score, face size\n"
        f"  and Laplacian all below zero in {below} of them"
    )


def _thousandths(difference: dict[str, float] | None) -> str:
    if difference is None:
        return ""
    value, low, high = (1e3 * difference[key] for key in ("value", "low", "high"))
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


def gallery(results: dict[str, Any]) -> str:
    """Searches of a large gallery beside NumPy's, and what it takes to keep one."""
    times = results["searches"]["milliseconds"]
    rows = [["One core", "Median", "99 %", "To the product alone", "To product and selection"], ["---"] * 5]
    for name, entry in times.items():
        base = "sgemm" if "64" in name else "sgemv"
        ratios = ["", ""]
        if base in times and not name.startswith("sgem"):
            ratios = [f"{times[b]['median'] / entry['median']:.1f} x" for b in (base, f"{base} and selection")]
        rows.append([name, f"{entry['median']:.1f} ms", f"{entry['p99']:.1f} ms", *ratios])
    opening, memory = results["openings"], results["memory"]
    compared = results["searches"]["compared"]
    lines = [
        f"{results['people']:,} synthetic people of {results['dimension']} numbers.",
        f"Opened in {opening['open']:.2f} s; codes made anew in {opening['rebuild']:.0f} s; database "
        f"{opening['database'] / 1e6:,.0f} MB, codes {opening['table'] / 1e6:,.0f} MB on the disk.",
        f"Stored templates read for a search: {compared[0]:.0f} on average, {compared[1]} at most.",
        f"Memory of a process of its own: {memory['before']:.0f} MB with the libraries loaded, "
        f"{memory['after']:.0f} MB after four searches, {memory['after_more']:.0f} MB after 64 more and a batch.",
        f"One durable enrolment takes {results['enrolments']['enrolment']:.2f} ms, a bare durable insert into an empty "
        f"SQLite table on the same disk {results['enrolments']['bare_commit']:.2f} ms.",
        f"A person enrolled is found by two other processes {results['other_processes']['median']:.1f} ms after the "
        f"commit (99 %: {results['other_processes']['p99']:.1f} ms).",
    ]
    if "agreement" in results:
        same = results["agreement"]
        lines.append(
            f"Of {same['probes']:,} probes, half of them of nobody in the gallery, {same['different']} got another "
            f"answer than by brute force; scores differ by {same['score_error']:.0e} at most."
        )
    return table(rows) + "\n" + "".join(f"- {line}\n" for line in lines) + conditions(results, "one core")


def capacity(results: dict[str, Any]) -> str:
    """What galleries of every size take, and what their size costs."""
    small, large = (json.loads((RESULTS / name).read_text()) for name in ("gallery.json", "gallery-10m.json"))
    servers = {one["people"]: one["median"] for one in json.loads((RESULTS / "server.json").read_text())["sizes"]}
    disk = {one["people"]: (one["openings"]["database"], one["openings"]["table"]) for one in (small, large)}
    taken = {one["people"]: one["searches"]["milliseconds"]["top 10"]["median"] for one in (small, large)}
    head = ["People", "Database", "Codes", "A search on one core", "On one server", "Threshold", "Missed"]
    rows = [head, ["---"] * len(head)]
    for row in results["sizes"]:
        count = row["people"]
        base, codes = disk.get(count, [part * count / 1e7 for part in disk[10_000_000]])
        search = taken.get(count, line(taken, count))
        asked = servers.get(count, line(servers, count))
        paper = "" if count in taken else "~"
        missed = f"{row['fnir']:.1%} [{row['low']:.1%}, {row['high']:.1%}]"
        rows.append(
            [
                f"{count:,}",
                f"{paper}{amount(base)}",
                f"{paper}{amount(codes)}" if count > 16_384 else "in memory",
                f"{paper}{duration(search)}",
                f"{'' if count in servers else '~'}{duration(asked)}",
                f"{'' if row['measured'] else '~'}{row['threshold']:.3f}",
                missed if row["measured"] else f"~{missed}",
            ]
        )
    return table(rows) + conditions(results, "thresholds and missed people; the rest from the figures named above")


def line(measured: dict[int, float], count: int) -> float:
    """What a straight line through two measured sizes says of another."""
    (one, first), (other, second) = measured.items()
    return first + (second - first) * (count - one) / (other - one)


def amount(size: float) -> str:
    """Bytes in the unit that reads best."""
    for unit in ("MB", "GB"):
        size /= 1e6 if unit == "MB" else 1e3
        if size < 1000:
            return f"{size:,.1f} {unit}" if size < 10 else f"{size:,.0f} {unit}"
    return f"{size / 1e3:,.1f} TB"


def duration(milliseconds: float) -> str:
    """Milliseconds in the unit that reads best."""
    if milliseconds < 1000:
        return f"{milliseconds:.1f} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1e3:.1f} s"


def server(results: dict[str, Any]) -> str:
    """Searches by one PostgreSQL server."""
    rows = [["People", "Fused templates", "Median", "99 %"], ["---"] * 4]
    for one in results["sizes"]:
        quantiles = (duration(one["median"]), duration(one["p99"]))
        rows.append([f"{one['people']:,}", amount(one["bytes"]), *quantiles])
    made = [(one["people"], one["graph"]) for one in results["sizes"] if "graph" in one]
    graphs = "".join(
        f"\nBy a graph of {people:,} (made in {graph['seconds']:.0f} s, {amount(graph['bytes'])}): "
        f"{duration(graph['median'])}; the person was among the ten in {graph['mated']:.1%} of {graph['probes']} "
        f"searches, which named {graph['ten']:.0%} of the ten that are nearest.\n"
        for people, graph in made
    )
    return table(rows) + graphs + conditions(results, "PostgreSQL with pgvector, synthetic isotropic people")


def crashes(results: dict[str, Any]) -> str:
    """What random kills left."""
    counts = ", ".join(f"{number:,} {name}" for name, number in results["counts"].items() if name != "kills")
    return f"{results['kills']} kills: {counts}.\n{conditions(results, 'a process killed with SIGKILL')}"


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


def morphs(results: dict[str, Any]) -> str:
    """Who gets past the differential detector, and who is stopped."""
    found = results["differential"]
    unknown = found["unknown"]
    rows = [["Morphing tool", "Both parents match, without detection", "Get past it (MACER)"], ["---"] * 3]
    rows += [
        [f"`{tool}`", f"{results['match'][tool]:.1%}", percent(unknown["macer"][tool])] for tool in results["tools"]
    ]
    wild = results["lfw"]
    return (
        table(rows)
        + f"""
- Honest portraits stopped (BSCER): {percent(unknown["bscer"])}; at the threshold that misses {results["macer"]:.0%} of
  every tool's morphs of all people, {percent(found["bscer_at_macer"])}.
- Pairs of web photos of one person (LFW, {wild["pairs"]} people) taken for morphs by that threshold:
  {percent(wild["bscer"])}.

{results["people"]} people and {results["pairs"]} pairs of look-alikes of FRLL (CC BY 4.0), morphs synthetic.
Intervals of MACER are Wilson's, that of BSCER draws people.

{conditions(results, f"seed {results['seed']}")}"""
    )


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


def background(results: dict[str, Any]) -> str:
    """Masks, their speed, and recognition before white."""
    masks = results["masks"]
    rows = [["Segmenter", "Mean IoU", "Lowest", "Portraits below 0.95", "Mean error of the matte"], ["---"] * 5]
    for name, one in masks["segmenters"].items():
        below = f"{one['below']} of {one['count']}"
        rows.append([f"`{name}`", f"{one['mean']:.3f}", f"{one['lowest']:.3f}", below, f"{one['error']:.4f}"])
    speed, faces = results["speed"], results["recognition"]
    sound, everything = faces["sound"], faces["all"]
    said = (
        f"\n- {masks['left_out']} of {masks['portraits']} portraits are left out, whose shirts cannot be told from the "
        "wall by colour; no segmenter had a say in that.\n"
        f"- {speed['rate']:.0f} portraits of 675 x 675 pixels a second, {speed['cpu_ms']:.0f} ms of one core each, "
        f"finding the face included: {speed['ratio']:.1f} times the segmenter's network alone.\n"
        f"- LFW crops, {faces['images']:,} images of {faces['people']} people, at most 15 mated pairs each: FNMR at "
        f"FMR 1e-3 {percent(sound['fnmr']['original'])} as photographed, "
        f"{percent(sound['fnmr']['white'])} before white, "
        f"{percent(sound['carried'])} with the threshold of the originals; the change is {points(sound['change'])}. "
        f"With {counted(faces['failed'], 'failed mask')} counted as missed it is {points(everything['change'])}.\n"
    )
    return table(rows) + said + conditions(results, "portraits keyed by their wall, before synthetic clutter")


def study_recognition(results: dict[str, Any]) -> str:
    """Recognition and quality by arm, of LFW's frames and of FRLL's portraits."""
    parts = []
    for part, what in (("lfw", "LFW, frames"), ("frll", "FRLL, portraits")):
        found = results[part]
        head = [what, "No face", "Refused", "TMR", "Change", "Change, threshold carried over", "FMR, carried over"]
        head.append("Separation")
        rows = [head, ["---"] * len(head)]
        for name, row in found["arms"].items():
            carried, fmr = row["carried"], row["carried"]["fmr"]
            counts = [str(row["missed"]), str(row["refused"])]
            changes = ["", ""] if name == "original" else [points(row["change"]), points(carried["change"])]
            rows.append([name, *counts, percent(row["tmr"]), *changes, _rate_or_bound(fmr), f"{row['separation']:.3f}"])
        parts.append(table(rows))
    lfw, frll = results["lfw"], results["frll"]
    rows_of_all = [
        *lfw["arms"].values(),
        *frll["arms"].values(),
        *(r["embedded"] for r in lfw["doses"]),
        *frll["doses"],
    ]
    took = sum(row["seconds"] for row in rows_of_all)
    how = (
        f"readings took {took / 60:.0f} minutes of CPU time, load average {results['load_average'][0]:.0f}; "
        f"TMR at FMR {small(results['fmr'], 0)}, {lfw['images']:,} frames of {lfw['people']} people of LFW, "
        f"{frll['bona_fide']} portraits of {frll['people']} people of FRLL, seed {results['seed']}"
    )
    return "\n".join(parts) + conditions(results, how)


def _rate_or_bound(rate: dict[str, Any]) -> str:
    """A small rate with its interval, or what it is below where too few errors stand behind it."""
    if not rate["supported"]:
        return f"below {small(rate['high'])}"
    return f"{small(rate['value'])} [{small(rate['low'])}, {small(rate['high'])}]"


def study_quality(results: dict[str, Any]) -> str:
    """Utility, background and the area of error versus discard by arm."""
    head = ["", "LFW, utility", "LFW, background", "LFW, area x 1000, less the originals'", "FRLL, utility"]
    rows = [[*head, "FRLL, background"], ["---"] * 6]
    for name, row in results["lfw"]["arms"].items():
        other = results["frll"]["arms"][name]
        area = f"{1e3 * row['area']['value']:.2f}" if name == "original" else _thousandths(row["area"]["change"])
        cells = [_moved(one, measure) for one in (row, other) for measure in ("utility", "uniformity")]
        rows.append([name, *cells[:2], area, *cells[2:]])
    return table(rows)


def _moved(row: dict[str, Any], measure: str) -> str:
    """A mean and how far it moved."""
    one = row[measure]
    value, low, high = (one["change"][key] for key in ("value", "low", "high"))
    return f"{one['mean']:.1f}" + (f" ({value:+.1f} [{low:+.1f}, {high:+.1f}])" if value or low or high else "")


def study_detection(results: dict[str, Any]) -> str:
    """Detection by arm, at the threshold carried over and at one set again."""
    parts = []
    frll = results["frll"]
    for detector in next(iter(frll["arms"].values()))["detection"]:
        head = [f"`{detector}`", "BSCER, carried over", "MACER, carried over", "BSCER, set again", "MACER, set again"]
        rows = [[*head, "D-EER", "No answer"], ["---"] * 7]
        for name, arm in frll["arms"].items():
            row = arm["detection"][detector]
            cells = [share(row[way][rate]) for way in ("carried", "reset") for rate in ("bscer", "macer")]
            rows.append([name, *cells, f"{row['eer']['arm']:.1%}", str(sum(row["unanswered"].values()))])
        parts.append(table(rows))
    how = (
        f"{frll['bona_fide']} bona fide documents and {frll['morphs']} morphs, MACER that of the worst of "
        f"{len(_tools(results))} tools, thresholds set to miss {results['macer']:.0%} of each"
    )
    return "\n".join(parts) + conditions(results, how)


def _tools(results: dict[str, Any]) -> list[str]:
    rates = results["frll"]["arms"]["original"]["detection"]["differential"]["original"]
    return [name for name in rates if name not in {"bscer", "macer"}]


def study_blank(results: dict[str, Any]) -> str:
    """What blank masks do to a threshold, and what a guard makes of it."""
    head = ["Blank masks", "FMR", "Embedded all the same", "Refused, counted as missed", "Refused, of what is left"]
    rows = [[*head, "Embedded, old threshold: FMR"], ["---"] * 6]
    for row in results["lfw"]["blank"]:
        cells = [_ranged(row[name]) for name in ("embedded", "refused", "acquired")]
        rows.append([f"{row['share']:.1%}", small(row["fmr"], 0), *cells, small(row["carried_fmr"]["value"])])
    return table(rows)


def _ranged(rate: dict[str, float]) -> str:
    return f"{rate['value']:.1%} ({rate['low']:.1%} to {rate['high']:.1%})"


def study_doses(results: dict[str, Any]) -> str:
    """Recognition and detection by dose of damage."""
    images = results["lfw"]["images"]
    head = ["Mask", "TMR, change", f"Guard refuses / no face, of {images}", "TMR, change with the guard"]
    detectors = list(results["frll"]["doses"][0]["detection"])
    rows = [[*head, *(f"`{name}`, BSCER / MACER, change; D-EER" for name in detectors)]]
    rows.append(["---"] * len(rows[0]))
    for row, other in zip(results["lfw"]["doses"], results["frll"]["doses"], strict=True):
        mask = (
            f"{row['damage']} {row['dose']:.0%}" if row["damage"] == "dropped" else f"{row['damage']} {row['dose']:g}"
        )
        refused = f"{row['guarded']['refused']} / {row['guarded']['missed']}"
        cells = [points(row["embedded"]["change"]), refused, points(row["guarded"]["change"])]
        for name in detectors:
            found = other["detection"][name]
            if "carried" not in found:
                cells.append("no answers")
                continue
            change, eer = found["carried"]["change"], found["eer"]
            moved = f"{100 * change['bscer']['value']:+.0f} / {100 * change['macer']['value']:+.0f}"
            cells.append(f"{moved}; {eer['original']:.0%} to {eer['arm']:.0%}")
        rows.append([mask, *cells])
    return table(rows)


def serving(results: dict[str, Any]) -> str:
    """The service under load, beside the library over the same images."""
    head = [f"{results['clients']} clients", "Images a second", "CPU time an image", "To the library", "Median", "99 %"]
    rows = [[*head, "Told to come back"], ["---"] * (len(head) + 1)]
    runs, library = (results["served"], results["overload"]), results["library"]
    for run in runs:
        measured = [f"{run['images_per_second']:.1f}", f"{run['cpu_ms']:.1f} ms", f"{run['cpu_ratio']:.2f}"]
        waited = [f"{run['latency'][name]:.2f} s" for name in ("median", "p99")]
        rows.append([f"a queue of {run['queue']}", *measured, *waited, f"{run['statuses'].get('503', 0):,}"])
    declared = {"200", "429", "503"}
    wrong = sum(n for run in runs for status, n in run["statuses"].items() if status not in declared)
    broken = sum(len(run["broken"]) for run in runs)
    answers = sum(sum(run["statuses"].values()) for run in runs)
    sizes = [f"{size}: {median(one['batches'][size] for one in library):.1f} ms" for size in library[0]["batches"]]
    served, (before, after) = runs[0], (one["cpu_ms"] for one in library)
    tails = " and ".join(f"{run['tail_ratio']:.2f}" for run in runs)
    lines = (
        f"{answers:,} answers; {counted(wrong, 'error')} beyond 429 and 503, {counted(broken, 'broken connection')}.",
        f"99 % of the accepted are answered within {tails} times what a full queue takes at the measured rate.",
        f"Memory in the last tenth to that in the first: {served['memory_ratio']:.3f}, "
        f"{served['memory']['late'] / 1e6:.0f} MB.",
        f"The library takes {before:.1f} ms before and {after:.1f} ms after. By size of batch, in one thread: "
        f"{', '.join(sizes)}; the service's batches had {served['mean_batch']:.1f} images.",
    )
    loads = [f"{results[name][0]:.1f}" for name in ("load_average", "load_average_after")]
    how = (
        f"{served['seconds']:.0f} seconds, {results['people']} people, load average {loads[0]} before, {loads[1]} after"
    )
    return table(rows) + "\n" + "".join(f"- {line}\n" for line in lines) + conditions(results, how)


def conditions(results: dict[str, Any], how: str) -> str:
    """Where, when and how a run was made, as its file says."""
    day = results["date"].partition("T")[0]
    return f"\nMeasured {day} with `{results['command']}`: {how}, {results['cpus']} CPUs ({results['cpu']}).\n"


TABLES: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "accuracy": ("accuracy.json", accuracy),
    "stated": ("accuracy.json", stated),
    "throughput": ("throughput.json", throughput),
    "overhead": ("overhead.json", overhead),
    "startup": ("startup.json", startup),
    "recognisers": ("recognisers.json", recognisers),
    "tracking": ("tracking.json", tracking),
    "video": ("video.json", video),
    "clustering": ("clustering.json", clustering),
    "coverage": ("coverage.json", coverage),
    "predictions": ("coverage.json", predictions),
    "open_set": ("open_set.json", open_set),
    "det": ("det.json", det),
    "leaks": ("leaks.json", leaks),
    "quality": ("quality.json", quality),
    "gallery": ("gallery.json", gallery),
    "gallery_512": ("gallery-512.json", gallery),
    "gallery_10m": ("gallery-10m.json", gallery),
    "crashes": ("crashes.json", crashes),
    "server": ("server.json", server),
    "capacity": ("capacity.json", capacity),
    "expression": ("expression.json", expression),
    "cmnet": ("cmnet.json", cmnet),
    "balancing": ("balancing.json", balancing),
    "serving": ("serving.json", serving),
    "background": ("background.json", background),
    "morphs": ("morphs.json", morphs),
    "study_recognition": ("study.json", study_recognition),
    "study_quality": ("study.json", study_quality),
    "study_detection": ("study.json", study_detection),
    "study_blank": ("study.json", study_blank),
    "study_doses": ("study.json", study_doses),
}


def coverage_picture(results: dict[str, Any]) -> str:
    """Coverage of the intervals as a plot that reads on white and on black."""
    from mien.render.plots import rate_plot

    rows = []
    for row in results["simulated"]:
        name = f"simulated, sd {row['effect']:g}, FMR {small(row['fmr'], 0)}"
        rows.append((name, *(row["interval"][key] for key in ("value", "low", "high")), True))
    for row in results["halves"]:
        covered = row["covered"]
        rows.append(
            (f"halves of LFW, FMR {small(row['fmr'], 0)}", covered["value"], covered["low"], covered["high"], True)
        )
    for row in results["searches"]:
        covered = row["covered"]
        name = f"halves of LFW, FPIR {row['fpir']:g} of {row['gallery']:,}"
        rows.append((name, covered["value"], covered["low"], covered["high"], True))
    svg = rate_plot(rows, stated=0.95, name="How often the interval holds the rate")
    return svg.replace("currentColor", "#777777")


def det_picture(results: dict[str, Any]) -> str:
    """The trade-off of all comparisons of LFW crops with its band."""
    from mien.render.plots import Curve, det_plot

    found = results["curve"]
    line = Curve("LFW crops, Mien", *(found[name] for name in ("fmr", "fnmr", "low", "high")))
    return det_plot([line], supported_from=found["supported_from"]).replace("currentColor", "#777777")


def study_picture(results: dict[str, Any]) -> str:
    """How much recognition is lost by how far the outline of a mask moves."""
    from mien.render.plots import Curve, response_plot

    found = results["lfw"]
    curves = []
    for way, label in (("embedded", "made and embedded all the same"), ("guarded", "with Mien's guard")):
        doses = [(0.0, found["arms"]["selfie hard"]["change"])]
        for row in found["doses"]:
            if row["damage"] != "dropped":
                sign = -1 if row["damage"] == "eroded" else 1
                doses.append((sign * row["dose"], row[way]["change"]))
        doses.sort(key=lambda dose: dose[0])
        columns = [[-100 * change[end] for _, change in doses] for end in ("value", "high", "low")]
        curves.append(Curve(label, [dose for dose, _ in doses], *columns))
    svg = response_plot(curves, dose="Outline moved, inter-eye distances", response="TMR lost at FMR 1e-3, points")
    return svg.replace("currentColor", "#777777")


PICTURES: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "coverage.svg": ("coverage.json", coverage_picture),
    "det.svg": ("det.json", det_picture),
    "study.svg": ("study.json", study_picture),
}


def picture(name: str) -> str:
    """The picture of that name, which says of which figures it is."""
    file, draw = PICTURES[name]
    given = (RESULTS / file).read_bytes()
    svg = draw(json.loads(given))
    return svg.replace("<svg ", f'<svg data-figures="{hashlib.sha256(given).hexdigest()}" ', 1) + "\n"


def stale(name: str) -> bool:
    """Whether a picture is missing or of other figures; how it is drawn may differ from version to version."""
    path = RESULTS / name
    file, _ = PICTURES[name]
    known = hashlib.sha256((RESULTS / file).read_bytes()).hexdigest()
    return not path.is_file() or known not in path.read_text(encoding="utf-8")[:500]


def filled(text: str) -> str:
    """The page with every marked place filled from its file; a place whose file is missing says so."""

    def fill(match: re.Match[str]) -> str:
        file, render = TABLES[match[2]]
        path = RESULTS / file
        if not path.is_file():
            return f"{match[1]}Not measured yet.\n{match[3]}"
        return match[1] + render(json.loads(path.read_text(encoding="utf-8"))) + match[3]

    return _REGION.sub(fill, text)


def table(rows: list[list[str]]) -> str:
    """Rows as a Markdown table."""
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def small(rate: float, digits: int = 1) -> str:
    """A rate in powers of ten: ``1.2e-4``."""
    return f"{rate:.{digits}e}".replace("e-0", "e-")


def counted(number: int, noun: str) -> str:
    """``1 face``, ``2 faces``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def share(rate: dict[str, float]) -> str:
    """A share of many draws with its interval."""
    return f"{rate['value']:.1%} [{rate['low']:.1%}, {rate['high']:.1%}]"


def percent(rate: dict[str, float]) -> str:
    """A rate with its interval."""
    return f"{rate['value']:.2%} [{rate['low']:.2%}, {rate['high']:.2%}]"


def points(difference: dict[str, float]) -> str:
    """A difference of rates, in percentage points."""
    value, low, high = (100 * difference[key] for key in ("value", "low", "high"))
    return f"{value:+.2f} points [{low:+.2f}, {high:+.2f}]"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write measured figures into the pages that quote them.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where a page is stale")
    check = parser.parse_args().check
    behind = []
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        after = filled(before)
        if after != before:
            behind.append(page)
            if not check:
                page.write_text(after, encoding="utf-8")
    for name in PICTURES:
        if stale(name):
            behind.append(RESULTS / name)
            if not check:
                (RESULTS / name).write_text(picture(name), encoding="utf-8")
    for path in behind if check else ():
        print(f"{path.relative_to(ROOT)} is stale: make docs", file=sys.stderr)
    return int(check and bool(behind))


if __name__ == "__main__":
    sys.exit(main())
