"""Where a gallery is: what a location names, and the engine that opens it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from mien.errors import InvalidArgument, StoreUnavailable

if TYPE_CHECKING:
    from mien.gallery.store import Store

__all__ = ["locate", "open_store", "server_url"]


def server_url(location: str | os.PathLike[str] | None) -> str | None:
    """The URL of a database server that a location names, or the environment where it is None; else None."""
    text = os.environ.get("MIEN_GALLERY", "") if location is None else os.fspath(location)
    is_server = isinstance(text, str) and text.partition("://")[0] in {"postgres", "postgresql"}
    return text if is_server and "://" in text else None


def locate(location: str | os.PathLike[str] | None) -> Path:
    """The file a location names.

    Args:
        location: A path, ``sqlite:///relative/path``, ``sqlite:////absolute/path``, or None for the environment's
            ``MIEN_GALLERY`` and else ``people.mien`` in the user's data folder, which is created, mode 0700.

    Raises:
        InvalidArgument: No such kind of location.
        StoreUnavailable: The data folder cannot be created.
    """
    if location is None:
        location = os.environ.get("MIEN_GALLERY") or _default_path()
    text = os.fspath(location)
    if not isinstance(text, str) or not text or "\0" in text:
        raise InvalidArgument(f"gallery: expected a path or URL, got {text!r}")
    scheme, separator, _ = text.partition("://")
    if not separator:
        if text == ":memory:":
            raise InvalidArgument("gallery: expected a file, got ':memory:'; a gallery outlives its process")
        return Path(os.path.expanduser(text))  # noqa: PTH111 - Path.expanduser raises for ~ and nobody's name
    if scheme != "sqlite":
        # The URL may hold a password: name the scheme alone.
        raise InvalidArgument(
            f"gallery: expected a path, sqlite:///path or postgresql://host/database, got {scheme}://", scheme=scheme
        )
    return _sqlite_path(text)


def _sqlite_path(url: str) -> Path:
    parts = urlsplit(url)
    path = unquote(parts.path).removeprefix("/")
    if parts.netloc or parts.query or parts.fragment or not path:
        raise InvalidArgument(f"gallery: expected sqlite:///path (three slashes, then the path), got {url!r}")
    return Path(path)


def _default_path() -> Path:
    from platformdirs import user_data_path

    folder = user_data_path("mien", appauthor=False)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        message = f"{folder}: cannot create the gallery's folder ({error.strerror}); set MIEN_GALLERY to a path"
        raise StoreUnavailable(message, path=str(folder)) from error
    return folder / "people.mien"


def open_store(location: str | os.PathLike[str] | None, key: bytes | None = None) -> Store:
    """Open the store at a location (see `locate`), creating it where there is none.

    Args:
        location: Of the store.
        key: 32 bytes that seal its templates, None where they are not sealed.

    Raises:
        InvalidArgument: No such kind of location.
        StoreUnavailable: The folder is missing, or the file cannot be opened.
        StoreFull: No room to create it.
        StoreCorrupt: The file is no gallery, is damaged, or was written by a newer Mien.
    """
    from mien.gallery.sealing import Seal

    seal = None if key is None else Seal(key)
    url = server_url(location)
    if url is not None:
        try:
            from mien.gallery.postgres import PostgresStore
        except ImportError as error:
            raise StoreUnavailable(
                'postgresql:// galleries need psycopg: pip install "mien[postgres]"', scheme="postgresql"
            ) from error
        return PostgresStore(url, seal=seal)
    from mien.gallery.sqlite import SqliteStore

    return SqliteStore(locate(location), seal=seal)
