"""People before another background, with the colours of hair cleaned of the old one."""

from __future__ import annotations

import cv2
import numpy as np

from mien.errors import InvalidArgument
from mien.types import Array, Image

__all__ = ["GREY", "WHITE", "blurred_background", "replace_background"]

WHITE = (255, 255, 255)
GREY = (211, 211, 211)
"""Light grey, as portraits for documents may have it."""

_LESS = 4
_WIDE, _NARROW = 45, 6
"""Radii in thousandths of the longer side over which colours near an edge are gathered; `_foreground` needs both."""


def replace_background(
    image: Image, mask: Array, background: tuple[int, int, int] | Image = WHITE, *, feather: float = 0.0
) -> Image:
    """Put what a mask shows before another background.

    Where the mask is between 0 and 1 a pixel is a mixture of hair and background: the person's part is estimated first,
    so that nothing of the old background shines through (Forte, arXiv:2006.14970, "blur fusion").

    Args:
        image: (height, width, 3) uint8 RGB.
        mask: (height, width) in [0, 1].
        background: A colour, or a picture of the same size.
        feather: Standard deviation in pixels by which the mask is softened first.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        InvalidArgument: Shapes that do not fit, or a colour that is none.
    """
    matte = _checked(image, mask, feather)
    behind = np.asarray(background)
    if behind.shape not in ((3,), image.shape) or behind.min() < 0 or behind.max() > 255:
        raise InvalidArgument(
            f"background: expected a colour of three numbers from 0 to 255, or a picture of {image.shape}, "
            f"got {behind.shape}"
        )
    alpha = matte[..., None]
    mixed = alpha * _foreground(image.astype(np.float32), alpha) + (1 - alpha) * behind.astype(np.float32)
    return np.asarray(np.clip(np.round(mixed), 0, 255), np.uint8)


def blurred_background(image: Image, mask: Array, share: float = 0.03) -> Image:
    """The background of a picture out of focus, without a halo of the person in it.

    Args:
        image: (height, width, 3) uint8 RGB.
        mask: (height, width) in [0, 1].
        share: Standard deviation of the blur, of the longer side.

    Returns:
        (height, width, 3) uint8 RGB, for `replace_background`.
    """
    matte = _checked(image, mask, 0.0)
    away = (1 - matte)[..., None]
    sigma = max(0.5, share * max(image.shape[:2]))

    def blur(values: Array) -> Array:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)

    weight = blur(away[..., 0])[..., None]
    blurred = blur(image.astype(np.float32) * away) / np.maximum(weight, 1e-3)
    return np.asarray(np.clip(np.round(blurred), 0, 255), np.uint8)


def _checked(image: Image, mask: Array, feather: float) -> Array:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InvalidArgument(f"image: expected (height, width, 3) uint8 RGB, got {image.shape} {image.dtype}")
    matte = np.asarray(mask, np.float32)
    if matte.shape != image.shape[:2] or not np.isfinite(matte).all() or matte.min() < 0 or matte.max() > 1:
        raise InvalidArgument(f"mask: expected {image.shape[:2]} numbers in [0, 1], got {matte.shape}")
    if not 0 <= feather <= 100:
        raise InvalidArgument(f"feather: expected 0 to 100 pixels, got {feather}")
    return matte if feather == 0 else np.asarray(cv2.GaussianBlur(matte, (0, 0), feather), np.float32)


def _foreground(image: Array, alpha: Array) -> Array:
    """The person's colour at every pixel, (height, width, 3) float32."""
    height, width = image.shape[:2]
    longer = max(height, width)
    # Colours gathered from afar are smooth: a quarter of the size shows them as well.
    small = (max(1, width // _LESS), max(1, height // _LESS))
    coarse = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    share = cv2.resize(alpha, small, interpolation=cv2.INTER_AREA).reshape(*coarse.shape[:2], 1)
    own, other = _gathered(coarse, coarse, share, round(_WIDE * longer / 1000 / _LESS))
    mixed = own + share * (coarse - share * own - (1 - share) * other)
    far, behind = (cv2.resize(values, (width, height)) for values in (mixed, other))
    own, other = _gathered(far, behind, alpha, round(_NARROW * longer / 1000))
    return np.asarray(np.clip(own + alpha * (image - alpha * own - (1 - alpha) * other), 0, 255), np.float32)


def _gathered(foreground: Array, background: Array, alpha: Array, radius: int) -> tuple[Array, Array]:
    """Mean colour of the person, and of what is behind, around each pixel."""
    side = (2 * max(1, radius) + 1,) * 2
    near = cv2.blur(alpha, side).reshape(alpha.shape)
    own = cv2.blur(foreground * alpha, side) / np.maximum(near, 1e-4)
    other = cv2.blur(background * (1 - alpha), side) / np.maximum(1 - near, 1e-4)
    return np.asarray(own, np.float32), np.asarray(other, np.float32)
