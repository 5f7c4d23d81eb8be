"""One interface over several ways to tell people from what is behind them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol

from mien import models
from mien.errors import InvalidArgument
from mien.faces import default_landmarker
from mien.segmentation.grabcut import GrabCutSegmenter
from mien.segmentation.hull import HullSegmenter
from mien.segmentation.selfie import SelfieSegmenter
from mien.types import Array, Faces, Image

__all__ = ["DEFAULT", "SEGMENTERS", "Segmenter", "segmenter"]

DEFAULT = "selfie"


class Segmenter(Protocol):
    """Tells people from what is behind them; threads may share it."""

    @property
    def name(self) -> str:
        """What it is called in results."""

    def segment(self, image: Image, faces: Faces) -> Array:
        """A soft mask of the people whose faces were found.

        Args:
            image: (height, width, 3) uint8 RGB.
            faces: Its faces, at least one.

        Returns:
            (height, width) float32 in [0, 1]: 1 for a person, 0 for what is behind.

        Raises:
            InvalidArgument: There is no face, or the faces are of an image of another size.
        """


SEGMENTERS: dict[str, Callable[[], Segmenter]] = {
    "selfie": lambda: SelfieSegmenter(models.open_session("selfie-segmentation")),
    "grabcut": GrabCutSegmenter,
    "hull": lambda: HullSegmenter(default_landmarker()),
}
"""``selfie`` is a network for people near the camera (MediaPipe); ``grabcut`` needs no weights (Rother et al. 2004);
``hull`` is the face alone, without hair and shoulders."""


@cache
def segmenter(name: str = DEFAULT) -> Segmenter:
    """A segmenter by name; made once.

    Raises:
        InvalidArgument: None of that name.
        ModelUnavailable: Its weights are missing and could not be fetched.
    """
    if name not in SEGMENTERS:
        raise InvalidArgument(f"segmenter: expected one of {', '.join(SEGMENTERS)}, got {name!a}")
    return SEGMENTERS[name]()
