"""What a file tells of its own compression."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray
from PIL.JpegImagePlugin import JpegImageFile

from mien.media.formats import opened
from mien.media.image import MAX_BYTES, MAX_PIXELS
from mien.media.source import Source, load, source_name

__all__ = ["quantisation"]


def quantisation(source: Source) -> NDArray[np.int64] | None:
    """The table by which a JPEG's luminance was quantised.

    Args:
        source: A path or the bytes of a file; anything else, which can be read but once or not at all, tells nothing.

    Returns:
        (64,) in zigzag order as in the file, or None where the file is no JPEG.

    Raises:
        UnreadableImage: Missing, damaged or no image.
        ImageTooLarge: More pixels or bytes than `mien.media.read` allows.
    """
    if not isinstance(source, str | os.PathLike | bytes):
        return None
    with opened(source_name(source), load(source, MAX_BYTES), MAX_PIXELS) as image:
        if not isinstance(image, JpegImageFile) or 0 not in image.quantization:
            return None
        return np.array(image.quantization[0], np.int64)
