"""Confirming that two images show one person."""

from __future__ import annotations

import math

import numpy as np

from mien import media, quality
from mien.errors import SpaceMismatch
from mien.recognition.calibration import Calibration, load_calibration
from mien.recognition.decide import decide_verification
from mien.recognition.pipeline import Pipeline
from mien.recognition.recognisers import default_pipeline
from mien.types import Decision, Face, Faces

__all__ = ["compare", "verify", "verify_faces"]


def verify(
    first: media.Source,
    second: media.Source,
    *,
    fmr: float = 1e-4,
    pipeline: Pipeline | None = None,
    calibration: Calibration | None = None,
) -> Decision:
    """Decide whether the largest faces of two images are one person's.

    Args:
        first: Path, bytes, file object, or (H, W, 3) uint8 RGB array.
        second: The other image.
        fmr: Target false match rate: how often two different people may be taken for one.
        pipeline: What finds and embeds the faces; the default one otherwise.
        calibration: Of that pipeline; the user's or the shipped one otherwise.

    Returns:
        The decision. A face that is missing gives score ``-inf`` and reason ``"no_face"``; a face that is not fit
        for recognition gives its score and the reasons why it may not match.

    Raises:
        UnreadableImage: An image is missing, damaged or no image.
        UnsupportedErrorRate: The calibration cannot support the rate.
    """
    chosen = pipeline or default_pipeline()
    known = calibration or load_calibration(chosen.name)
    return verify_faces(chosen.find(first), chosen.find(second), fmr=fmr, pipeline=chosen, calibration=known)


def verify_faces(
    first: Faces,
    second: Faces,
    *,
    fmr: float = 1e-4,
    pipeline: Pipeline | None = None,
    calibration: Calibration | None = None,
) -> Decision:
    """As `verify`, of faces that were found in two images already.

    Args:
        first: Faces of one image, with templates and quality.
        second: Of the other.
        fmr: See `verify`.
        pipeline: What found them; the default one otherwise.
        calibration: See `verify`.

    Raises:
        SpaceMismatch: Their templates lie in different embedding spaces.
        UnsupportedErrorRate: As in `verify`.
    """
    known = calibration or load_calibration((pipeline or default_pipeline()).name)
    faces = (first, second)
    largest = [found.largest for found in faces]
    reasons: list[str] = []
    for found, face in zip(faces, largest, strict=True):
        unfit = ("no_face",) if face is None else quality.reasons(found[face.index : face.index + 1])[0]
        reasons += [reason for reason in unfit if reason not in reasons]
    left, right = largest
    score = compare(left, right) if left is not None and right is not None else -math.inf
    return decide_verification(score, calibration=known, fmr=fmr, reasons=reasons)


def compare(first: Face, second: Face) -> float:
    """Comparison score of two embedded faces: cosine similarity in [-1, 1].

    Raises:
        SpaceMismatch: Their templates lie in different embedding spaces, or one has none.
    """
    if first.template is None or second.template is None or first.space != second.space:
        raise SpaceMismatch(
            f"expected two templates of one embedding space, got {first.space!r} and {second.space!r}; "
            "embed both faces with one pipeline",
            spaces=[first.space, second.space],
        )
    return float(np.clip(first.template @ second.template, -1.0, 1.0))
