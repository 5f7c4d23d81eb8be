"""What an image may come from, its name in messages, and its bytes."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.errors import ImageTooLarge, InvalidArgument, UnreadableImage

__all__ = ["Source", "load", "source_name"]

Source: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | NDArray[Any]
"""A path, the bytes of an image file, a binary file object, or an array."""


def source_name(source: Source) -> str:
    """What to call a source in messages and reports: its path, or what it is where it has none.

    Args:
        source: Anything; an object that is no source is named by its type.

    Returns:
        One printable line, such as ``"party.jpg"``, ``"<bytes: 48213>"`` or ``"<array: 640x480>"``.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return f"<bytes: {len(source)}>"
    if isinstance(source, np.ndarray):
        return f"<array: {'x'.join(str(extent) for extent in source.shape[1::-1])}>"
    path = source if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
    if isinstance(path, str | os.PathLike):
        # A file name need be neither text nor a single line; a message has to be both.
        text = os.fsencode(path).decode("utf-8", "replace")
        return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return f"<{type(source).__name__}>"


def load(source: Source, max_bytes: int) -> bytes | bytearray | memoryview:
    """The bytes of an image file; of a source over the limit no more than the limit is read.

    Args:
        source: Any source but an array. A file object is read from where it stands and left open.
        max_bytes: Largest file that is read.

    Raises:
        UnreadableImage: Missing, a folder, no permission, or a failing disk.
        ImageTooLarge: More than ``max_bytes``.
        InvalidArgument: Not a source, or a file opened as text.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data: bytes | bytearray | memoryview = source
    elif isinstance(source, str | os.PathLike):
        data = _read_path(source, max_bytes)
    elif not isinstance(source, np.ndarray) and hasattr(source, "read"):
        data = _read_file(source, max_bytes)
    else:
        raise InvalidArgument(f"expected a path, bytes, a binary file or an array, got {type(source).__name__}")
    if len(data) > max_bytes:
        raise _too_large(source, len(data), max_bytes)
    return data


def _read_path(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    try:
        with Path(path).open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size > max_bytes:
                raise _too_large(path, status.st_size, max_bytes)
            # A pipe or a device does not say how much will come.
            return file.read() if stat.S_ISREG(status.st_mode) else file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        name = source_name(path)
        raise UnreadableImage(f"{name}: {_reason(error)}", source=name) from error


def _read_file(file: BinaryIO, max_bytes: int) -> bytes:
    try:
        data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a closed file
        name = source_name(file)
        raise UnreadableImage(f"{name}: {_reason(error)}", source=name) from error
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InvalidArgument(f"{source_name(file)}: expected a file opened in binary mode, got one opened as text")
    return bytes(data)


def _reason(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "no such file"
        case IsADirectoryError():
            return "expected an image, got a folder"
        case PermissionError():
            return "no permission to read it"
        case OSError(strerror=str(text)):
            return f"cannot be read: {text}"
    return f"cannot be read: {error}"


def _too_large(source: Source, size: int, max_bytes: int) -> ImageTooLarge:
    name = source_name(source)
    shown = f"{size:,} bytes" if size <= max_bytes or not hasattr(source, "read") else "more"
    message = f"{name}: expected at most {max_bytes:,} bytes, got {shown}; raise max_bytes if you trust the file"
    return ImageTooLarge(message, source=name, limit=max_bytes, size=size)
