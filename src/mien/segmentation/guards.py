"""What no mask of a person can be: a failed mask is a failure to acquire, never a blank image.

Blank images resemble each other, and a handful of them among strangers moves the threshold of every low false match
rate until nobody is recognised (specification of the study: arXiv:2604.20585, and its reading here).
"""

from __future__ import annotations

import numpy as np

from mien.errors import SegmentationFailed
from mien.types import Array, Faces

__all__ = ["LEAST", "LEAST_OF_FACE", "check_mask"]

LEAST = 0.02
"""Share of a picture that people have to take. They may take all of it: a close-up has no background."""
LEAST_OF_FACE = 0.9
"""Share of the face, brows to chin, that has to lie in the mask."""


def check_mask(mask: Array, faces: Faces) -> None:
    """Refuse a mask that cannot be of these people.

    Args:
        mask: (height, width) float32 in [0, 1].
        faces: The faces it was made for.

    Raises:
        SegmentationFailed: Next to nothing is a person, or a face is not; ``details`` has the shares.
    """
    share = float(mask.mean())
    if not share >= LEAST:
        raise SegmentationFailed(
            f"mask: expected people to take {LEAST:.0%} of the picture or more, got {share:.1%}; try another segmenter",
            foreground=share,
        )
    within = [_share_of_face(mask, points) for points in faces.landmarks]
    if within and min(within) < LEAST_OF_FACE:
        raise SegmentationFailed(
            f"mask: expected every face to lie in it, got {min(within):.0%} of one; try another segmenter",
            face=min(within),
        )


def _share_of_face(mask: Array, points: Array) -> float:
    """Mean of the mask over the rectangle that the five landmarks span."""
    height, width = mask.shape
    left, top = np.clip(np.floor(points.min(axis=0)), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(points.max(axis=0)), (left + 1, top + 1), (width, height)).astype(int)
    return float(mask[top:bottom, left:right].mean())
