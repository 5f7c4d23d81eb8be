"""`back_up`: a gallery in one file, as it is at one moment, while it is in use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import Detail, InvalidArgument, StoreUnavailable
from mien.gallery import archive
from mien.gallery.locations import locate, server_url
from mien.gallery.people import now
from mien.gallery.sqlite import SqliteStore, copies

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Backup", "back_up", "in_a_file"]


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written.

    Attributes:
        path: The file.
        size: Its bytes.
        created: When the copy was made (UTC).
        people: How many people are in it, over all collections.
        audit_lines: How many lines of the audit log.
        service: Whether the service's own file is in it.
    """

    path: str
    size: int
    created: dt.datetime
    people: int
    audit_lines: int
    service: bool

    def to_dict(self) -> dict[str, Detail]:
        """The backup as JSON."""
        return {
            "path": self.path,
            "size": self.size,
            "created": self.created.isoformat(),
            "people": self.people,
            "audit_lines": self.audit_lines,
            "service": self.service,
        }


def back_up(
    location: str | os.PathLike[str] | None,
    path: str | os.PathLike[str],
    *,
    service: str | os.PathLike[str] | None = None,
) -> Backup:
    """Write a gallery into one file that only its owner may read, while it may be in use.

    Everything that was committed before the call is in it. Sealed templates stay sealed, and no key is put in: neither
    the one that seals, nor the one that signs. The backup is signed with the key that signs the audit log. While it is
    made, twice the gallery's size is taken where it is written.

    Args:
        location: Of the gallery; see `mien.Gallery`.
        path: The backup; nothing may be there.
        service: The service's own file, to be put in as well: hashes of API keys, webhooks and calibrations; not the
            keys beside it.

    Raises:
        InvalidArgument: A gallery in PostgreSQL, or something is at the path already.
        StoreUnavailable: There is no such file, it cannot be read, or there is no key to sign with.
        StoreCorrupt: The gallery is damaged: this is not the moment to replace the backup of before.
        StoreFull, UnwritableFile: It cannot be written; nothing is left behind.
    """
    source = in_a_file(location, "back it up with its own tools: pg_dump --format=custom")
    target = Path(path)
    if os.path.lexists(target):
        raise InvalidArgument(f"{target}: is there already; nothing is overwritten: move it, or give another")
    # Copies of an older schema would have no secret by which those who were erased since can be told.
    _existing(source, "gallery")
    SqliteStore(source).close()
    sources = {archive.GALLERY: source}
    if service is not None:
        sources[archive.SERVICE] = _existing(Path(service), "service's file")
    with archive.workplace(target) as folder:
        created = now()
        for name, file in sources.items():
            copies.copy(file, folder / name)
            copies.check(folder / name)
        people, lines = _counted(folder / archive.GALLERY)
        said = {"created": created.isoformat(), "mien": version("mien"), "people": people, "audit_lines": lines}
        archive.write(folder / "backup", {name: folder / name for name in sources}, said)
        archive.put(folder / "backup", target)
    return Backup(str(target), target.stat().st_size, created, people, lines, service is not None)


def in_a_file(location: str | os.PathLike[str] | None, advice: str) -> Path:
    """The file of a gallery.

    Raises:
        InvalidArgument: It is in PostgreSQL.
    """
    if server_url(location):
        # The URL may hold a password.
        raise InvalidArgument(f"gallery: expected one in a file; one in PostgreSQL is not: {advice}")
    return locate(location)


def _existing(path: Path, what: str) -> Path:
    if not path.is_file():
        raise StoreUnavailable(f"{path}: there is no {what}", path=str(path))
    return path


def _counted(path: Path) -> Iterator[int]:
    with copies.opened(path) as connection:
        for table in ("person", "audit"):
            yield int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - constants
