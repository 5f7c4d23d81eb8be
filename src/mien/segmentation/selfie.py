"""People near the camera, by MediaPipe's selfie segmentation."""

from __future__ import annotations

import cv2
import numpy as np

from mien.models import Session
from mien.segmentation._window import check, joined, window
from mien.segmentation.refining import refine
from mien.types import Array, Faces, Image

__all__ = ["SelfieSegmenter"]


class SelfieSegmenter:
    """Looks at the surroundings of the faces at the network's size, and follows edges of the picture at its own.

    Args:
        session: An open session of a network that takes (1, 256, 256, 3) uint8 RGB and gives a mask in [0, 1].
    """

    name = "selfie"

    def __init__(self, session: Session) -> None:
        self._session = session
        assert session.card.input.size is not None
        self._size = session.card.input.size

    def segment(self, image: Image, faces: Faces) -> Array:
        """See `mien.segmentation.Segmenter`."""
        check(image, faces)
        rows, columns = window(faces)
        part = image[rows, columns]
        seen = cv2.resize(part, self._size, interpolation=cv2.INTER_AREA)
        (found,) = self._session.run(seen[None]).values()
        mask = np.zeros(image.shape[:2], np.float32)
        mask[rows, columns] = refine(part, found.reshape(self._size[1], self._size[0]))
        return joined(mask, faces)
