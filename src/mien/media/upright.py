"""From a decoder's frame to an image: upright, square pixels, 8-bit RGB."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from mien.media.container import check_pixels
from mien.types import Image

if TYPE_CHECKING:
    from av.sidedata.sidedata import SideData
    from av.video.frame import VideoFrame

__all__ = ["Uprighter", "orient"]

_UNSPECIFIED = 2
_SD_LINES = 576
_WIDEST_PIXEL = 8
"""Pixels wider or higher than so many to one are no format but damage; DVDs and phones stay below 2."""


class Uprighter:
    """Converts the frames of one stream; keeps its scaler between them.

    Args:
        name: What to call the video in messages.
        aspect: Width of a pixel to its height, None for square.
    """

    def __init__(self, name: str, aspect: Fraction | None) -> None:
        self._name = name
        usable = aspect is not None and Fraction(1, _WIDEST_PIXEL) <= aspect <= _WIDEST_PIXEL
        self._aspect = aspect if usable and aspect else Fraction(1)
        self._scaler = VideoReformatter()
        self._rotation: int | None = None
        self._matrix: NDArray[np.int32] | None = None

    def convert(self, frame: VideoFrame) -> Image:
        """(height, width, 3) uint8 RGB, C-contiguous.

        Raises:
            ImageTooLarge: More than `MAX_PIXELS`.
        """
        width, height = frame.width, frame.height
        # Whichever side is short is stretched, so that no detail is lost.
        if self._aspect > 1:
            width = round(width * self._aspect)
        else:
            height = round(height / self._aspect)
        check_pixels(self._name, width, height)
        guess = Colorspace.ITU709 if frame.height > _SD_LINES else Colorspace.ITU601
        unstated = frame.colorspace == _UNSPECIFIED and not frame.format.is_rgb
        scaled = self._scaler.reformat(
            frame,
            width,
            height,
            "rgb24",
            src_colorspace=guess if unstated else None,
            interpolation=Interpolation.BILINEAR,
            threads=1,
        )
        image: NDArray[Any] = scaled.to_ndarray()
        matrix = self._display_matrix(frame)
        return np.ascontiguousarray(image if matrix is None else orient(image, matrix))

    def _display_matrix(self, frame: VideoFrame) -> NDArray[np.int32] | None:
        # A frame that was asked for its side data is in a reference cycle, and megabytes wait for the collector.
        if frame.rotation != self._rotation:
            side_data = cast("SideData | None", frame.side_data.get("DISPLAYMATRIX"))
            self._rotation = frame.rotation
            self._matrix = None if side_data is None else np.frombuffer(bytes(side_data), np.int32)
        return self._matrix


def orient(image: NDArray[Any], matrix: NDArray[np.int32]) -> NDArray[Any]:
    """Turn and flip an image as a display matrix says, to the nearest quarter turn.

    Args:
        image: (height, width, 3).
        matrix: (9,) int32, row by row: x' = m[0] x + m[3] y, y' = m[1] x + m[4] y (ISO/IEC 14496-12, 6.2.2).

    Returns:
        A view of the image.
    """
    x_from_x, y_from_x, x_from_y, y_from_y = (int(matrix[place]) for place in (0, 1, 3, 4))
    if abs(x_from_x) + abs(y_from_y) >= abs(y_from_x) + abs(x_from_y):
        flip_x, flip_y = x_from_x < 0, y_from_y < 0
    else:
        image = image.transpose(1, 0, 2)
        flip_x, flip_y = x_from_y < 0, y_from_x < 0
    return image[:: -1 if flip_y else 1, :: -1 if flip_x else 1]
