"""Mien's recognisers beside one another, and beside dlib's network used as the package face_recognition uses it.

    python bench/recognisers.py --lfw lfw_dev.zip [--people 2086] [--json docs/benchmarks/recognisers.json]

All see the same LFW crops in the same run. Prints the images without a face, FNMR at FMR 1e-4 over all pairs with its
interval, and milliseconds an image. face_recognition's way: HOG detector with one upsampling, five landmarks, dlib's
own chip, Euclidean distance. Where the detector of one finds no face, all comparisons of the image count as missed.
"""

from __future__ import annotations

import argparse
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from report import conditions, save, table

from mien import media, metrics, models
from mien.recognition import RECOGNISERS, pipeline_for
from mien.types import Array, Image

TARGET = 1e-4


@dataclass(frozen=True)
class Answer:
    """Templates (n, d) float32, where no face was found, and the time it took in milliseconds an image."""

    templates: Array
    missed: NDArray[np.bool_]
    milliseconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lfw", required=True, help="lfw_dev.zip")
    parser.add_argument("--people", type=int, help="as many people, drawn by chance (default: all)")
    parser.add_argument("--replicates", type=int, default=1000, help="draws of people behind each interval")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    figures = conditions()
    archive = zipfile.ZipFile(options.lfw)
    names = chosen(archive, options.people)
    people = [name.split("/")[1] for name in names]
    figures |= {"images": len(names), "people": len(set(people)), "fmr": TARGET, "systems": []}
    systems: dict[str, Callable[[], Answer]] = {
        f"Mien, {name}": partial(by_mien, archive, names, name) for name in RECOGNISERS
    }
    systems["face_recognition's way"] = partial(by_face_recognition, archive, names)
    for name, system in systems.items():
        answer = system()
        cosine = metrics.all_pairs(answer.templates, people, failed=answer.missed)
        pairs = {"cosine": cosine}
        if not name.startswith("Mien"):
            pairs = {"Euclidean": metrics.scored_pairs(closeness(answer), people)}
        for score, compared in pairs.items():
            figures["systems"].append(row(name, score, answer, compared, options.replicates))
    show(figures["systems"])
    if options.json:
        save(options.json, figures)


def chosen(archive: zipfile.ZipFile, people: int | None) -> list[str]:
    names = sorted(name for name in archive.namelist() if name.startswith("crops/") and name.endswith(".jpg"))
    everybody = sorted({name.split("/")[1] for name in names})
    drawn = set(np.random.default_rng(0).permutation(everybody)[:people])
    return [name for name in names if name.split("/")[1] in drawn]


def row(name: str, score: str, answer: Answer, pairs: metrics.PairScores, replicates: int) -> dict[str, Any]:
    point = metrics.operating_point(pairs, TARGET, replicates=replicates)
    return {
        "name": name,
        "score": score,
        "missed": int(answer.missed.sum()),
        "fnmr": asdict(point.fnmr),
        "threshold": point.threshold,
        "milliseconds_per_image": answer.milliseconds,
    }


def show(rows: list[dict[str, Any]]) -> None:
    lines: list[tuple[str, ...]] = [
        (
            f"{r['name']} ({r['score']})",
            str(r["missed"]),
            f"{r['fnmr']['value']:.2%} [{r['fnmr']['low']:.2%}, {r['fnmr']['high']:.2%}]",
            f"{r['milliseconds_per_image']:.0f}",
        )
        for r in rows
    ]
    print(table(("", "no face", f"FNMR at FMR {TARGET:g}", "ms an image"), lines))


def by_mien(archive: zipfile.ZipFile, names: list[str], recogniser: str) -> Answer:
    pipeline = pipeline_for(recogniser)
    templates, missed = np.zeros((len(names), pipeline.dimension), np.float32), np.ones(len(names), bool)
    start = time.perf_counter()
    for index, _, faces in pipeline.find_all_indexed(archive.read(name) for name in names):
        largest = faces.largest
        if largest is not None and largest.template is not None:
            templates[index], missed[index] = largest.template, False
    return Answer(templates, missed, (time.perf_counter() - start) * 1e3 / len(names))


def by_face_recognition(archive: zipfile.ZipFile, names: list[str]) -> Answer:
    import dlib

    weights = models.fetch("dlib-resnet-v1").path
    network = dlib.face_recognition_model_v1(str(weights))
    predictor = dlib.shape_predictor(str(weights.parent / "shape_predictor_5_face_landmarks.dat"))
    detector = dlib.get_frontal_face_detector()
    templates, missed = np.zeros((len(names), 128), np.float32), np.ones(len(names), bool)
    start = time.perf_counter()
    for index, image in enumerate(decoded(archive, names)):
        boxes = detector(image, 1)
        if boxes:
            largest = max(boxes, key=lambda box: box.area())
            templates[index] = np.array(network.compute_face_descriptor(image, predictor(image, largest), 1))
            missed[index] = False
    return Answer(templates, missed, (time.perf_counter() - start) * 1e3 / len(names))


def decoded(archive: zipfile.ZipFile, names: list[str]) -> Iterator[Image]:
    return (np.ascontiguousarray(media.read(archive.read(name))) for name in names)


def closeness(answer: Answer) -> Array:
    """(n, n) float32: the Euclidean distance, the other way round."""
    squares = (answer.templates.astype(np.float64) ** 2).sum(1)
    squared = squares[:, None] + squares[None] - 2 * (answer.templates.astype(np.float64) @ answer.templates.T)
    scores = -np.sqrt(np.maximum(squared, 0)).astype(np.float32)
    scores[answer.missed] = scores[:, answer.missed] = -np.inf
    return np.asarray(scores, np.float32)


if __name__ == "__main__":
    main()
