"""Is the face in a document one person's? Morphing attack detection (ISO/IEC 20059), with or without a live capture."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Self

from mien import media
from mien.attacks.demorphing import morph_score
from mien.errors import NoFace
from mien.faces import default_detector
from mien.types import Faces, Image

__all__ = ["MorphDecision", "MorphThreshold", "detect_morph", "load_threshold"]

_STRANGER = 0.8
"""1 minus cosine from which on two faces are two people's: above that of all but a few morphs and their parents."""
_SMALLEST = 80.0
"""Pixels of a face's width below which traces of morphing are not there to be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MorphThreshold:
    """Where a detector decides, and what that is worth.

    Attributes:
        detector: Which one.
        threshold: Lowest score that is called a morph.
        macer: Share of morphs that are missed at most, by the worst tool, among those it was fitted to.
        fitted_to: What these were.
    """

    detector: str
    threshold: float
    macer: float
    fitted_to: str

    def to_json(self) -> str:
        """As `from_json` reads it."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class MorphDecision:
    """What became of a document.

    Attributes:
        detector: ``"differential"``.
        morph: Whether it is called a morph; None where nothing is decided.
        score: The higher, the more likely a morph; of the differential detector how much more unlike the live face the
            remainder is than the document.
        threshold: Lowest score that is called a morph.
        macer: Share of morphs that are missed at that threshold, as it was fitted.
        reasons: Why: ``"remainder_unlike_live"``; or why nothing is decided: ``"unlike_live"`` (they are two people),
            ``"too_small"``.
    """

    detector: str
    morph: bool | None
    score: float
    threshold: float
    macer: float
    reasons: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "reasons": list(self.reasons)}


def detect_morph(document: media.Source, live: media.Source) -> MorphDecision:
    """Whether the face of a document is that of whoever stands before the camera, and of nobody else.

    Args:
        document: Path, bytes, file object, or (H, W, 3) uint8 RGB array.
        live: A capture that is trusted, such as a gate's; its largest face counts.

    Raises:
        UnreadableImage, ImageTooLarge: As `mien.media.read`.
        NoFace: There is none in one of them.
    """
    known = load_threshold("differential")
    images = [media.read(source) for source in (document, live)]
    found = [_largest(image, name) for image, name in zip(images, ("document", "live"), strict=True)]
    score, whole = morph_score(images[0], found[0], images[1], found[1])
    small = any(faces.boxes[0, 2] - faces.boxes[0, 0] < _SMALLEST for faces in found)
    reasons = ["too_small"] if small else []
    if whole >= _STRANGER:
        reasons.append("unlike_live")
    elif score >= known.threshold:
        reasons.append("remainder_unlike_live")
    return MorphDecision(
        detector=known.detector,
        morph=None if small or whole >= _STRANGER else score >= known.threshold,
        score=score,
        threshold=known.threshold,
        macer=known.macer,
        reasons=tuple(reasons),
    )


@cache
def load_threshold(detector: str) -> MorphThreshold:
    """The threshold that ships with Mien.

    Args:
        detector: ``"differential"``.
    """
    text = files("mien.attacks").joinpath("thresholds", f"{detector}.json").read_text(encoding="utf-8")
    return MorphThreshold.from_json(text)


def _largest(image: Image, name: str) -> Faces:
    (faces,) = default_detector().detect([image])
    face = faces.largest
    if face is None:
        raise NoFace(f"{name}: expected a face, got none")
    return faces[face.index : face.index + 1]
