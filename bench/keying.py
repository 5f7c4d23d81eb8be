"""Portraits cut out by the colour of their plain background, without any segmenter, and put before clutter.

The background of a FRLL portrait is grey and lit unevenly: a cubic surface is fitted to what hangs together with the
picture's upper edges, and what differs from it is the person. Shirts are white and, in shadow, as grey as the wall:
below the chin a column that is the person's stays so to the lower edge. Where shoulders are lost all the same, the
portrait is left out, by the width at the lower edge, before any segmenter has seen it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types import Array, Image

__all__ = ["clutter", "keyed"]

_NEAR, _FAR = 8.0, 28.0
"""Differences of colour, of 255, at which a pixel begins to be the person's, and is so altogether."""
_SHOULDERS = 0.8
"""Least share of the lower edge that a person takes."""
_STEP = 4


def keyed(image: Image, chin: float) -> Array | None:
    """A matte of the person, (height, width) float32 in [0, 1]; None where the colours do not tell.

    Args:
        image: (height, width, 3) uint8 RGB.
        chin: Row below the chin.
    """
    difference = np.abs(image.astype(np.float32) - _wall(image)).max(axis=2)
    soft = np.clip((difference - _NEAR) / (_FAR - _NEAR), 0, 1)
    solid = ~_joined_to_edges(soft < 0.5)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8))
    person = (labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    near, inner = cv2.dilate(person, np.ones((15, 15))), cv2.erode(person, np.ones((5, 5)))
    matte = np.where(inner > 0, 1, np.where(near > 0, soft, 0)).astype(np.float32)
    row = int(chin)
    matte[row:] = np.maximum(matte[row:], np.maximum.accumulate(matte[row:] > 0.5, axis=0))
    return matte if (matte[-1] > 0.5).mean() >= _SHOULDERS else None


def clutter(height: int, width: int, random: np.random.Generator) -> Image:
    """Coloured clouds, boxes and discs; synthetic."""
    clouds = np.zeros((height, width, 3), np.float32)
    for cells in (4, 8, 16, 32, 64):
        grid = random.random((cells, cells, 3), np.float32)
        clouds += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) / cells**0.5
    clouds = 255 * (clouds - clouds.min()) / (clouds.max() - clouds.min())
    for _ in range(40):
        colour = random.integers(0, 256, 3).tolist()
        x, y, across, down = random.integers(0, max(height, width), 4).tolist()
        if random.random() < 0.5:
            cv2.rectangle(clouds, (x, y), (x + across // 4, y + down // 4), colour, -1)
        else:
            cv2.circle(clouds, (x, y), 10 + across // 10, colour, -1)
    return np.asarray(np.clip(cv2.GaussianBlur(clouds, (0, 0), 1.0), 0, 255), np.uint8)


def _wall(image: Image) -> NDArray[np.float64]:
    height, width = image.shape[:2]
    small = cv2.resize(image.astype(np.float32), (width // _STEP, height // _STEP), interpolation=cv2.INTER_AREA)
    terms = _terms(*small.shape[:2])
    known = np.zeros(small.shape[:2], bool)
    known[:8] = True
    known[: int(0.6 * len(known)), :8] = known[: int(0.6 * len(known)), -8:] = True
    weights = np.zeros((terms.shape[2], 3))
    for _ in range(6):
        weights = np.linalg.lstsq(terms[known], small[known], rcond=None)[0]
        alike = _joined_to_edges(np.abs(small - terms @ weights).max(axis=2) < 10)
        known = cv2.erode(alike.astype(np.uint8), np.ones((3, 3))) > 0
    return np.asarray(_terms(height, width) @ weights)


def _terms(height: int, width: int) -> NDArray[np.float64]:
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    powers = [(i, j) for i in range(4) for j in range(4 - i)]
    return np.stack([x**i * y**j for i, j in powers], axis=2)


def _joined_to_edges(where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What hangs together with the upper edge, or with the sides above the shoulders."""
    _, labels = cv2.connectedComponents(where.astype(np.uint8))
    sides = labels[: int(0.6 * len(labels))]
    own = np.setdiff1d(np.concatenate([labels[0], sides[:, 0], sides[:, -1]]), [0])
    return np.isin(labels, own)
