"""The face alone: the convex hull of its landmarks."""

from __future__ import annotations

import cv2
import numpy as np

from mien.faces import Landmarker
from mien.segmentation._window import check
from mien.types import Array, Faces, Image

__all__ = ["HullSegmenter"]


class HullSegmenter:
    """Brow to chin and ear to ear, without hair and shoulders: what a mask is that cannot fail.

    Args:
        landmarker: Its mesh is hulled.
    """

    name = "hull"

    def __init__(self, landmarker: Landmarker) -> None:
        self._landmarker = landmarker

    def segment(self, image: Image, faces: Faces) -> Array:
        """See `mien.segmentation.Segmenter`."""
        check(image, faces)
        (meshes,) = self._landmarker.meshes([image], [faces])
        mask = np.zeros(image.shape[:2], np.uint8)
        for mesh in meshes:
            outline = cv2.convexHull(np.round(mesh[:, :2]).astype(np.int32))
            cv2.fillConvexPoly(mask, outline, 255, cv2.LINE_AA)
        return np.asarray(mask / 255, np.float32)
