"""The service's own SQLite file: who may do what, and what is to be done; nothing of a face is ever in it."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.errors import StoreCorrupt, StoreError, StoreFull, StoreUnavailable

__all__ = ["Database"]

_ADVICE = "no room on the disk; nothing was changed: free some space and repeat"


class Database:
    """A file that only its owner may read; each part of the service has tables of its own in it.

    Args:
        path: The file; made where there is none.

    Raises:
        StoreUnavailable: It cannot be opened.
        StoreCorrupt: It is something else.
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
        self.create("PRAGMA journal_mode = WAL")

    def create(self, schema: str) -> None:
        """Run statements that make tables where there are none."""
        with self.connected() as connection:
            connection.executescript(schema)

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


def _close(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


def _kind(error: sqlite3.DatabaseError) -> type[StoreError]:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return StoreFull
    return StoreUnavailable if isinstance(error, sqlite3.OperationalError) else StoreCorrupt
