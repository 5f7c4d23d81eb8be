"""A face, cut out of its image."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mien.types import Image

__all__ = ["face_square"]

_MARGIN = 0.62
"""Half the square's side over the longer side of the box."""


def face_square(image: Image, box: ArrayLike) -> Image:
    """A square around a face with some margin, as far as the image reaches.

    Args:
        image: (H, W, 3) uint8 RGB.
        box: Left, top, right, bottom in pixels; may reach beyond the image.

    Returns:
        (h, w, 3) uint8 RGB, at least one pixel.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = np.nan_to_num(np.asarray(box, np.float64), posinf=width, neginf=0).tolist()
    half = max(_MARGIN * max(right - left, bottom - top), 1)
    x, y = (left + right) / 2, (top + bottom) / 2
    first, upper = round(min(max(x - half, 0), width - 1)), round(min(max(y - half, 0), height - 1))
    last, lower = round(max(min(x + half, width), 1)), round(max(min(y + half, height), 1))
    return np.ascontiguousarray(image[upper : max(lower, upper + 1), first : max(last, first + 1)])
