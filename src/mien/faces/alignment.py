"""Alignment: from five landmarks to a chip in which every face has the same place and size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.types import Array, Image

__all__ = ["CHIP_SIZE", "REFERENCE_LANDMARKS", "align", "similarity_transforms", "warp"]

CHIP_SIZE = 112
"""Width and height in pixels of an aligned face."""

REFERENCE_LANDMARKS: Array = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
"""(5, 2): where the landmarks lie in a chip (Deng et al., ArcFace, CVPR 2019); order as in `Faces.landmarks`."""
REFERENCE_LANDMARKS.flags.writeable = False

# Bilinear sampling looks at four source pixels: below this scale it skips some, and the chip would alias.
_ALIASING_SCALE = 0.5


def similarity_transforms(source: ArrayLike, target: ArrayLike) -> Array:
    """Least-squares similarity transforms (rotation, uniform scale, translation; no reflection).

    In the complex plane the transform is z -> a z + b, so the least-squares solution (Umeyama 1991 without its
    reflection case) is a quotient of two sums and needs no decomposition.

    Args:
        source: (n, k, 2) points.
        target: (k, 2) or (n, k, 2) points.

    Returns:
        (n, 2, 3) float32 matrices that take source to target.
    """
    src = np.asarray(source, np.float64)
    dst = np.broadcast_to(np.asarray(target, np.float64), src.shape)
    z, w = src[..., 0] + 1j * src[..., 1], dst[..., 0] + 1j * dst[..., 1]
    z_mean, w_mean = z.mean(-1), w.mean(-1)
    z_centred, w_centred = z - z_mean[..., None], w - w_mean[..., None]
    spread = (np.abs(z_centred) ** 2).sum(-1)
    a = (z_centred.conj() * w_centred).sum(-1) / np.where(spread > 0, spread, 1.0)
    b = w_mean - a * z_mean
    rows = [np.stack([a.real, -a.imag, b.real], -1), np.stack([a.imag, a.real, b.imag], -1)]
    return np.stack(rows, -2).astype(np.float32)


def warp(image: Image, matrix: NDArray[np.floating], size: int) -> Image:
    """Sample a square through an affine matrix, without aliasing.

    Args:
        image: (H, W, 3) uint8.
        matrix: (2, 3), takes image coordinates to coordinates of the square.
        size: Width and height of the square in pixels.

    Returns:
        (size, size, 3) uint8; black where the square reaches beyond the image.
    """
    transform = np.asarray(matrix, np.float64)
    scale = float(np.hypot(transform[0, 0], transform[1, 0]))
    if 0 < scale < _ALIASING_SCALE:
        image, transform = _shrink(image, transform, size, scale)
    return np.asarray(cv2.warpAffine(image, transform, (size, size), flags=cv2.INTER_LINEAR), np.uint8)


def _shrink(image: Image, matrix: NDArray[np.float64], size: int, scale: float) -> tuple[Image, NDArray[np.float64]]:
    """Average the part of the image that the square shows down to about twice the square's resolution."""
    corners = np.array([[0, 0], [size, 0], [size, size], [0, size]], np.float64)
    seen = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    height, width = image.shape[:2]
    left, top = np.clip(np.floor(seen.min(0)) - 2, 0, [width - 1, height - 1]).astype(int)
    right, bottom = np.clip(np.ceil(seen.max(0)) + 2, [left + 1, top + 1], [width, height]).astype(int)
    part = image[top:bottom, left:right]
    factor = scale / _ALIASING_SCALE
    small_width, small_height = max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor))
    small = cv2.resize(part, (small_width, small_height), interpolation=cv2.INTER_AREA)
    ratio = np.array([part.shape[1] / small_width, part.shape[0] / small_height])
    # Pixel centres, not corners, coincide: x_part = (x_small + 0.5) * ratio - 0.5.
    shift = np.array([left, top]) + 0.5 * ratio - 0.5
    linear = matrix[:, :2] * ratio
    return np.asarray(small, np.uint8), np.column_stack([linear, matrix[:, :2] @ shift + matrix[:, 2]])


def align(
    image: Image, landmarks: ArrayLike, *, reference: Array = REFERENCE_LANDMARKS, size: int = CHIP_SIZE
) -> Image:
    """Aligned chips of the faces of one image.

    Args:
        image: (H, W, 3) uint8 RGB.
        landmarks: (n, 5, 2) in pixels of the image, order as in `Faces.landmarks`.
        reference: (5, 2), where they come to lie in a chip, in pixels.
        size: Width and height of a chip in pixels.

    Returns:
        (n, size, size, 3) uint8 RGB.
    """
    points = np.asarray(landmarks, np.float32).reshape(-1, 5, 2)
    chips = np.empty((len(points), size, size, 3), np.uint8)
    for chip, matrix in zip(chips, similarity_transforms(points, reference), strict=True):
        chip[...] = warp(image, matrix, size)
    return chips
