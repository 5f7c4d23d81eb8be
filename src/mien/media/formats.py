"""Image formats: told by their first bytes, opened by class, checked against the limit before anything is decoded."""

from __future__ import annotations

import contextlib
import importlib
import io
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from PIL import Image as Pillow
from PIL import ImageFile, features
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from mien.errors import ImageTooLarge, UnreadableImage

__all__ = ["opened"]

# The box that names the format lists the ones it is compatible with; some write a general name first.
_HEAD = 256
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}

# Pillow warns of oddities in TIFF tags, and in the EXIF it reads while opening an AVIF, and silencing a warning is
# process-wide.
_quiet = threading.Lock()


class _Jpeg(JpegImageFile):
    """Pillow looks for the resolution in EXIF while it opens a JPEG, and warns of damage there; nobody asked."""

    def getexif(self) -> Pillow.Exif:
        return Pillow.Exif()


class _Unavailable(Exception):
    """The decoder is not installed; the message says what to do."""


def _open_avif(file: io.BytesIO) -> ImageFile.ImageFile:
    if not features.check("avif"):
        raise _Unavailable("which this build of Pillow cannot decode; install Pillow from PyPI")
    with _quiet, warnings.catch_warnings(action="ignore"):
        return AvifImageFile(file)


def _open_heic(file: io.BytesIO) -> ImageFile.ImageFile:
    try:
        pi_heif: Any = importlib.import_module("pi_heif")
    except ImportError as error:
        raise _Unavailable("which needs an extra; install it with: pip install 'mien[heic]'") from error
    image: ImageFile.ImageFile = pi_heif.HeifImageFile(file)
    return image


class _Format(NamedTuple):
    name: str
    matches: Callable[[bytes], bool]
    opener: Callable[[io.BytesIO], ImageFile.ImageFile] | None


# Opened by class: unlike Image.open this tries no other format, and depends on none of Pillow's global settings.
# Those without an opener are known only to name them to the user.
_FORMATS = (
    _Format("JPEG", lambda head: head.startswith(b"\xff\xd8\xff"), _Jpeg),
    _Format("PNG", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), PngImageFile),
    _Format("WebP", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", WebPImageFile),
    _Format("AVIF", lambda head: bool(_brands(head) & _AVIF_BRANDS), _open_avif),
    _Format("HEIC", lambda head: bool(_brands(head) & _HEIC_BRANDS), _open_heic),
    _Format("TIFF", lambda head: head[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}, TiffImageFile),
    _Format("GIF", lambda head: head[:6] in {b"GIF87a", b"GIF89a"}, GifImageFile),
    _Format("BMP", lambda head: head.startswith(b"BM"), BmpImageFile),
    _Format("PDF", lambda head: head.startswith(b"%PDF"), None),
    _Format("video", lambda head: head[4:8] in {b"ftyp", b"moov", b"wide"}, None),
    _Format("video", lambda head: head.startswith(b"\x1aE\xdf\xa3") or head[8:12] == b"AVI ", None),
)


def _brands(head: bytes) -> set[bytes]:
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[start : start + 4] for start in range(16, end, 4))}


@contextlib.contextmanager
def opened(name: str, data: bytes | bytearray | memoryview, max_pixels: int) -> Iterator[ImageFile.ImageFile]:
    """An image file, opened and within the limit, not yet decoded; closed when the block ends.

    Whatever goes wrong inside the block, save `ImageTooLarge`, is taken for damage of the file: a damaged file makes
    the decoders stumble in too many ways to list.

    Args:
        name: What to call the file in messages.
        data: All its bytes.
        max_pixels: Largest width x height that may be decoded.

    Raises:
        UnreadableImage: Empty, truncated, damaged, no image, or of a format whose decoder is not installed.
        ImageTooLarge: Over the limit, or over the memory there is.
    """
    form = _identify(name, bytes(data[:_HEAD]))
    assert form.opener is not None
    try:
        with contextlib.ExitStack() as stack:
            if form.name == "TIFF":
                stack.enter_context(_quiet)
                stack.enter_context(warnings.catch_warnings(action="ignore"))
            image = stack.enter_context(form.opener(io.BytesIO(data)))
            _check_size(name, image.size, max_pixels)
            yield image
    except ImageTooLarge:
        raise
    except _Unavailable as error:
        raise UnreadableImage(f"{name}: got an image in {form.name}, {error}", source=name) from error.__cause__
    except (Pillow.DecompressionBombError, MemoryError) as error:
        message = f"{name}: expected an image that fits in memory, got a larger one; scale it down"
        raise ImageTooLarge(message, source=name, limit=max_pixels) from error
    except Exception as error:
        message = f"{name}: expected an image, got a {form.name} that is truncated or damaged ({error})"
        raise UnreadableImage(message, source=name) from error


def _identify(name: str, head: bytes) -> _Format:
    if not head:
        raise UnreadableImage(f"{name}: expected an image, got an empty file", source=name)
    form = next((form for form in _FORMATS if form.matches(head)), None)
    if form is None or form.opener is None:
        got = f"a {form.name}" if form else "something else"
        readable = ", ".join(form.name for form in _FORMATS if form.opener is not None)
        advice = "give it to mien watch" if form and form.name == "video" else "convert it first"
        raise UnreadableImage(f"{name}: expected an image ({readable}), got {got}; {advice}", source=name)
    return form


def _check_size(name: str, size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        message = (
            f"{name}: expected at most {max_pixels:,} pixels, got {width} x {height}; "
            "scale it down, or raise max_pixels if you trust it"
        )
        raise ImageTooLarge(message, source=name, limit=max_pixels, size=width * height)
