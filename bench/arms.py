"""Ways to put a face before white, and masks degraded on purpose: the arms of the study of backgrounds."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mien.segmentation import WHITE, replace_background
from mien.types import Array, Image

__all__ = ["DOSES", "MAIN", "ORIGINAL", "Arm", "corrected"]

_FEATHER = 0.05
"""Standard deviation of a feathered edge, in inter-eye distances."""
_BLOB = 0.3
"""Radius of what a blob takes out of a mask, in inter-eye distances."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to correct a portrait.

    Attributes:
        name: Of its rows in results.
        segmenter: Whose masks; None leaves the portrait as it is.
        edge: ``"soft"``, the mask as it is; ``"feathered"``, blurred; ``"hard"``, cut at a half, as in the paper.
        damage: ``"eroded"``, ``"dilated"`` or ``"dropped"``; None for a mask as the segmenter gave it.
        dose: Of the damage: inter-eye distances that the outline moves, or the share of the mask that blobs take out.
    """

    name: str
    segmenter: str | None = None
    edge: str = "soft"
    damage: str | None = None
    dose: float = 0.0


ORIGINAL = Arm("original")
MAIN = (
    ORIGINAL,
    *(Arm(f"selfie {edge}", "selfie", edge) for edge in ("soft", "feathered", "hard")),
    *(Arm(f"{name} {edge}", name, edge) for name in ("grabcut", "hull") for edge in ("soft", "hard")),
)
DOSES = tuple(
    Arm(f"{damage} {dose:g}", "selfie", "hard", damage, dose)
    for damage, doses in (
        ("eroded", (0.15, 0.3, 0.5, 0.75)),
        ("dilated", (0.3, 0.75)),
        ("dropped", (0.1, 0.25, 0.5)),
    )
    for dose in doses
)


def corrected(image: Image, mask: Array, between_eyes: float, arm: Arm, seed: int) -> tuple[Image, Array]:
    """A portrait before white, and the mask that was used.

    Args:
        image: (height, width, 3) uint8 RGB.
        mask: (height, width) float32 in [0, 1], of the arm's segmenter.
        between_eyes: Pixels.
        arm: Not `ORIGINAL`.
        seed: Of where blobs fall.
    """
    if arm.edge == "feathered":
        blurred = cv2.GaussianBlur(mask, (0, 0), max(0.3, _FEATHER * between_eyes))
        mask = np.asarray(np.clip(blurred, 0, 1), np.float32)
    elif arm.edge == "hard":
        mask = (mask > 0.5).astype(np.float32)
    if arm.damage == "dropped":
        mask = _dropped(mask, arm.dose, _BLOB * between_eyes, np.random.default_rng(seed))
    elif arm.damage is not None:
        side = 2 * max(1, round(arm.dose * between_eyes)) + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        moved = cv2.erode(mask, disc) if arm.damage == "eroded" else cv2.dilate(mask, disc)
        mask = np.asarray(moved, np.float32)
    return replace_background(image, mask, WHITE), mask


def _dropped(mask: Array, share: float, radius: float, random: np.random.Generator) -> Array:
    """The mask without discs that fall on it anywhere, until that share of it is gone."""
    left = np.ascontiguousarray(mask)
    rows, columns = np.nonzero(mask > 0.5)
    wanted = (1 - share) * float(mask.sum())
    while float(left.sum()) > wanted:
        place = int(random.integers(len(rows)))
        cv2.circle(left, (int(columns[place]), int(rows[place])), max(1, round(radius)), 0.0, -1)
    return left
