"""The component measures, one function each, in their own units, and the map to what they are worth.

Names follow ISO/IEC 29794-5; the map is the sigmoid that the standard's reference software, OFIQ, uses.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types import Array, Image

__all__ = [
    "brightness",
    "cut_off",
    "face_regions",
    "over_exposure",
    "sharpness",
    "sigmoid_map",
    "under_exposure",
]

Grey: TypeAlias = NDArray[np.uint8]
Values: TypeAlias = float | NDArray[np.floating[Any]]

_REGION = 1.1  # half the side of the square from brows to chin, in inter-eye distances
_SIDE = 64
_DARK, _BRIGHT = 25, 247
_FLAT = 0.1  # mean absolute gradient below which there is nothing to blur


def face_regions(image: Image, landmarks: Array, scale: Array) -> list[Grey]:
    """Luminance of each face's square from the brows to the chin, at most 64 pixels a side.

    Larger faces are reduced, so that sharpness means the same at any size; smaller ones stay as they are.

    Args:
        image: (height, width, 3) uint8 RGB.
        landmarks: (n, 5, 2) pixels.
        scale: (n,) pixels per inter-eye distance.

    Returns:
        n arrays (h, w) uint8; empty where the square lies outside the image.
    """
    centre, half = landmarks.mean(axis=1), _REGION * scale[:, None]
    corners = np.stack([np.floor(centre - half), np.ceil(centre + half)], axis=1)
    size = (image.shape[1], image.shape[0])
    bounds = np.clip(np.nan_to_num(corners, nan=0.0), 0, size).astype(int).reshape(-1, 4).tolist()
    return [_reduced_grey(image[top:bottom, left:right]) for left, top, right, bottom in bounds]


def _reduced_grey(square: Image) -> Grey:
    if not square.size:
        return np.zeros((0, 0), np.uint8)
    grey = cv2.cvtColor(square, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    shrink = _SIDE / max(height, width)
    if shrink < 1:
        size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8)


def sharpness(region: Grey) -> float:
    """How much detail one more blur would take away, in [0, 1]; independent of contrast and brightness.

    The share of the summed absolute gradient that a three-pixel mean removes, along the axis where it removes less,
    so that motion in either direction is seen. An ordinary photo loses a sixth, a blurred one next to nothing.
    """
    if min(region.shape, default=0) < 4:
        return 0.0
    grey = region.astype(np.float32)
    across = _gradient_lost(grey[:, 1:], grey[:, :-1], cv2.blur(grey, (3, 1)))
    down = _gradient_lost(grey[1:], grey[:-1], cv2.blur(grey, (1, 3)))
    return min(across, down)


def _gradient_lost(after: Array, before: Array, blurred: Array) -> float:
    height, width = after.shape
    total = cv2.norm(after, before, cv2.NORM_L1)
    if total <= _FLAT * after.size:
        return 0.0
    left = cv2.norm(blurred[-height:, -width:], blurred[:height, :width], cv2.NORM_L1)
    return float(max(0.0, 1 - left / total))


def brightness(region: Grey) -> float:
    """Mean luminance in [0, 1]."""
    return float(cv2.mean(region)[0]) / 255 if region.size else 0.0


def under_exposure(region: Grey) -> float:
    """Share of the pixels that are nearly black (luminance up to 25 of 255)."""
    return np.count_nonzero(region <= _DARK) / region.size if region.size else 1.0


def over_exposure(region: Grey) -> float:
    """Share of the pixels that are nearly white (luminance from 247 of 255)."""
    return np.count_nonzero(region >= _BRIGHT) / region.size if region.size else 0.0


def cut_off(boxes: Array, image_size: tuple[int, int]) -> Array:
    """(n,) float32: share of each box's area that lies outside the image, in [0, 1]."""
    extent = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    inside = np.clip(np.minimum(boxes[:, 2:], image_size) - np.maximum(boxes[:, :2], 0), 0, None)
    area = extent[:, 0] * extent[:, 1]
    kept = np.divide(inside[:, 0] * inside[:, 1], area, out=np.zeros_like(area), where=area > 0)
    return np.asarray(np.clip(1 - kept, 0, 1), np.float32)


def sigmoid_map(raw: Values, *, x0: Values, w: Values, h: Values = 100.0, a: Values = 0.0, s: Values = 1.0) -> Values:
    """Worth of a raw measure, ``h (a + s / (1 + exp((x0 - x) / w)))`` clipped to [0, 100]: OFIQ's form and names.

    Arguments are numbers or arrays that broadcast together.
    """
    exponent = np.minimum((x0 - raw) / w, 500)
    return np.asarray(np.clip(h * (a + s / (1 + np.exp(exponent))), 0, 100))
