"""A face as the reference software of ISO/IEC 29794-5, OFIQ, looks at it: of one size, upright, and only its skin."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.faces.alignment import similarity_transforms
from mien.faces.alignment import warp as warped
from mien.types import Array, Image

__all__ = ["SIDE", "Normalised", "luminance"]

SIDE = 616
"""Width and height in pixels of the normalised view."""
_REFERENCE: Array = np.array([[251, 272], [364, 272], [308, 336], [262, 402], [355, 402]], np.float32)

# Points of the mesh nearest to the outline of 98 landmarks that OFIQ hulls: the jaw from ear to ear, and the brows.
_JAW = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454)
_BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_OUTLINE = np.array(_JAW + _BROWS)
_CORNERS = np.array([[33, 133], [362, 263]])
_MOUTH = np.array([61, 291])
_ZONE = 0.3  # side of a cheek's square, in inter-eye distances

_VALUES = np.arange(256) / 255
_LINEAR = np.where(_VALUES > 0.04045, ((_VALUES + 0.055) / 1.055) ** 2.4, _VALUES / 12.92)
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def luminance(image: Image) -> NDArray[np.uint8]:
    """Relative luminance of sRGB pixels, linear in light, 0 to 255 (IEC 61966-2-1).

    Args:
        image: (h, w, 3) uint8 RGB.
    """
    return np.asarray(np.floor(_LINEAR[image] @ _WEIGHTS * 255 + 0.5), np.uint8)


class Normalised:
    """The normalised view of one face.

    Args:
        image: (height, width, 3) uint8 RGB.
        landmarks: (5, 2) pixels, order as in `Faces.landmarks`.
        mesh: (468, 3) pixels of the image, as from `mien.faces.Landmarker.meshes`.
    """

    def __init__(self, image: Image, landmarks: Array, mesh: Array) -> None:
        self.matrix = similarity_transforms(landmarks[None], _REFERENCE)[0]
        self.image = warped(image, self.matrix, SIDE)
        self.mesh: Array = np.asarray(mesh[:, :2] @ self.matrix[:, :2].T + self.matrix[:, 2], np.float32)
        self._size = (image.shape[1], image.shape[0])

    @cached_property
    def luminance(self) -> NDArray[np.uint8]:
        """(616, 616) uint8, see `luminance`."""
        return luminance(self.image)

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """(616, 616): which pixels lie within the image."""
        width, height = self._size
        return self.view(np.ones((height, width), np.float32)) > 0.999

    @cached_property
    def skin(self) -> NDArray[np.bool_]:
        """(616, 616): the convex hull of jaw and brows, as far as it lies within the image."""
        hull = cv2.convexHull(np.round(self.mesh[_OUTLINE]).astype(np.int32))
        filled = cv2.fillConvexPoly(np.zeros((SIDE, SIDE), np.uint8), hull, 1)
        return np.asarray((filled > 0) & self.seen)

    @cached_property
    def cheeks(self) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Rows and columns of a square on each cheek, the one on the image's left first."""
        left, right = self.mesh[_CORNERS].mean(axis=1)
        across = float(np.linalg.norm(right - left))
        down = float(np.linalg.norm(self.mesh[_MOUTH].mean(axis=0) - (left + right) / 2)) / 2
        side = int(_ZONE * across)
        corners = ((left[0] - side, left[1] + down), (right[0], right[1] + down))
        first, second = ((slice(int(y), int(y) + side), slice(int(x), int(x) + side)) for x, y in corners)
        return first, second

    def view(self, plane: Array) -> Array:
        """A plane of the image's size, such as a mask, in the normalised view; 0 beyond the image."""
        return np.asarray(cv2.warpAffine(np.asarray(plane, np.float32), self.matrix, (SIDE, SIDE)), np.float32)
