"""What is told of recognition: how often it errs, and how fast it is."""

from __future__ import annotations

from statistics import median
from typing import Any

from wording import conditions, counted, percent, points, share, small, table


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
