"""Morphs of look-alikes of FRLL, by every tool, that detectors are fitted to and judged by: synthetic."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien import media
from mien.attacks import MORPHING_TOOLS, morph
from mien.recognition import default_pipeline
from mien.types import Faces, Image

CONSENT = "volunteers of FRLL, CC BY 4.0"
LOOK_ALIKES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Portraits:
    """FRLL: of each person a neutral portrait, as documents have, and a smiling one, which stands for a live capture.

    Attributes:
        neutral: By person.
        smiling: By person.
        pairs: Two people who look alike and are of one gender; who comes first is drawn.
    """

    neutral: dict[str, Image]
    smiling: dict[str, Image]
    pairs: list[tuple[str, str]]


def read_portraits(folder: Path, seed: int, *, look_alikes: int = LOOK_ALIKES) -> Portraits:
    """FRLL's portraits, and for each person the few most like them."""
    neutral, smiling = (
        {path.name[:3]: media.read(path) for path in sorted((folder / part).glob("*.jpg"))}
        for part in ("neutral_front", "smiling_front")
    )
    with (folder / "london_info.csv").open(encoding="utf-8") as file:
        gender = {row["face_id"]: row["face_gender"] for row in csv.DictReader(file)}
    people = sorted(neutral)
    described = [largest(image) for image in neutral.values()]
    templates = np.concatenate([faces.templates for faces in described if faces.templates is not None])
    alike = templates @ templates.T
    found: set[tuple[str, str]] = set()
    for row, person in enumerate(people):
        others = [o for o in np.argsort(-alike[row]) if o != row and gender.get(people[o]) == gender.get(person)]
        found |= {tuple(sorted((person, people[other]))) for other in others[:look_alikes]}
    random = np.random.default_rng(seed)
    return Portraits(neutral, smiling, [p if random.random() < 0.5 else p[::-1] for p in sorted(found)])


def morphs(portraits: Portraits, kept: Path) -> Iterator[tuple[str, tuple[str, str], Image]]:
    """Tool, parents and picture of every morph; those that were made before are read from the folder."""
    kept.mkdir(parents=True, exist_ok=True)
    for first, second in portraits.pairs:
        for tool in MORPHING_TOOLS:
            path = kept / f"{first}_{second}_{tool}.png"
            if not path.exists():
                made = morph(portraits.neutral[first], portraits.neutral[second], consent=CONSENT, tool=tool)
                media.write(path, made.image, xmp=made.xmp)
            yield tool, (first, second), media.read(path)


def largest(image: Image) -> Faces:
    """The largest face of an image, described."""
    (faces,) = default_pipeline().process([image])
    face = faces.largest
    assert face is not None
    return faces[face.index : face.index + 1]
