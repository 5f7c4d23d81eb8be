"""Accuracy of the default configuration, beside OpenCV with the same weights on the same images in the same run.

    python bench/accuracy.py --lfw lfw_dev.zip --frll frll_dev.zip [--json docs/benchmarks/accuracy.json]

Prints missed faces, false faces, accuracy on the folds of LFW View 2, FNMR at FMR 1e-4 over all pairs, people weighing
the same (and pairs weighing the same: half of them are one man), with the interval of its difference to OpenCV's, the
measured FMR at stated ones, and FRLL neutral against smiling.
OpenCV runs on images enlarged twice, at its default thresholds, and picks the largest face as Mien does. The SFace file
as published does not load in OpenCV 5, so it is given the converted files, which hold the same weights.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

import mien
from mien import media, metrics, models
from mien.faces import Detector
from mien.recognition import default_pipeline, load_calibration, models_of
from mien.types import Array, Faces, Image

TARGET = 1e-4


@dataclass(frozen=True)
class System:
    """Templates of all images, NaN-free; ``missed`` where no face was found."""

    name: str
    templates: Array
    missed: NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lfw", help="lfw_dev.zip")
    parser.add_argument("--frll", help="frll_dev.zip")
    parser.add_argument("--replicates", type=int, default=1000, help="draws of people behind each interval")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    figures: dict[str, Any] = {
        "command": "python bench/accuracy.py --lfw lfw_dev.zip --frll frll_dev.zip",
        "date": date.today().isoformat(),
        "mien": mien.__version__,
        "pipeline": default_pipeline().name,
        "artefact": default_pipeline().artefact,
        "opencv": cv2.__version__,
        "weights": {name: models.card(name).artefact.sha256 for name in models_of("sface")},
        "machine": platform.processor() or platform.machine(),
    }
    if options.lfw:
        archive = zipfile.ZipFile(options.lfw)
        figures["lfw"] = lfw(archive, options.replicates)
        figures["false_faces"] = false_faces(archive)
    if options.frll:
        figures["frll"] = frll(zipfile.ZipFile(options.frll))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def lfw(archive: zipfile.ZipFile, replicates: int) -> dict[str, Any]:
    names = _images(archive, "crops/")
    people = [name.split("/")[1] for name in names]
    systems = [_mien(archive, names), _opencv(archive, names, scale=2)]
    scored = [metrics.all_pairs(s.templates, people, failed=s.missed) for s in systems]
    folds = _folds(archive, names)
    result: dict[str, Any] = {"images": len(names), "people": len(set(people)), "systems": {}}
    for system, pairs in zip(systems, scored, strict=True):
        point = metrics.operating_point(pairs, TARGET, replicates=replicates)
        result["systems"][system.name] = {
            "missed": int(system.missed.sum()),
            "accuracy": _accuracy(system, folds),
            "fnmr": asdict(point.fnmr),
            "fnmr_pooled": asdict(metrics.estimate_fnmr(pairs, point.threshold, weigh="comparison")),
            "threshold": point.threshold,
        }
        row = result["systems"][system.name]
        print(
            f"{system.name:12s} missed {row['missed']} of {len(names)}; accuracy on {len(folds)} folds "
            f"{row['accuracy']:.2%}; FNMR at FMR {TARGET:g}: {point.fnmr.value:.2%} "
            f"[{point.fnmr.low:.2%}, {point.fnmr.high:.2%}]"
        )
    difference = metrics.bootstrap_difference(scored[1], scored[0], TARGET, replicates=replicates)
    result["difference"] = asdict(difference)
    print(
        f"FNMR, Mien less OpenCV: {difference.value * 100:+.2f} points, "
        f"95 % interval [{difference.low * 100:+.2f}, {difference.high * 100:+.2f}]"
    )
    result["stated"] = _stated(scored[0])
    return result


def _stated(pairs: metrics.PairScores) -> list[dict[str, Any]]:
    """The FMR measured at thresholds that the shipped calibration states (fitted on frames of many of these people)."""
    calibration = load_calibration(default_pipeline().name)
    assert calibration is not None
    rows = []
    for rate in (1e-2, 1e-3, 1e-4, 1e-5):
        threshold = calibration.verification_threshold("image-image", rate)
        measured = metrics.estimate_fmr(pairs, threshold.value)
        rows.append({"stated": rate, "low": threshold.low, "high": threshold.high, "measured": asdict(measured)})
        print(f"stated FMR {rate:g} [{threshold.low:.2g}, {threshold.high:.2g}]: measured on crops {measured}")
    return rows


def false_faces(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Faces found in frames whose own face is painted over, less the bystanders.

    A bystander is a face that the unpainted frame holds at the same place at a third of the usual confidence, the
    painted face left aside; so a face imagined in the paint, or because of it, counts.
    """
    watchful = Detector(models.open_session("yunet-2023mar"), score_threshold=0.3, min_size=8, overlap=0.6)
    names = _images(archive, "frames/")
    found = bystanders = 0
    for start in range(0, len(names), 16):
        images = [media.read(archive.read(name)) for name in names[start : start + 16]]
        painted = [_paint(image, faces) for image, faces in zip(images, watchful.detect(images), strict=True)]
        # As files, which do not say which way is up: such photos are looked at turned as well.
        for (_, others), seen in zip(painted, default_pipeline().find_all(_png(p[0]) for p in painted), strict=True):
            known = [any(_overlap(face.box, other.box) > 0.3 for other in others) for face in seen]
            bystanders += sum(known)
            found += len(known) - sum(known)
    rate = 1000 * found / len(names)
    print(
        f"false faces: {found} in {len(names)} frames whose face is painted over ({rate:.2f} per 1,000); "
        f"{bystanders} bystanders, there without the paint as well, are not counted"
    )
    return {"frames": len(names), "false": found, "per_thousand": rate, "bystanders": bystanders}


