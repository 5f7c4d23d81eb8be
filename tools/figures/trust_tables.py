"""What is told of quality, backgrounds and morphs."""

from __future__ import annotations

from typing import Any

from wording import conditions, counted, percent, points, small, table, thousandths


def quality(results: dict[str, Any]) -> str:
    """Partial areas of error versus discard, and how much smaller utility's is."""
    votes = ("pair", "person")
    rows = [["", *(f"Area x 1000, one vote a {vote}" for vote in votes), *(f"Utility less it, {v}" for v in votes)]]
    rows.append(["---"] * 5)
    for name in results["pair"]["areas"]:
        areas = [f"{1e3 * results[vote]['areas'][name]:.2f}" for vote in votes]
        less = [thousandths(results[vote]["utility_less"].get(name)) for vote in votes]
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
