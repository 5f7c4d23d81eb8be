"""A coarse mask made to follow the edges of the picture: the fast guided filter (He & Sun, arXiv:1505.00996)."""

from __future__ import annotations

import cv2
import numpy as np

from mien.types import Array, Image

__all__ = ["refine"]

_RADIUS = 1
"""In pixels of the coarse mask; wider neighbourhoods were tried, and smear the mask along hair."""
_EPSILON = 1e-4
"""Variance of luminance in [0, 1] below which the picture has no edge to follow."""
_CONTRAST = 2.0
"""A coarse pixel at an edge holds both sides; the picture's own pixels mostly hold one."""


def refine(image: Image, coarse: Array) -> Array:
    """A mask of the picture's size out of one of fewer pixels.

    Within each neighbourhood the mask is taken for a linear function of the luminance, which is fitted at the coarse
    size and applied at the picture's own.

    Args:
        image: (height, width, 3) uint8 RGB.
        coarse: (h, w) float32 in [0, 1], of the same view.

    Returns:
        (height, width) float32 in [0, 1].
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    size, full = (coarse.shape[1], coarse.shape[0]), (image.shape[1], image.shape[0])
    guide = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    mask = np.asarray(coarse, np.float32)

    def mean(values: Array) -> Array:
        return np.asarray(cv2.blur(values, (2 * _RADIUS + 1, 2 * _RADIUS + 1)), np.float32)

    mean_guide, mean_mask = mean(guide), mean(mask)
    slope = (mean(guide * mask) - mean_guide * mean_mask) / (mean(guide * guide) - mean_guide**2 + _EPSILON)
    offset = mean_mask - slope * mean_guide
    fine = cv2.resize(mean(slope), full) * grey + cv2.resize(mean(offset), full)
    return np.asarray(np.clip((fine - 0.5) * _CONTRAST + 0.5, 0, 1), np.float32)
