"""The service's own SQLite file: who may do what, and what is to be done; nothing of a face is ever in it."""

from __future__ import annotations

import itertools
import os
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.errors import StoreCorrupt, StoreError, StoreFull, StoreUnavailable
from mien.server.schema import MIGRATIONS

__all__ = ["Database"]

_ADVICE = "no room on the disk; nothing was changed: free some space and repeat"


class Database:
    """A file that only its owner may read; each part of the service has tables of its own in it.

    A file of an earlier layout is brought to this one, in one transaction.

    Args:
        path: The file; made where there is none.

    Raises:
        StoreUnavailable: It cannot be opened.
        StoreCorrupt: It is something else, or was written by a newer Mien; it was not changed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Opening the file takes thirty times as long as asking it.
        self._idle: list[sqlite3.Connection] = []
        self.close = weakref.finalize(self, _close, self._idle)
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StoreUnavailable(f"{path}: the service's file cannot be opened: {error.strerror}") from error
        self._migrate()

    def _migrate(self) -> None:
        with self.connected() as connection:
            # Before anything else: what a newer Mien wrote is left as it is.
            self._check(_version(connection))
            connection.execute("PRAGMA journal_mode = WAL")
        with self.connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            # Another process may have done it while this one waited for its turn.
            version = self._check(_version(connection))
            for statement in itertools.chain.from_iterable(MIGRATIONS[version:]):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _check(self, version: int) -> int:
        if version > len(MIGRATIONS):
            raise StoreCorrupt(
                f"{self.path}: written by a newer Mien (layout {version}, this one reads up to {len(MIGRATIONS)}); "
                "upgrade Mien, or give another --state",
                path=str(self.path),
                schema=version,
            )
        return version

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on the disk when it ends.

        Raises:
            sqlite3.IntegrityError: A constraint does not hold; nothing was changed.
            StoreFull: No room; nothing was changed.
            StoreUnavailable, StoreCorrupt: The file cannot be used; nothing was changed.
        """
        connection = None
        try:
            connection = self._connection()
            with connection:
                yield connection
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            kind = _kind(error)
            meaning = _ADVICE if kind is StoreFull else "the service's file cannot be used"
            raise kind(f"{self.path}: {meaning} ({error})", path=str(self.path)) from error
        finally:
            if connection is not None:
                self._idle.append(connection)

    def _connection(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            connection = sqlite3.connect(self.path, timeout=10, check_same_thread=False)
            connection.execute("PRAGMA synchronous = FULL")
            return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _close(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


def _kind(error: sqlite3.DatabaseError) -> type[StoreError]:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return StoreFull
    return StoreUnavailable if isinstance(error, sqlite3.OperationalError) else StoreCorrupt
