"""Reading an image: decoded by Pillow, turned upright, brought to 8-bit sRGB, within limits."""

from __future__ import annotations

import io
import struct
import threading
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from mien.errors import ImageTooLarge, InvalidArgument, UnreadableImage
from mien.media.colour import to_srgb
from mien.media.source import Source, load, source_name
from mien.types import Image

__all__ = ["MAX_BYTES", "MAX_PIXELS", "read"]

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


class _Jpeg(JpegImageFile):
    """Pillow looks for the resolution in EXIF while it opens a JPEG, and warns of damage there; nobody asked."""

    def getexif(self) -> Pillow.Exif:
        return Pillow.Exif()


class _Format(NamedTuple):
    name: str
    matches: Callable[[bytes], bool]
    decoder: Callable[[io.BytesIO], ImageFile.ImageFile] | None


# Formats are told by their first bytes and opened by class: unlike Image.open this tries no other format, and
# depends on none of Pillow's global settings. Those without a decoder are known only to name them to the user.
_FORMATS = (
    _Format("JPEG", lambda head: head.startswith(b"\xff\xd8\xff"), _Jpeg),
    _Format("PNG", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), PngImageFile),
    _Format("WebP", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", WebPImageFile),
    _Format("BMP", lambda head: head.startswith(b"BM"), BmpImageFile),
    _Format("TIFF", lambda head: head[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}, TiffImageFile),
    _Format("HEIC", lambda head: head[4:8] == b"ftyp" and head[8:11] in {b"hei", b"hev", b"mif", b"msf"}, None),
    _Format("AVIF", lambda head: head[4:11] == b"ftypavi", None),
    _Format("GIF", lambda head: head.startswith(b"GIF8"), None),
    _Format("PDF", lambda head: head.startswith(b"%PDF"), None),
)

# Pillow warns of oddities in a TIFF's tags wherever it meets them, and silencing a warning is process-wide.
_tiff_lock = threading.Lock()


def read(source: Source, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> Image:
    """Read an image as people see it: upright, in sRGB. Safe to call from several threads.

    JPEG, PNG, WebP, BMP and TIFF are read, of files with several pages or frames the first. EXIF orientation is
    applied, ICC profiles are converted to sRGB, transparency is laid on white, grey, palette, CMYK and 16-bit
    pixels become 8-bit RGB.

    Args:
        source: A path, the bytes of a file, a binary file object (read from where it stands), or an array: uint8,
            (height, width), (height, width, 1), RGB (height, width, 3) or RGBA (height, width, 4), taken as upright
            sRGB. An RGB array that is contiguous comes back as it is, not copied.
        max_pixels: Largest width x height that is decoded, checked before decoding; arrays are exempt.
        max_bytes: Largest file that is read.

    Returns:
        (height, width, 3) uint8, RGB, C-contiguous.

    Raises:
        UnreadableImage: Missing, empty, truncated, damaged or no image; ``details["source"]`` names it.
        ImageTooLarge: Over a limit; ``details`` has ``limit`` and ``size``.
        InvalidArgument: Not a source, or an array of another type or shape.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    name = source_name(source)
    data = load(source, max_bytes)
    form = _identify(name, bytes(data[:16]))
    try:
        if form.name == "TIFF":
            with _tiff_lock, warnings.catch_warnings(action="ignore"):
                return _decode(name, data, form, max_pixels)
        return _decode(name, data, form, max_pixels)
    except ImageTooLarge:
        raise
    except (Pillow.DecompressionBombError, MemoryError) as error:
        message = f"{name}: expected an image that fits in memory, got a larger one; scale it down"
        raise ImageTooLarge(message, source=name, limit=max_pixels) from error
    except Exception as error:  # a damaged file makes Pillow stumble in too many ways to list
        message = f"{name}: expected an image, got a {form.name} that is truncated or damaged ({error})"
        raise UnreadableImage(message, source=name) from error


def _identify(name: str, head: bytes) -> _Format:
    if not head:
        raise UnreadableImage(f"{name}: expected an image, got an empty file", source=name)
    form = next((form for form in _FORMATS if form.matches(head)), None)
    if form is None or form.decoder is None:
        got = f"a {form.name}" if form else "something else"
        message = f"{name}: expected a JPEG, PNG, WebP, BMP or TIFF image, got {got}; convert it first"
        raise UnreadableImage(message, source=name)
    return form


def _decode(name: str, data: bytes | bytearray | memoryview, form: _Format, max_pixels: int) -> Image:
    assert form.decoder is not None
    with form.decoder(io.BytesIO(data)) as image:
        width, height = image.size
        if width * height > max_pixels:
            message = (
                f"{name}: expected at most {max_pixels:,} pixels, got {width} x {height}; "
                "scale it down, or raise max_pixels if you trust it"
            )
            raise ImageTooLarge(message, source=name, limit=max_pixels, size=width * height)
        image.load()
        # Pillow turns a TIFF upright while loading.
        turn = None if form.name == "TIFF" else _TRANSPOSE.get(_orientation(image.info.get("exif", b"")))
        pixels = to_srgb(image)
        return np.array(pixels if turn is None else pixels.transpose(turn))


def _orientation(exif: bytes) -> int:
    """EXIF orientation, 1 to 8; 1 where it is absent or the EXIF is damaged.

    Read here because Pillow parses every tag and warns, process-wide, about each one that is odd.
    """
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
            if tag == _ORIENTATION:
                return int(struct.unpack_from(f"{order}{'I' if kind == 4 else 'H'}", tiff, entry + 8)[0])
    except struct.error:
        pass
    return 1


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
