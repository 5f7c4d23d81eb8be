"""Files on disk that must be exactly what a card says: hashing, checking, writing whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from mien.errors import HashMismatch, ModelUnavailable

__all__ = ["check", "digest", "is_file", "write_whole", "writing"]


def digest(path: Path) -> str:
    """The sha256 of a file, hexadecimal; read once a process as long as its size and time of change stay.

    Raises:
        ModelUnavailable: It cannot be read.
    """
    try:
        status = path.stat()
        return _digest(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise ModelUnavailable(f"cannot read {path}: {error.strerror or error}", file=str(path)) from error


def is_file(path: Path) -> bool:
    """Whether a file is there for this user; False in a folder without permission, at which `Path.is_file` raises."""
    return os.path.isfile(path)  # noqa: PTH113


@lru_cache(maxsize=64)
def _digest(path: Path, _mtime_ns: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(what: str, *, expected: str, got: str, advice: str) -> None:
    """Compare two sha256.

    Raises:
        HashMismatch: They differ; the message names ``what``, both hashes and ``advice``.
    """
    if got != expected:
        message = f"{what} is not the file its card pins: expected sha256 {expected}, got {got}. {advice}"
        raise HashMismatch(message, file=what, expected=expected, got=got)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, making its folder where needed.

    Raises:
        ModelUnavailable: The disk is full or the folder cannot be written to.
    """
    temporary: Path | None = None
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Weights are public: who may read what this user writes may read them, such as a service's own user.
            temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    temporary.unlink()
            raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failed write to ``path`` into `ModelUnavailable` with what to do about it."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            advice = "the disk is full; free some room, or set MIEN_CACHE to a folder on another disk"
        else:
            advice = f"{error.strerror or error}; set MIEN_CACHE to a folder that can be written to"
        raise ModelUnavailable(f"cannot write {path}: {advice}", file=str(path)) from error
