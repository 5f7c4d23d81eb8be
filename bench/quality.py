"""Whether the learnt utility knows which comparisons will fail, beside what costs nothing: error versus discard.

    python bench/quality.py path/to/lfw_dev.zip [--json docs/benchmarks/quality.json] [--fit utility.json]

Over the LFW crops. Utility is fitted to the people of four fifths of them and asked about the others, five times over,
so that everybody is scored by a model that never saw them. A comparison is as good as its worse image; the threshold
is fixed at FMR 1e-3 on all. `--fit` writes a model of everybody, which is the one that ships.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
import zipfile
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import report

from mien import media, metrics, quality
from mien.recognition import default_pipeline
from mien.types import Faces

FOLDS, FMR, UPTO, SEED = 5, 1e-3, 0.3, 0
OTHER_SEEDS = range(1, 6)
Values = np.ndarray[Any, np.dtype[np.float64]]


def found(archive: zipfile.ZipFile) -> tuple[Faces, np.ndarray[Any, Any], Values]:
    """The largest face of each crop, whose it is, and the variance of its Laplacian."""
    names = sorted(n for n in archive.namelist() if n.startswith("crops/") and n.endswith(".jpg"))
    faces, people, detail = [], [], []
    results = default_pipeline().find_all_indexed(archive.read(name) for name in names)
    for index, image, seen in results:
        if not len(seen):
            continue
        main = int(np.argmax(seen.sizes))
        faces.append(seen[main : main + 1])
        people.append(names[index].split("/")[1])
        left, top, right, bottom = np.clip(np.round(seen.boxes[main]), 0, max(image.shape)).astype(int)
        grey = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
        detail.append(float(cv2.Laplacian(cv2.resize(grey, (112, 112)), cv2.CV_64F).var()))
    return joined(faces), np.array(people), np.array(detail)


def joined(faces: list[Faces]) -> Faces:
    columns = ("boxes", "scores", "landmarks", "image_index", "timestamp", "track_id", "templates", "quality")
    together: dict[str, Any] = {name: np.concatenate([getattr(one, name) for one in faces]) for name in columns}
    extra = {name: np.concatenate([one.extra[name] for one in faces]) for name in faces[0].extra}
    return dataclasses.replace(faces[0], **together, extra=extra)


def cross_fitted(faces: Faces, people: np.ndarray[Any, Any], seed: int) -> Values:
    names, codes = np.unique(people, return_inverse=True)
    fold = np.random.default_rng(seed).integers(0, FOLDS, len(names))[codes]
    values = np.zeros(len(faces))
    for held in range(FOLDS):
        model = quality.fit_utility(faces[fold != held], people[fold != held])
        values[fold == held] = model.predict(faces[fold == held])
    return values


def compared(faces: Faces, people: np.ndarray[Any, Any], measures: dict[str, Values]) -> dict[str, Any]:
    assert faces.templates is not None
    scores = faces.templates @ faces.templates.T
    rows = np.triu_indices(len(people), 1)
    same = people[rows[0]] == people[rows[1]]
    threshold = float(np.quantile(scores[rows][~same], 1 - FMR))
    order = np.argsort(people, kind="stable")
    groups = np.split(order, np.flatnonzero(people[order][1:] != people[order][:-1]) + 1)
    pairs = np.array([pair for group in groups for pair in combinations(group.tolist(), 2)])
    mated, subjects = scores[pairs[:, 0], pairs[:, 1]], people[pairs[:, 0]]
    _, codes, counts = np.unique(subjects, return_inverse=True, return_counts=True)
    worth = {name: metrics.pair_quality(values[pairs[:, 0]], values[pairs[:, 1]]) for name, values in measures.items()}
    figures: dict[str, Any] = {"mated": len(mated), "people": len(counts), "errors": int((mated < threshold).sum())}
    for weigh, weights in {"pair": np.ones(len(mated)), "person": 1 / counts[codes]}.items():
        areas = {
            name: metrics.discard_curve(mated, one, threshold, weights=weights).area(UPTO)
            for name, one in worth.items()
        }
        differences = {
            name: dataclasses.asdict(
                metrics.bootstrap_area_difference(
                    mated, (one, worth["utility"]), threshold, subjects, weights=weights, upto=UPTO, seed=SEED
                )
            )
            for name, one in worth.items()
            if name != "utility"
        }
        figures[weigh] = {"areas": areas, "utility_less": differences}
    return figures


def cost(faces: Faces, model: quality.Utility) -> float:
    """Microseconds a face, alone, as in a photo of one."""
    one = faces[:1]
    start = time.perf_counter()
    for _ in range(1000):
        model.score(one)
    return (time.perf_counter() - start) / 1000 * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", help="lfw_dev.zip")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--fit", type=Path)
    arguments = parser.parse_args()
    faces, people, detail = found(zipfile.ZipFile(arguments.archive))
    crops = f"Labeled Faces in the Wild, development half, {len(faces):,} crops"
    model = quality.fit_utility(faces, people, fitted_to=crops)
    if arguments.fit:
        media.write_bytes(arguments.fit, (json.dumps(model.to_dict()) + "\n").encode("ascii"))
    measures = {
        "utility": cross_fitted(faces, people, SEED),
        "quality": np.asarray(faces.quality, np.float64),
        "detector score": faces.scores.astype(np.float64),
        "face size": faces.sizes.astype(np.float64),
        "Laplacian": detail,
    }
    figures = {**report.conditions(), "fmr": FMR, "upto": UPTO, "folds": FOLDS, "seed": SEED}
    figures |= compared(faces, people, measures) | {"microseconds_a_face": cost(faces, model)}
    figures["other_splits"] = []
    for seed in OTHER_SEEDS:
        one = compared(faces, people, measures | {"utility": cross_fitted(faces, people, seed)})
        figures["other_splits"].append({"seed": seed, **{weigh: one[weigh] for weigh in ("pair", "person")}})
    for weigh in ("pair", "person"):
        part = figures[weigh]
        rows: list[tuple[str, ...]] = [(name, f"{1e3 * area:.2f}") for name, area in part["areas"].items()]
        print(report.table((f"one vote a {weigh}", "area x 1000"), rows))
        for name, one in part["utility_less"].items():
            print(f"  less {name}: {1e3 * one['value']:.2f} [{1e3 * one['low']:.2f}, {1e3 * one['high']:.2f}]")
    if arguments.json:
        report.save(arguments.json, figures)


if __name__ == "__main__":
    main()
