"""People before another background, with the colours of hair cleaned of the old one."""

from __future__ import annotations

import cv2
import numpy as np

from mien.errors import InvalidArgument
from mien.types import Array, Image

__all__ = ["GREY", "WHITE", "blurred_background", "estimate_foreground", "replace_background"]

WHITE = (255, 255, 255)
"""As ICAO's portraits may have it."""
GREY = (211, 211, 211)
"""Light grey, as portraits for documents may have it."""

_PASSES = ((45, 4), (6, 2))
"""Over what radius in thousandths of the longer side colours near an edge are gathered, first from afar and then from
nearby; and in a picture how many times smaller, for what is gathered is smooth."""
_NEXT_TO = 1 / 512
"""Of 0 and 1 that no pixel of 8 bits tells from them."""


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
    result = np.empty_like(image)
    result[:] = behind
    cv2.copyTo(image, (matte > 0).astype(np.uint8), result)
    edge = (matte > 0) & (matte < 1)
    alpha = matte[edge][:, None]
    own = estimate_foreground(image, matte)[edge]
    other = behind if behind.ndim == 1 else behind[edge]
    result[edge] = np.clip(np.round(alpha * own + (1 - alpha) * other), 0, 255)
    return result


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
    if feather > 0:
        matte = np.asarray(cv2.GaussianBlur(matte, (0, 0), feather), np.float32)
    # A blur leaves 0.9999999 of 1, and what is not 1 is taken for an edge, whose colours are estimated.
    return np.asarray(np.where(matte < _NEXT_TO, 0, np.where(matte > 1 - _NEXT_TO, 1, matte)), np.float32)


def estimate_foreground(image: Image, mask: Array) -> Array:
    """The person's own colour at every pixel, also where the background shines through.

    Args:
        image: (height, width, 3) uint8 RGB.
        mask: (height, width) float32 in [0, 1].

    Returns:
        (height, width, 3) float32, 0 to 255.
    """
    own: Array | Image = image
    other: Array | Image = image
    for radius, less in _PASSES:
        own, other = _gathered(image, mask, own, other, radius, less)
    return np.asarray(cv2.resize(own, mask.shape[::-1]), np.float32)


def _gathered(
    image: Image, mask: Array, own: Array | Image, other: Array | Image, radius: int, less: int
) -> tuple[Array, Array]:
    """Better estimates of both colours at a smaller size, from means of those at hand over a neighbourhood."""
    height, width = mask.shape
    small = (max(1, width // less), max(1, height // less))
    seen, near_own, near_other = (_resized(values, small) for values in (image, own, other))
    alpha = _resized(mask, small)[..., None]
    side = (2 * max(1, round(radius * max(height, width) / 1000 / less)) + 1,) * 2
    person, behind = (
        cv2.blur(values * share, side) / np.maximum(cv2.blur(share, side)[..., None], 1e-6)
        # Pixels that are one thing alone tell its colour best.
        for values, share in ((near_own, alpha**4), (near_other, (1 - alpha) ** 4))
    )
    return np.clip(person + alpha * (seen - alpha * person - (1 - alpha) * behind), 0, 255), behind


def _resized(values: Array | Image, size: tuple[int, int]) -> Array:
    method = cv2.INTER_AREA if size[0] < values.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values, size, interpolation=method), np.float32)
