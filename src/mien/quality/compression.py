"""What compression left of a face, told by the file or seen as a grid of blocks.

Similarities are means over 31 portraits of the Face Research Lab London set (development half), halved in size so that
their own compression is gone, then saved by libjpeg at each quality: structural similarity (Wang et al. 2004) of the
face before and after, and how visible the grid of 8 x 8 pixels is.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types import Image

__all__ = ["blockiness", "jpeg_quality", "similarity_of_blocks", "similarity_of_tables"]

# ITU-T T.81, table K.1, which libjpeg scales by quality; only the sum of a table is looked at.
_K1 = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
_QUALITIES = np.arange(100, 0, -1)
_SCALES = np.where(_QUALITIES < 50, 5000 // _QUALITIES, 200 - 2 * _QUALITIES)
_SUMS = np.clip((_K1 * _SCALES[:, None, None] + 50) // 100, 1, 255).sum(axis=(1, 2))

_QUALITY = np.array([1, 3, 5, 8, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100])
_SIMILARITY = np.array(
    [0.600, 0.632, 0.723, 0.799, 0.827, 0.869, 0.891, 0.915, 0.928, 0.937, 0.944, 0.953, 0.962, 0.976, 0.986, 0.999]
)
_BLOCKS = np.array([7.92, 6.18, 4.36, 3.29, 2.80, 2.38, 2.14, 1.90, 1.72, 1.60, 1.54, 1.42, 1.26])
_NO_BLOCKS = 1.2  # above all that a picture without compression shows


def jpeg_quality(table: NDArray[np.integer]) -> float:
    """The quality, 1 to 100, at which libjpeg would have made a table of this coarseness.

    Args:
        table: (64,) of luminance.
    """
    return float(np.interp(np.sum(table), _SUMS, _QUALITIES))


def similarity_of_tables(table: NDArray[np.integer]) -> float:
    """Structural similarity that a JPEG of these tables keeps of a face, 0 to 1."""
    return float(np.interp(jpeg_quality(table), _QUALITY, _SIMILARITY))


def similarity_of_blocks(image: Image) -> float:
    """The same where no file tells, by the visible grid; NaN where there is none.

    A picture that was scaled since has no grid any more, so that none proves nothing.

    Args:
        image: (height, width, 3) uint8 RGB, whole.
    """
    seen = blockiness(image)
    known = _BLOCKS[::-1], _SIMILARITY[: len(_BLOCKS)][::-1]
    return float(np.interp(seen, *known)) if seen >= _NO_BLOCKS else math.nan


def blockiness(image: Image) -> float:
    """How much steeper luminance changes across borders of 8 x 8 blocks than within them, the direction where less so.

    Args:
        image: (height, width, 3) uint8 RGB.

    Returns:
        1 for no grid; NaN for images of less than 64 pixels a side.
    """
    if min(image.shape[:2]) < 64:
        return math.nan
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return min(_at_borders(np.diff(grey, axis=1)), _at_borders(np.diff(grey, axis=0).T))


def _at_borders(steps: NDArray[np.floating]) -> float:
    means = np.array([np.abs(steps[:, start::8]).mean() for start in range(8)])
    within = float(means[:7].mean())
    return float(means[7]) / within if within > 0 else 1.0
