"""Image files in folders, and files written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from mien.errors import InvalidArgument, NoImages, UnwritableFile
from mien.types import Image

__all__ = ["EXTENSIONS", "list_images", "replacing", "write", "write_bytes", "write_failure"]

EXTENSIONS = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".gif"),
        *(".heic", ".heif", ".hif"),
    }
)
"""What counts as an image in a folder. HEIC (``.heic``, ``.heif``, ``.hif``) needs the extra ``mien[heic]``, and is
listed without it too, so that this is said."""

_ENCODING: dict[str, tuple[str, dict[str, int]]] = {
    # Without chroma subsampling: it smears the thin coloured lines of annotations.
    ".jpg": ("JPEG", {"quality": 92, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 92, "subsampling": 0}),
    ".png": ("PNG", {}),
    ".webp": ("WEBP", {"quality": 92}),
    ".bmp": ("BMP", {}),
    ".tif": ("TIFF", {}),
    ".tiff": ("TIFF", {}),
}


def list_images(folder: str | os.PathLike[str]) -> list[Path]:
    """The image files in a folder and its subfolders, by `EXTENSIONS`, sorted; hidden ones and links to folders apart.

    Pipes, sockets and devices are no images, whatever their names: to open one may wait for ever.

    Raises:
        NoImages: No such folder, no permission to list it or one inside it, or not a single image.
    """
    root = Path(folder)

    def refuse(error: OSError) -> None:
        reason = "no such folder" if isinstance(error, FileNotFoundError) else error.strerror
        raise NoImages(f"{error.filename}: cannot be listed: {reason}", source=str(root)) from error

    found: list[Path] = []
    for parent, folders, names in os.walk(root, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        images = (name for name in names if not name.startswith(".") and Path(name).suffix.lower() in EXTENSIONS)
        found += [path for name in images if not _is_special(path := Path(parent, name))]
    if not found:
        readable = ", ".join(sorted(EXTENSIONS))
        raise NoImages(f"{root}: expected images ({readable}), got none", source=str(root))
    return sorted(found)


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False  # gone, a link to nowhere, a NUL in the path: whoever opens it says so
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def write(path: str | os.PathLike[str], image: Image, *, xmp: bytes | None = None) -> None:
    """Write an image; the file appears whole or not at all, and replaces one that was there.

    Args:
        path: Its extension chooses the format: JPEG and WebP at quality 92, PNG, BMP or TIFF without loss.
        image: (height, width, 3) uint8, RGB.
        xmp: A packet (ISO 16684-1) to write into the file.

    Raises:
        InvalidArgument: An extension that names no format, not an image, or a packet for a format without room for it.
        UnwritableFile: No such folder, no permission, or no room; nothing was changed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _ENCODING:
        raise InvalidArgument(f"{path}: expected a name that ends in one of {', '.join(sorted(_ENCODING))}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise InvalidArgument(f"expected a uint8 image (height, width, 3), got {image.dtype} {image.shape}")
    encoded = io.BytesIO()
    name, options = _ENCODING[suffix]
    try:
        Pillow.fromarray(image).save(encoded, name, **options, **_packed(path, name, xmp))
    except (OSError, ValueError) as error:  # a side longer than the format can say
        raise InvalidArgument(f"{path}: {name} cannot hold {image.shape[1]} x {image.shape[0]}: {error}") from error
    write_bytes(path, encoded.getbuffer())


def _packed(path: str | os.PathLike[str], name: str, xmp: bytes | None) -> dict[str, object]:
    """What makes Pillow write a packet."""
    if xmp is None:
        return {}
    if name == "PNG":
        chunks = PngInfo()
        chunks.add_itxt("XML:com.adobe.xmp", xmp.decode())
        return {"pnginfo": chunks}
    if name == "TIFF":
        return {"tiffinfo": {700: xmp}}
    if name not in {"JPEG", "WEBP"}:
        raise InvalidArgument(f"{path}: {name} has no room for what has to be written into the file; use .png or .jpg")
    return {"xmp": xmp}


def write_bytes(path: str | os.PathLike[str], data: bytes | memoryview) -> None:
    """Write a file whole or not at all, see `replacing`.

    Raises:
        UnwritableFile: No such folder, no permission, or no room; nothing was changed.
    """
    with replacing(path) as file:
        file.write(data)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file to write to that takes the place of ``path`` when the block ends without an error.

    It is written as a neighbour and renamed, so that no reader ever sees half of it.

    Raises:
        UnwritableFile: No such folder, no permission, no room, or a pipe or device of that name; nothing was changed.
    """
    target = Path(path)
    if _is_special(target):
        raise UnwritableFile(f"{target}: expected the name of a file, got a pipe or a device", path=str(target))
    temporary = target.with_name(f".{target.name[:64]}.{secrets.token_hex(4)}.tmp")
    try:
        file = temporary.open("xb")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise _unwritable(target, error) from error
    try:
        with file:
            yield file
        temporary.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _unwritable(path: Path, error: Exception) -> UnwritableFile:
    return UnwritableFile(f"{path}: cannot be written: {write_failure(error)}; nothing was changed", path=str(path))


def write_failure(error: Exception) -> str:
    """Why a file could not be written, in a few words."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "no room on the disk"
    match error:
        case FileNotFoundError():
            return "no such folder"
        case IsADirectoryError():
            return "it is a folder"
        case PermissionError():
            return "no permission"
        case OSError(strerror=str(text)):
            return text
    return str(error)