def _png(image: Image) -> bytes:
    encoded = io.BytesIO()
    Pillow.fromarray(image).save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()


def _paint(image: Image, faces: Faces) -> tuple[Image, Faces]:
    """Cover the face nearest to the centre, a third wider than its box, with the mean colour of the frame.

    Returns:
        The painted frame, and the faces that do not lie at the painted one's place.
    """
    middle = np.array([image.shape[1], image.shape[0]]) / 2
    box = np.array([*(middle - 30), *(middle + 30)], np.float32)
    if len(faces):
        box = faces.boxes[int(np.argmin(np.abs(faces.boxes.reshape(-1, 2, 2).mean(1) - middle).sum(1)))]
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) * 0.65
    left, top = np.maximum(centre - half, 0).astype(int)
    right, bottom = np.ceil(centre + half).astype(int)
    covered = image.copy()
    covered[top:bottom, left:right] = image.reshape(-1, 3).mean(0)
    return covered, faces[np.array([_overlap(face.box, box) < 0.5 for face in faces], bool)]


def _overlap(first: Array, second: Array) -> float:
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    shared = float(np.prod(np.clip(high - low, 0, None)))
    areas = float(np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2]))
    return shared / (areas - shared)


def frll(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Neutral portraits against smiling ones of the same people."""
    names = _images(archive, "frll/")
    system = _mien(archive, names)
    people = np.array([Path(name).name.split("_")[0] for name in names])
    neutral = np.array(["neutral" in name for name in names])
    scores = system.templates[neutral] @ system.templates[~neutral].T
    mates = people[neutral][:, None] == people[~neutral][None]
    rank_1 = float(np.mean(metrics.mate_ranks(scores, mates.argmax(1)) == 1))
    result = {
        "people": int(neutral.sum()),
        "missed": int(system.missed.sum()),
        "rank_1": rank_1,
        "lowest_mated": float(scores[mates].min()),
        "highest_non_mated": float(scores[~mates].max()),
    }
    print(
        f"FRLL neutral against smiling, {result['people']} people: rank-1 {rank_1:.1%}, lowest mated score "
        f"{result['lowest_mated']:.3f}, highest non-mated {result['highest_non_mated']:.3f}"
    )
    return result


def _images(archive: zipfile.ZipFile, prefix: str) -> list[str]:
    return sorted(name for name in archive.namelist() if name.startswith(prefix) and name.endswith(".jpg"))


def _mien(archive: zipfile.ZipFile, names: list[str]) -> System:
    pipeline = default_pipeline()
    templates = np.zeros((len(names), pipeline.dimension), np.float32)
    missed = np.ones(len(names), bool)
    for index, _, faces in pipeline.find_all_indexed(archive.read(name) for name in names):
        largest = faces.largest
        if largest is not None:
            assert largest.template is not None
            templates[index], missed[index] = largest.template, False
    return System("Mien", templates, missed)


def _opencv(archive: zipfile.ZipFile, names: list[str], scale: int) -> System:
    detector = cv2.FaceDetectorYN.create(str(models.fetch("yunet-2023mar").path), "", (320, 320))
    recogniser = cv2.FaceRecognizerSF.create(str(models.fetch("sface-2021dec").path), "")
    templates, missed = np.zeros((len(names), 128), np.float32), np.ones(len(names), bool)
    for index, image in enumerate(_decoded(archive, names)):
        large = cv2.resize(image[..., ::-1], None, fx=scale, fy=scale)
        detector.setInputSize((large.shape[1], large.shape[0]))
        _, faces = detector.detect(large)
        if faces is None:
            continue
        largest = faces[np.argmax(faces[:, 2] * faces[:, 3])]
        feature = recogniser.feature(recogniser.alignCrop(large, largest))[0]
        templates[index], missed[index] = feature / np.linalg.norm(feature), False
    return System(f"OpenCV x{scale}", templates, missed)


def _decoded(archive: zipfile.ZipFile, names: list[str]) -> Iterator[Image]:
    return (media.read(archive.read(name)) for name in names)


def _folds(archive: zipfile.ZipFile, names: list[str]) -> list[NDArray[np.int64]]:
    """View 2's folds: (600, 3) index of both images, and 1 for a mated pair."""
    row = {Path(name).stem: index for index, name in enumerate(names)}
    lines = archive.read("pairs.txt").decode().splitlines()
    pairs = []
    for fields in (line.split("\t") for line in lines[1:] if line.strip()):
        first, second = (fields[0], fields[0]) if len(fields) == 3 else (fields[0], fields[2])
        pairs.append(
            (row[f"{first}_{int(fields[1]):04d}"], row[f"{second}_{int(fields[-1]):04d}"], int(len(fields) == 3))
        )
    return np.array_split(np.array(pairs, np.int64), int(lines[0].split()[0]))


def _accuracy(system: System, folds: list[NDArray[np.int64]]) -> float:
    """Mean accuracy, the threshold of each fold chosen on the others (the middle of the best ones)."""
    scores = [np.einsum("nd,nd->n", system.templates[f[:, 0]], system.templates[f[:, 1]]) for f in folds]
    for fold, row in zip(folds, scores, strict=True):
        row[system.missed[fold[:, :2]].any(1)] = -1.0
    correct = []
    for index, fold in enumerate(folds):
        train = np.concatenate([row for i, row in enumerate(scores) if i != index])
        mated = np.concatenate([f[:, 2] for i, f in enumerate(folds) if i != index])[np.argsort(train)]
        train = np.sort(train)
        right = np.concatenate([[0], np.cumsum(mated == 0)]) + mated.sum() - np.concatenate([[0], np.cumsum(mated)])
        best = np.flatnonzero(right == right.max())
        threshold = train[min(best[len(best) // 2], len(train) - 1)]
        correct.append(np.mean((scores[index] >= threshold) == fold[:, 2]))
    return float(np.mean(correct))


if __name__ == "__main__":
    main()
