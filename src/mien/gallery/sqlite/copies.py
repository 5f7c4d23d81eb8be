"""SQLite files copied while they are in use, and looked at before they are trusted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mien.errors import StoreCorrupt, StoreError, StoreFull, StoreUnavailable
from mien.gallery.sqlite.schema import APPLICATION_ID, MIGRATIONS

__all__ = ["check", "check_gallery", "copy", "opened"]

_KINDS: dict[int, type[StoreError]] = {
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_CORRUPT: StoreCorrupt,
    sqlite3.SQLITE_NOTADB: StoreCorrupt,
}


@contextmanager
def opened(path: Path, *, mode: str = "ro") -> Iterator[sqlite3.Connection]:
    """A connection to a file; what is written is overwritten where it is removed, and no schema of it is trusted.

    Raises:
        StoreFull: No room.
        StoreCorrupt: The file is damaged, or something else.
        StoreUnavailable: It cannot be read or written.
    """
    try:
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA temp_store = MEMORY")
            yield connection
    except sqlite3.DatabaseError as error:
        kind = _KINDS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, StoreUnavailable)
        raise kind(f"{path}: {error}", path=str(path)) from error


def copy(source: Path, target: Path) -> None:
    """Copy a file as it is at one moment, while others read and write it.

    Raises:
        StoreError: See `opened`.
    """
    with opened(source) as connection, opened(target, mode="rwc") as made:
        # In one step: one that lets go of the source between pages begins anew with every write of another process.
        connection.backup(made)
        made.execute("PRAGMA journal_mode = DELETE")


def check(path: Path) -> None:
    """See that a file is whole.

    Raises:
        StoreCorrupt: It is not.
    """
    with opened(path) as connection:
        connection.execute("PRAGMA cell_size_check = ON")
        said = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
        if said != ["ok"]:
            raise StoreCorrupt(f"{path}: the file is damaged: {'; '.join(said)}", path=str(path))


def check_gallery(path: Path) -> None:
    """See that a file is whole, and a gallery with the tables, indices and triggers of one, and no other.

    Raises:
        StoreCorrupt: It is not, or is of a newer Mien.
    """
    with opened(path) as connection:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise StoreCorrupt(f"{path}: expected a gallery, got another file", path=str(path))
        if version > len(MIGRATIONS):
            message = f"{path}: written by a newer Mien (schema {version}, this one reads up to {len(MIGRATIONS)})"
            raise StoreCorrupt(f"{message}; upgrade Mien", path=str(path), schema=version)
        # A trigger that somebody put in would run with the first change.
        if _schema(connection) != _expected(version):
            raise StoreCorrupt(f"{path}: not the tables and triggers of a gallery of schema {version}", path=str(path))
    check(path)


def _schema(connection: sqlite3.Connection) -> set[tuple[str, str, str | None]]:
    query = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'"
    return {(kind, name, sql) for kind, name, sql in connection.execute(query)}


def _expected(version: int) -> set[tuple[str, str, str | None]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                connection.execute(statement)
        return _schema(connection)
