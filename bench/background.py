"""Backgrounds replaced: how right masks are, how fast it goes, and what it does to recognition.

    python bench/background.py --frll frll_dev.zip --lfw lfw_dev.zip [--json docs/benchmarks/background.json]

Masks are compared with those of portraits that were cut out by the colour of their plain wall (`keying.py`, which knows
no segmenter) and put before synthetic clutter. Speed is that of portraits of 675 x 675 pixels in memory, by all
processors, beside the network's own time. Recognition is that of LFW crops, at most six images a person (15 mated
pairs), as they are and before white: FNMR at FMR 1e-3, each condition with its own threshold, and with the other's.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from keying import clutter, keyed
from report import conditions, save, table
from throughput import unpacked

from mien import media, metrics, models
from mien.errors import MienError
from mien.faces import default_detector
from mien.recognition import default_pipeline
from mien.segmentation import SEGMENTERS, estimate_foreground, replace_backgrounds, segmenter
from mien.types import Array, Faces, Image

TARGET = 1e-3
MOST = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frll", required=True, help="frll_dev.zip")
    parser.add_argument("--lfw", help="lfw_dev.zip")
    parser.add_argument("--people", type=int, default=800, help="people of LFW with two images or more")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    figures: dict[str, Any] = {**conditions(), "seed": options.seed}
    figures["weights"]["selfie-segmentation"] = models.card("selfie-segmentation").artefact.sha256
    with unpacked(f"{options.frll}:frll/neutral_front/", 1000) as paths:
        portraits = [media.read(path) for path in paths]
    figures["masks"] = masks(portraits, options.seed)
    figures["speed"] = speed(portraits)
    if options.lfw:
        with unpacked(f"{options.lfw}:crops/", 10_000) as paths:
            figures["recognition"] = recognition(chosen(paths, options.people))
    if options.json:
        save(options.json, figures)


def masks(portraits: list[Image], seed: int) -> dict[str, Any]:
    """Intersection over union of each segmenter's masks, a portrait each."""
    random = np.random.default_rng(seed)
    found: dict[str, list[float]] = {name: [] for name in SEGMENTERS}
    errors: dict[str, list[float]] = {name: [] for name in SEGMENTERS}
    left_out = 0
    for portrait in portraits:
        faces = one_face(portrait)
        top, bottom = faces.boxes[0, 1], faces.boxes[0, 3]
        matte = keyed(portrait, float(bottom + 0.12 * (bottom - top)))
        if matte is None:
            left_out += 1
            continue
        image = before(portrait, matte, clutter(portrait.shape[0], portrait.shape[1], random))
        faces = one_face(image)
        for name in SEGMENTERS:
            mask = segmenter(name).segment(image, faces)
            found[name].append(overlap(mask, matte))
            errors[name].append(float(np.abs(mask - matte).mean()))
    rows = {name: spread(values) | {"error": float(np.mean(errors[name]))} for name, values in found.items()}
    names = ("segmenter", "mean IoU", "lowest", "below 0.95", "mean error")
    print(
        table(
            names,
            [
                (n, f"{r['mean']:.3f}", f"{r['lowest']:.3f}", f"{r['below']} of {r['count']}", f"{r['error']:.4f}")
                for n, r in rows.items()
            ],
        )
    )
    print(f"{left_out} of {len(portraits)} portraits left out: their shirts could not be told from the wall")
    return {"portraits": len(portraits), "left_out": left_out, "segmenters": rows}


def one_face(image: Image) -> Faces:
    (faces,) = default_detector().detect([image])
    largest = faces.largest
    assert largest is not None
    return faces[largest.index : largest.index + 1]


def before(portrait: Image, matte: Array, background: Image) -> Image:
    """The portrait's person before another background, by the keyed matte alone."""
    alpha = matte[..., None]
    mixed = alpha * estimate_foreground(portrait, matte) + (1 - alpha) * background
    return np.asarray(np.clip(mixed, 0, 255), np.uint8)


def overlap(mask: Array, truth: Array) -> float:
    one, other = mask > 0.5, truth > 0.5
    return float((one & other).sum() / (one | other).sum())


