"""Reading an image: decoded by Pillow, turned upright, brought to 8-bit sRGB, within limits."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from mien.errors import InvalidArgument, UnreadableImage
from mien.media.colour import to_srgb
from mien.media.formats import opened
from mien.media.source import Source, load, source_name
from mien.types import Image

__all__ = ["MAX_BYTES", "MAX_PIXELS", "Photo", "check_pixels", "decode", "read", "recorded_orientation"]

MAX_PIXELS = 128_000_000
"""Default limit of width x height: above the largest single shots of phones and medium format; 384 MB decoded."""
MAX_BYTES = 256 * 2**20
"""Default limit of a file's size."""

_TRANSPOSE = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112


class Photo(NamedTuple):
    """An image, and whether its file says which way is up.

    Attributes:
        image: (height, width, 3) uint8, RGB, upright as far as the file says.
        orientation_recorded: Whether the file records an orientation, be it "as stored"; True for arrays, which are
            taken as upright.
    """

    image: Image
    orientation_recorded: bool


def read(source: Source, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> Image:
    """Read an image as people see it: upright, in sRGB. Safe to call from several threads.

    JPEG, PNG, WebP, AVIF, GIF, BMP and TIFF are read, and HEIC with the extra ``mien[heic]``; of files with several
    images the primary one, which is the first where none is marked. The orientation is applied, once where HEIC and
    AVIF record it twice, ICC profiles are converted to sRGB, transparency is laid on white, grey, palette, CMYK and
    deeper pixels become 8-bit RGB.

    Args:
        source: A path, the bytes of a file, a binary file object (read from where it stands), or an array: uint8,
            (height, width), (height, width, 1), RGB (height, width, 3) or RGBA (height, width, 4), taken as upright
            sRGB. An RGB array that is contiguous comes back as it is, not copied.
        max_pixels: Largest width x height that is decoded, checked before decoding; arrays are exempt.
        max_bytes: Largest file that is read.

    Returns:
        (height, width, 3) uint8, RGB, C-contiguous.

    Raises:
        UnreadableImage: Missing, empty, truncated, damaged or no image, or HEIC without its extra;
            ``details["source"]`` names it.
        ImageTooLarge: Over a limit; ``details`` has ``limit`` and ``size``.
        InvalidArgument: Not a source, or an array of another type or shape.
    """
    return decode(source, max_pixels=max_pixels, max_bytes=max_bytes).image


def decode(source: Source, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> Photo:
    """As `read`, and tells whether the file records which way is up."""
    if isinstance(source, np.ndarray):
        return Photo(_from_array(source), True)
    name = source_name(source)
    with opened(name, load(source, max_bytes), max_pixels) as image:
        orientation = recorded_orientation(image)
        image.load()
        if orientation is None:  # a PNG may keep its EXIF behind the pixels
            orientation = recorded_orientation(image)
        # Pillow turns a TIFF upright while loading.
        turn = None if isinstance(image, TiffImageFile) else _TRANSPOSE.get(orientation or 1)
        pixels = to_srgb(image)
        return Photo(np.array(pixels if turn is None else pixels.transpose(turn)), orientation is not None)


def check_pixels(name: str, data: bytes, max_pixels: int) -> None:
    """Refuse an image of too many pixels by its head alone; what else is wrong with it shows when it is read.

    Args:
        name: What to call the file in messages.
        data: All its bytes.
        max_pixels: Largest width x height.

    Raises:
        ImageTooLarge: It has more.
    """
    with suppress(UnreadableImage), opened(name, data, max_pixels):
        pass


def recorded_orientation(image: ImageFile.ImageFile) -> int | None:
    """The orientation an opened file records, 1 to 8 if it is sane; None where it records none.

    Of HEIC and AVIF the container's own word counts, as their standards want: EXIF is a copy that readers ignore.
    Pillow reports AVIF's in its EXIF, pi-heif turns HEIC while decoding and leaves 1.
    """
    if isinstance(image, TiffImageFile):
        value = image.tag_v2.get(_ORIENTATION)
        return int(value) if isinstance(value, int) else None
    return _orientation(image.info.get("exif") or b"")


def _orientation(exif: bytes) -> int | None:
    """EXIF orientation, None where it is absent or the EXIF is damaged.

    Read here because Pillow parses every tag and warns, process-wide, about each one that is odd.
    """
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
            if tag == _ORIENTATION:
                return int(struct.unpack_from(f"{order}{'I' if kind == 4 else 'H'}", tiff, entry + 8)[0])
    except struct.error:
        pass
    return None


def _from_array(array: NDArray[Any]) -> Image:
    if not _is_image(array):
        raise InvalidArgument(
            "expected a uint8 array of shape (height, width), (height, width, 1), RGB (height, width, 3) or RGBA "
            f"(height, width, 4), got {array.dtype} {array.shape}"
        )
    if array.ndim == 3 and array.shape[2] == 3:
        return np.ascontiguousarray(array)
    if array.ndim == 3 and array.shape[2] == 4:
        return np.array(to_srgb(Pillow.fromarray(array)))
    return np.repeat(array.reshape(*array.shape[:2], 1), 3, axis=2)


def _is_image(array: NDArray[Any]) -> TypeGuard[NDArray[np.uint8]]:
    channels = array.shape[2] if array.ndim == 3 else 1
    return array.dtype == np.uint8 and array.ndim in {2, 3} and channels in {1, 3, 4} and array.size > 0
