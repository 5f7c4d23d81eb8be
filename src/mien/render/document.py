"""Faces as JSON, one document an image: schema ``mien.faces/1``.

    schema              "mien.faces/1"
    source              name of the image
    image               width, height: pixels of the upright image
    space               embedding space of the templates, null before embedding
    faces[]             in the order of the `Faces`
      index             0, 1, ...
      image_index       position of the image among those given
      timestamp         seconds from the start of the video, null for photos
      track_id          null outside a track
      box               left, top, right, bottom: pixels; may reach beyond the image
      box_normalised    the same as fractions of the width and height
      landmarks         [x, y] of five points in pixels: eye on the image's left, eye on its right, tip of the nose,
                        corner of the mouth on the image's left, and on its right
      detection_score   detector confidence, 0 to 1
      quality           0 (useless) to 100, null before assessment
      extra             what a method added, by name
      person            label of the person decided on; null for unknown, and before a decision
      decision          null before a decision
        match           true or false
        person          person_id and label, null where nobody was decided on
        score           best comparison score (cosine similarity, never a probability); null: nothing to compare
        threshold       lowest score that is a match; null where no calibration fits
        rate, rate_kind the error rate asked for; "fmr" or "fpir"
        interval        95 % interval of the rate at this threshold, [low, high]
        comparison      comparison type
        llr             natural logarithm of the likelihood ratio, null where uncalibrated
        reasons         why it deserves less trust or could not be a match, such as ["too_small"]
        candidates[]    person_id, label, score, samples; best first
        calibration     its name, null where none fits
      template          only where asked for: the numbers a face is recognised by are personal data

Fields may be added within version 1; none is removed or changes its meaning. Infinite and undefined numbers are null.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from mien import media
from mien.types import Decision, Face, Faces

__all__ = ["SCHEMA", "decision_to_dict", "faces_to_dict", "plain", "write_jsonl"]

SCHEMA = "mien.faces/1"
"""Name and version of the document of an image's faces."""


def faces_to_dict(faces: Faces, source: str, *, templates: bool = False) -> dict[str, Any]:
    """The faces of one image as plain JSON values; the fields are listed at the top of this module.

    Args:
        faces: Faces of one image.
        source: What to call the image, see `mien.media.source_name`.
        templates: Whether to give the templates away with it.
    """
    width, height = faces.image_size
    return {
        "schema": SCHEMA,
        "source": source,
        "image": {"width": int(width), "height": int(height)},
        "space": faces.space,
        "faces": [_face(face, templates=templates) for face in faces],
    }


def decision_to_dict(decision: Decision) -> dict[str, Any]:
    """A decision as plain JSON values; the fields are listed at the top of this module."""
    person = decision.person
    return {
        "match": bool(decision.match),
        "person": None if person is None else {"person_id": person.person_id, "label": person.label},
        "score": plain(decision.score),
        "threshold": plain(decision.threshold),
        "rate": plain(decision.rate),
        "rate_kind": decision.rate_kind,
        "interval": plain(decision.interval),
        "comparison": decision.comparison,
        "llr": plain(decision.llr),
        "reasons": list(decision.reasons),
        "candidates": [
            {"person_id": c.person_id, "label": c.label, "score": plain(c.score), "samples": int(c.samples)}
            for c in decision.candidates
        ],
        "calibration": decision.calibration,
    }


def write_jsonl(path: str | os.PathLike[str], results: Iterable[tuple[str, Faces]], *, templates: bool = False) -> None:
    """Write one document a line, as results come; the file appears whole or not at all.

    Args:
        path: Where to.
        results: Source and faces of each image.
        templates: As in `faces_to_dict`.

    Raises:
        UnwritableFile: No such folder, no permission, or no room; nothing was changed.
    """
    with media.replacing(path) as file:
        for source, faces in results:
            line = json.dumps(faces_to_dict(faces, source, templates=templates), allow_nan=False)
            file.write(line.encode("ascii") + b"\n")


def _face(face: Face, *, templates: bool) -> dict[str, Any]:
    edges = ("left", "top", "right", "bottom")
    width, height = face.image_size
    normalised = face.box / np.array([width, height, width, height])
    document = {
        "index": face.index,
        "image_index": face.image_index,
        "timestamp": plain(face.timestamp),
        "track_id": None if face.track_id < 0 else face.track_id,
        "box": dict(zip(edges, plain(np.round(face.box, 2)), strict=True)),
        "box_normalised": dict(zip(edges, plain(np.round(normalised, 5)), strict=True)),
        "landmarks": plain(np.round(face.landmarks, 2)),
        "detection_score": plain(face.score),
        "quality": None if face.quality is None else plain(round(face.quality, 2)),
        "extra": {name: plain(value) for name, value in sorted(face.extra.items())},
        "person": face.person,
        "decision": None if face.decision is None else decision_to_dict(face.decision),
    }
    if templates:
        document["template"] = plain(face.template)
    return document


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
    """Plain JSON values; floats to seven digits, what float32 holds, and null where infinite or undefined."""
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else None
    return value if isinstance(value, str | int | None) else str(value)
