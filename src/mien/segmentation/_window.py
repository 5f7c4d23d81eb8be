"""Where people are looked for, as seen from their faces, and what of a mask is theirs."""

from __future__ import annotations

import cv2
import numpy as np

from mien.errors import InvalidArgument
from mien.types import Array, Faces, Image

__all__ = ["check", "joined", "window"]

_FAINT = 0.05

_ABOVE, _ASIDE, _BELOW = 1.0, 1.5, 4.0
"""In heights, widths and heights of the box around all faces; nobody's hair and shoulders are farther away."""


def check(image: Image, faces: Faces) -> None:
    """Refuse faces that are not of the image, and none at all."""
    if not len(faces):
        raise InvalidArgument("faces: expected at least one, got none; people are looked for around their faces")
    if (image.shape[1], image.shape[0]) != tuple(faces.image_size):
        raise InvalidArgument(
            f"image: the faces were found in one of {faces.image_size[0]}x{faces.image_size[1]} pixels, "
            f"got {image.shape[1]}x{image.shape[0]}"
        )


def window(faces: Faces) -> tuple[slice, slice]:
    """Rows and columns of an image around all of its faces."""
    width, height = faces.image_size
    left, top = (float(edge) for edge in faces.boxes[:, :2].min(axis=0))
    right, bottom = (float(edge) for edge in faces.boxes[:, 2:].max(axis=0))
    tall = float((faces.boxes[:, 3] - faces.boxes[:, 1]).max())
    wide = float((faces.boxes[:, 2] - faces.boxes[:, 0]).max())
    rows = slice(max(0, int(top - _ABOVE * tall)), min(height, int(bottom + _BELOW * tall) + 1))
    columns = slice(max(0, int(left - _ASIDE * wide)), min(width, int(right + _ASIDE * wide) + 1))
    return rows, columns


def joined(mask: Array, faces: Faces) -> Array:
    """A mask without what hangs together with no face: things in the background that looked like a person."""
    _, labels = cv2.connectedComponents((mask > _FAINT).astype(np.uint8))
    height, width = mask.shape
    points = np.round(faces.landmarks.reshape(-1, 2)).astype(int)
    columns, rows = np.clip(points, 0, (width - 1, height - 1)).T
    own = np.setdiff1d(labels[rows, columns], [0])
    return np.asarray(np.where(np.isin(labels, own), mask, 0), np.float32)
