"""What a caller hands over as images: one or several, and the hash of what is in each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mien.media import Source

__all__ = ["content", "hash_of_image", "several"]


def several(sources: Source | Iterable[Source]) -> Iterable[Source]:
    """The sources, also where there is a single one."""
    single = isinstance(sources, str | os.PathLike | bytes | bytearray | memoryview) or hasattr(sources, "read")
    if single or (isinstance(sources, np.ndarray) and sources.ndim <= 3):
        return [sources]  # type: ignore[list-item]
    return sources  # type: ignore[return-value]


def content(source: Source) -> tuple[Source, str]:
    """A source that can still be read, and the hexadecimal hash of what is in it.

    Raises:
        UnreadableImage: The file is missing, or cannot be read.
        ImageTooLarge: More bytes than `mien.media.read` allows.
    """
    from mien import media
    from mien.media.source import load

    if isinstance(source, np.ndarray):
        return source, hash_of_image(source)
    data = load(source, media.MAX_BYTES)
    # A path is read again, so that messages about it name it; a file object cannot be.
    readable = source if isinstance(source, str | os.PathLike) else bytes(data)
    return readable, hashlib.sha256(data).hexdigest()


def hash_of_image(image: np.ndarray) -> str:
    """Hexadecimal hash of an array's type, shape and values."""
    digest = hashlib.sha256(f"{image.dtype.str}{image.shape}".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()
