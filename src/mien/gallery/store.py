"""What a gallery asks of a database engine, and which engine a location names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from mien.errors import InvalidArgument, StoreUnavailable
from mien.gallery.people import Person
from mien.types import Array

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Sample", "Store", "Transaction", "locate", "open_store"]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A face sample as it is stored.

    Attributes:
        template: (d,) float32 of unit length.
        source: Base name of the image it came from.
        sha256: Hexadecimal hash of the image's content.
        artefact: Which artefact of the model made the template, such as ``"openvino/bf16"``.
        quality: 0 (useless) to 100, None where it was not assessed.
    """

    template: Array
    source: str
    sha256: str
    artefact: str
    quality: float | None


class Transaction(Protocol):
    """One consistent view of one collection; changes become visible all together, or not at all."""

    def space(self) -> tuple[str, int] | None:
        """Embedding space and dimension the collection is pinned to, None before the first enrolment."""

    def revision(self) -> int:
        """A number that grows with every committed change of the collection; 0 before the first."""

    def people(self) -> list[Person]:
        """Everybody, by label, then by time of enrolment."""

    def by_id(self, person_id: str) -> Person | None:
        """The person of that key."""

    def by_label(self, label: str) -> list[Person]:
        """Everybody of that label, the first enrolled first."""

    def templates(self, person_id: str) -> Array:
        """(n, d) float32: a person's templates in the order of enrolment."""

    def contents(self, person_id: str) -> set[str]:
        """Hashes of the contents a person is enrolled with."""

    def owners(self, sha256: str) -> list[str]:
        """Keys of the people who have a sample of that content."""

    def changed(self, since: int) -> Iterator[tuple[Person, Array]]:
        """People added or changed after revision ``since``, each with their (n, d) templates."""

    def person_ids(self) -> set[str]:
        """Keys of everybody."""

    def pin(self, space: str, dimension: int) -> None:
        """Pin a new collection to its embedding space."""

    def add_person(self, label: str) -> str:
        """Create a person without samples or consent; returns the key."""

    def add_sample(self, person_id: str, sample: Sample) -> None:
        """Add a sample."""

    def consent(self, person_id: str, purpose: str | None, expires: dt.date | None) -> None:
        """Record a consent given now, in place of an earlier one."""

    def rename(self, person_id: str, label: str) -> None:
        """Change a label."""

    def move_samples(self, person_id: str, into: str) -> None:
        """Give a person's samples to another; content that the other has already is dropped."""

    def remove(self, person_id: str) -> None:
        """Remove a person and every sample."""


class Store(Protocol):
    """A database of collections; all methods may be called by any number of threads."""

    location: str

    def reading(self, collection: str) -> AbstractContextManager[Transaction]:
        """A view of what was committed when it began."""

    def writing(self, collection: str) -> AbstractContextManager[Transaction]:
        """The only writer; commits at the end of the block, and changes nothing where the block raises."""

    def purge(self) -> None:
        """Overwrite what was removed in every file of the store."""

    def close(self) -> None:
        """Let go of files and connections."""


def locate(location: str | os.PathLike[str] | None) -> Path:
    """The file a location names.

    Args:
        location: A path, ``sqlite:///relative/path``, ``sqlite:////absolute/path``, or None for the environment's
            ``MIEN_GALLERY`` and else ``people.mien`` in the user's data folder, which is created, mode 0700.

    Raises:
        InvalidArgument: No such kind of location.
        StoreUnavailable: An engine that is not available yet, or the data folder cannot be created.
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
    if scheme in {"postgres", "postgresql"}:
        # The URL may hold a password: name the scheme alone.
        raise StoreUnavailable(f"{scheme}:// galleries are not available yet: give a path", scheme=scheme)
    if scheme != "sqlite":
        raise InvalidArgument(f"gallery: expected a path or sqlite:///path, got {scheme}://", scheme=scheme)
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


def open_store(location: str | os.PathLike[str] | None) -> Store:
    """Open the store at a location (see `locate`), creating it where there is none.

    Raises:
        InvalidArgument: No such kind of location.
        StoreUnavailable: The folder is missing, or the file cannot be opened.
        StoreFull: No room to create it.
        StoreCorrupt: The file is no gallery, is damaged, or was written by a newer Mien.
    """
    from mien.gallery.sqlite import SqliteStore

    return SqliteStore(locate(location))