def spread(values: list[float]) -> dict[str, Any]:
    below = sum(value < 0.95 for value in values)
    return {"count": len(values), "mean": float(np.mean(values)), "lowest": float(np.min(values)), "below": below}


def speed(portraits: list[Image]) -> dict[str, Any]:
    """Portraits a second, from pixels to pixels, and the share that the network itself takes."""
    session = models.open_session("selfie-segmentation")
    some = np.zeros((1, 256, 256, 3), np.uint8)
    with ThreadPoolExecutor(models.available_threads()) as pool:
        start = time.perf_counter()
        list(pool.map(lambda _: session.run(some), portraits))
    network = time.perf_counter() - start
    start, cpu = time.perf_counter(), time.process_time()
    done = sum(not isinstance(image, MienError) for _, image in replace_backgrounds(portraits))
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    count = len(portraits)
    print(
        f"{count / wall:.1f} portraits a second, {1e3 * cpu / count:.0f} ms of one core each; "
        f"{wall / network:.2f} x the network alone ({done} of {count} done, load {os.getloadavg()[0]:.1f})"
    )
    return {"count": count, "done": done, "rate": count / wall, "cpu_ms": 1e3 * cpu / count, "ratio": wall / network}


def chosen(paths: list[Path], people: int) -> list[Path]:
    """At most six images each of people who have two or more."""
    counts = Counter(path.parent.name for path in paths)
    names = [name for name in sorted(counts) if counts[name] > 1][:people]
    taken = Counter[str]()
    kept = []
    for path in sorted(paths):
        name = path.parent.name
        if name in names and taken[name] < MOST:
            taken[name] += 1
            kept.append(path)
    return kept


def recognition(paths: list[Path]) -> dict[str, Any]:
    """TMR as photographed and before white; a failed mask is a failure to acquire, which counts as missed."""
    people = np.array([path.parent.name for path in paths])
    originals = [media.read(path) for path in paths]
    corrected = [None if isinstance(image, MienError) else image for _, image in replace_backgrounds(originals)]
    sound = np.array([image is not None for image in corrected])
    sides = {name: embedded(images) for name, images in (("original", originals), ("white", corrected))}
    result: dict[str, Any] = {"images": len(paths), "people": len(set(people)), "failed": int((~sound).sum())}
    for scope, kept in (("all", np.ones(len(paths), bool)), ("sound", sound)):
        scores = {
            name: metrics.all_pairs(templates[kept], people[kept].tolist(), failed=missed[kept])
            for name, (templates, missed) in sides.items()
        }
        result[scope] = compared(scores)
        row = result[scope]
        print(
            f"LFW, {len(paths)} images of {result['people']} people, masks: {scope}: FNMR at FMR {TARGET:g} "
            f"{row['fnmr']['original']['value']:.2%} as photographed, "
            f"{row['fnmr']['white']['value']:.2%} before white, "
            f"{row['carried']['value']:.2%} at the other threshold; change {100 * row['change']['value']:+.2f} points "
            f"[{100 * row['change']['low']:+.2f}, {100 * row['change']['high']:+.2f}]; {result['failed']} failed"
        )
    return result


def compared(scores: dict[str, metrics.PairScores]) -> dict[str, Any]:
    points = {name: metrics.operating_point(pairs, TARGET) for name, pairs in scores.items()}
    return {
        "fnmr": {name: asdict(point.fnmr) for name, point in points.items()},
        "carried": asdict(metrics.estimate_fnmr(scores["white"], points["original"].threshold)),
        "change": asdict(metrics.bootstrap_difference(scores["original"], scores["white"], TARGET)),
    }


def embedded(images: Sequence[Image | None]) -> tuple[Array, Any]:
    pipeline = default_pipeline()
    templates = np.zeros((len(images), pipeline.dimension), np.float32)
    missed = np.ones(len(images), bool)
    there = [position for position, image in enumerate(images) if image is not None]
    sources = (image for image in images if image is not None)
    for position, faces in zip(there, pipeline.find_all(sources), strict=True):
        if (largest := faces.largest) is not None and faces.templates is not None:
            templates[position], missed[position] = faces.templates[largest.index], False
    return templates, missed


if __name__ == "__main__":
    main()
