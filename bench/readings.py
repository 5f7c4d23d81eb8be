"""What recognition, quality and detectors say of every picture of an arm, kept in a folder arm by arm."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from arms import ORIGINAL, Arm, corrected
from numpy.typing import NDArray
from texture import judged_by_others, patterns

from mien import media, models
from mien.attacks.demorphing import morph_score
from mien.errors import SegmentationFailed
from mien.quality import COMPONENTS
from mien.quality.measures import background_uniformity
from mien.quality.normalised import Normalised
from mien.recognition import default_pipeline
from mien.segmentation import check_mask, segmenter
from mien.types import Array, Faces, Image

__all__ = ["BONA_FIDE", "DETECTORS", "Case", "Detector", "Readings", "central", "read_arm"]

BONA_FIDE = "bona fide"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A picture that all arms start from.

    Attributes:
        path: Its file.
        people: Who is in it: one person, or the two of a morph.
        face: Where, in the picture as it is; None where no face was found.
        kind: `BONA_FIDE` or the tool that morphed it.
        lives: Captures that a document is compared with, each with its face.
    """

    path: Path
    people: tuple[str, ...]
    face: Faces | None
    kind: str = BONA_FIDE
    lives: tuple[tuple[Image, Faces], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Detector:
    """A morph detector as the study asks it.

    Attributes:
        name: In results.
        look: What is kept of a picture, its face and what it is compared with: a row of numbers.
        judge: (n, k) scores, the higher the more likely a morph, of what is kept of an arm and of the originals; NaN
            where there is none.
    """

    name: str
    look: Callable[[Image, Faces, Case], Array]
    judge: Callable[[Array, Array, Sequence[Case], int], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """What was read of the pictures of an arm.

    Attributes:
        templates: (n, d) float32; zeros where no face was found.
        missed: (n,) True where no face was found in the corrected picture.
        refused: (n,) True where Mien's guard refuses the mask; the picture was made and read all the same.
        utility: (n,) 0 to 100; NaN where no face was found.
        uniformity: (n,) score of the background, 0 to 100; NaN where it was not measured.
        seconds: CPU time that reading them took.
        kept: By detector, (n, k) what its ``look`` gave; NaN where no face was found.
    """

    templates: Array
    missed: NDArray[np.bool_]
    refused: NDArray[np.bool_]
    utility: Array
    uniformity: Array
    seconds: float
    kept: dict[str, Array]

    def failed(self, *, guarded: bool = True) -> NDArray[np.bool_]:
        """(n,) failures to acquire, with or without those that the guard refuses."""
        return self.missed | self.refused if guarded else self.missed

    def among(self, chosen: NDArray[np.bool_]) -> Readings:
        """Those of some of the pictures."""
        columns = {name: getattr(self, name)[chosen] for name in _COLUMNS}
        return Readings(**columns, seconds=self.seconds, kept={name: rows[chosen] for name, rows in self.kept.items()})

    def save(self, path: Path) -> None:
        """Write to a ``.npz`` file, whole or not at all."""
        columns = {name: getattr(self, name) for name in _COLUMNS}
        columns |= {f"kept.{name}": rows for name, rows in self.kept.items()}
        columns["seconds"] = np.float64(self.seconds)
        part = path.with_suffix(".part.npz")
        np.savez(part, **columns)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Readings:
        """What `save` wrote."""
        with np.load(path) as file:
            kept = {name.removeprefix("kept."): file[name] for name in file.files if name.startswith("kept.")}
            columns = {name: file[name] for name in _COLUMNS}
            return cls(**columns, seconds=float(file["seconds"]), kept=kept)


_COLUMNS = ("templates", "missed", "refused", "utility", "uniformity")


def central(image: Image) -> Faces | None:
    """The face nearest to the centre of a picture, as published sets are cut."""
    (faces,) = default_pipeline().locate([image])
    if not len(faces):
        return None
    distances = np.abs(faces.boxes.reshape(-1, 2, 2).mean(axis=1) - np.array(faces.image_size) / 2).sum(axis=1)
    place = int(np.argmin(distances))
    return faces[place : place + 1]


def read_arm(
    kept: Path,
    cases: Sequence[Case],
    arm: Arm,
    *,
    detectors: Sequence[Detector] = (),
    uniformity: bool = False,
    asked: NDArray[np.bool_] | None = None,
) -> Readings:
    """Readings of an arm, from its file where it was read before.

    Args:
        kept: The arm's file.
        cases: Of the set.
        arm: Which one.
        detectors: Those that are asked.
        uniformity: Whether the background of bona fide pictures is measured.
        asked: (n,) which pictures are read; the others count as missed. All by default.
    """
    if kept.exists():
        return Readings.load(kept)

    def read(number: int) -> dict[str, Any]:
        if asked is not None and not asked[number]:
            return {"refused": False}
        return _read(cases[number], arm, number, detectors, uniformity)

    before = time.process_time()
    with ThreadPoolExecutor(models.available_threads()) as pool:
        rows = list(pool.map(read, range(len(cases))))
    blank = np.zeros(default_pipeline().dimension, np.float32)
    columns: dict[str, Any] = {
        "templates": np.stack([row.get("template", blank) for row in rows]),
        "missed": np.array(["template" not in row for row in rows]),
        "refused": np.array([row["refused"] for row in rows]),
    }
    for name in ("utility", "uniformity"):
        columns[name] = np.array([row.get(name, np.nan) for row in rows], np.float32)
    looked = {detector.name: _filled([row.get(detector.name) for row in rows]) for detector in detectors}
    readings = Readings(**columns, seconds=time.process_time() - before, kept=looked)
    readings.save(kept)
    return readings


def _read(case: Case, arm: Arm, number: int, detectors: Sequence[Detector], uniformity: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"refused": False}
    if case.face is None:
        return row
    image = media.read(case.path)
    if arm.segmenter is not None:
        left, right = case.face.landmarks[0, :2]
        mask = segmenter(arm.segmenter).segment(image, case.face)
        image, mask = corrected(image, mask, float(np.linalg.norm(right - left)), arm, number)
        row["refused"] = _refused(mask, case.face)
    face = case.face if arm is ORIGINAL else central(image)
    if face is None:
        return row
    pipeline = default_pipeline()
    (found,) = pipeline.describe([image], [face])
    assert found.templates is not None
    row |= {"template": found.templates[0], "utility": found.extra["quality.utility"][0]}
    if uniformity and case.kind == BONA_FIDE:
        row["uniformity"] = _uniformity(image, found)
    return row | {detector.name: detector.look(image, face, case) for detector in detectors}


def _refused(mask: Array, face: Faces) -> bool:
    try:
        check_mask(mask, face)
    except SegmentationFailed:
        return True
    return False


def _uniformity(image: Image, face: Faces) -> float:
    """Score of the background; what is background a segmenter says that does not know the arm."""
    (meshes,) = default_pipeline().meshes([image], [face])
    raw = background_uniformity(Normalised(image, face.landmarks[0], meshes[0]), segmenter().segment(image, face))
    return COMPONENTS["background_uniformity"].score(raw) if np.isfinite(raw) else np.nan


def _filled(rows: Sequence[Array | None]) -> Array:
    """Rows one below the other, NaN where there is none."""
    width = max((len(row) for row in rows if row is not None), default=1)
    filled = np.full((len(rows), width), np.nan, np.float32)
    for place, row in enumerate(rows):
        if row is not None:
            filled[place, : len(row)] = row
    return filled


def _demorphed(image: Image, face: Faces, case: Case) -> Array:
    return np.array([morph_score(image, face, live, own)[0] for live, own in case.lives], np.float32)


def _as_it_is(kept: Array, originals: Array, cases: Sequence[Case], seed: int) -> NDArray[np.float64]:  # noqa: ARG001 - a detector that is fitted needs them
    return kept.astype(np.float64)


def _by_texture(kept: Array, originals: Array, cases: Sequence[Case], seed: int) -> NDArray[np.float64]:
    attacks = np.array([case.kind != BONA_FIDE for case in cases])
    return judged_by_others(kept, originals, attacks, [case.people for case in cases], seed)[:, None]


DETECTORS = (
    Detector("differential", _demorphed, _as_it_is),
    Detector("texture", lambda image, face, _: patterns(image, face), _by_texture),
)
"""Every morph detector that the study compares; another one is another line."""
