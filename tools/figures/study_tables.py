"""What is told of the study of backgrounds."""

from __future__ import annotations

from typing import Any

from wording import conditions, percent, points, share, small, table, thousandths


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
        area = f"{1e3 * row['area']['value']:.2f}" if name == "original" else thousandths(row["area"]["change"])
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
