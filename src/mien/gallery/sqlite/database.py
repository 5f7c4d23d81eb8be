"""The embedded engine: one SQLite file, which any number of threads and processes may use at once."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import InvalidArgument, StoreCorrupt, StoreError, StoreFull, StoreUnavailable
from mien.gallery.audit import Level
from mien.gallery.index import Index, remove_strays
from mien.gallery.sealing import Seal
from mien.gallery.search import View
from mien.gallery.sql import SqlTransaction
from mien.gallery.sql.dialect import SqliteDialect
from mien.gallery.sqlite.schema import APPLICATION_ID, MIGRATIONS, PAGE_SIZE

if TYPE_CHECKING:
    from mien.gallery.store import Transaction

__all__ = ["SqliteStore"]

_DIALECT = SqliteDialect()
MAPPED = 1 << 31
"""Bytes of the file that are mapped into memory; SQLite is built to map no more."""

_UNAVAILABLE = "the gallery cannot be read or written; check the folder's permissions and the disk"
_DAMAGED = "the file is damaged or no gallery; restore it from a backup, or give another path"
_MEANING: dict[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_FULL: (StoreFull, "no room on the disk; nothing was changed: free some space and repeat"),
    sqlite3.SQLITE_CORRUPT: (StoreCorrupt, _DAMAGED),
    sqlite3.SQLITE_NOTADB: (StoreCorrupt, _DAMAGED),
    sqlite3.SQLITE_BUSY: (StoreUnavailable, "another process keeps the gallery locked; repeat when it is done"),
    sqlite3.SQLITE_LOCKED: (StoreUnavailable, "another process keeps the gallery locked; repeat when it is done"),
    sqlite3.SQLITE_CANTOPEN: (StoreUnavailable, _UNAVAILABLE),
    sqlite3.SQLITE_READONLY: (StoreUnavailable, _UNAVAILABLE),
    sqlite3.SQLITE_PERM: (StoreUnavailable, _UNAVAILABLE),
    sqlite3.SQLITE_IOERR: (StoreUnavailable, _UNAVAILABLE),
}


class SqliteStore:
    """Collections in one SQLite file, in write-ahead mode.

    Every commit is on the disk before it is acknowledged (``synchronous = FULL``), and what is removed is overwritten
    (``secure_delete``). Each transaction borrows a connection that no other thread uses meanwhile; writers of this
    process queue at a lock, writers of other processes at SQLite's own, for at most ``timeout`` seconds.

    Args:
        path: The file; it is created, mode 0600, where there is none. Its folder must exist.
        timeout: Seconds to wait for another process's write.
        seal: Seals the templates of its collections.

    Raises:
        StoreUnavailable: The folder is missing, or the file cannot be opened.
        StoreFull: No room to create it.
        StoreCorrupt: The file is no gallery, is damaged, or was written by a newer Mien.
    """

    def __init__(self, path: Path, *, timeout: float = 30.0, seal: Seal | None = None) -> None:
        self.location = str(path)
        self.path = path.absolute()
        self._timeout = timeout
        self._seal = seal
        self._idle: deque[sqlite3.Connection] = deque()
        self._writer = threading.Lock()
        self._indices: dict[str, Index] = {}
        self._opening = threading.Lock()
        self._pid = os.getpid()
        self._closed = False
        self._create()
        try:
            with self._connection() as connection:
                self._migrate(connection)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self, collection: str) -> Iterator[SqlTransaction]:
        """A view of what was committed when it began; see `mien.gallery.store.Store`."""
        with self._connection() as connection, self._transaction(connection, "BEGIN"):
            yield SqlTransaction(connection, _DIALECT, collection, self.location, self._seal)

    @contextmanager
    def writing(self, collection: str) -> Iterator[SqlTransaction]:
        """The only writer; commits at the end of the block, and changes nothing where the block raises."""
        with self._connection() as connection, self._writer, self._transaction(connection, "BEGIN IMMEDIATE"):
            # Whoever closed the gallery meanwhile, to erase the collection, must not see it come back.
            self._check_open()
            yield SqlTransaction(connection, _DIALECT, collection, self.location, self._seal)

    def view(self, transaction: Transaction) -> View:
        """What a search is made with; see `mien.gallery.store.Store`."""
        return self._index(transaction.collection).view(transaction)

    def _index(self, collection: str) -> Index:
        with self._opening:
            # Codes of sealed templates are kept in no file.
            if collection not in self._indices:
                self._indices[collection] = Index(self.path if self._seal is None else None)
            return self._indices[collection]

    @property
    def purge_level(self) -> Level:
        """How far `purge` goes."""
        return "purged_logs"

    @property
    def sealed(self) -> bool:
        """Whether templates are sealed at rest."""
        return self._seal is not None

    def purge(self, collection: str) -> Level:
        """Wipe the index and empty the write-ahead log, so that nothing removed is left in any file.

        Raises:
            StoreUnavailable: Another process did not stop reading for ``timeout`` seconds, or keeps the index locked.
        """
        self._wipe(collection)
        with self._connection() as connection, self._writer, self._translated():
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            message = (
                f"{self.location}: the faces are removed, but another process is reading, so that the log beside the "
                "file still holds their bytes; they go when the last process closes the gallery, or at the next erase"
            )
            raise StoreUnavailable(message, path=self.location, removed=True, purged=False)
        # Once more: a reader that began before the removal may have written a table meanwhile; none such is left now.
        self._wipe(collection)
        return self.purge_level

    def _wipe(self, collection: str) -> None:
        with self.reading(collection) as transaction:
            self._index(collection).purge(transaction)
            numbers = transaction.collection_numbers()
        remove_strays(self.path, numbers)

    def spread(self, urls: Sequence[str]) -> None:
        """Refused: a file is in one place."""
        raise InvalidArgument(
            f"{self.location}: a gallery in a file cannot be spread over {len(urls)} servers; copy it to PostgreSQL "
            "first: mien gallery copy"
        )

    def build_graph(self, collection: str) -> None:
        """Refused: searches of a file are exact, and sooner done."""
        raise InvalidArgument(
            f"{self.location}: searches of a gallery in a file are exact, and collection {collection} needs no graph"
        )

    def files(self) -> list[Path]:
        """Database, log, shared memory, and indices beside it."""
        return sorted(path for path in self.path.parent.glob(f"{glob.escape(self.path.name)}*") if path.is_file())

    def close(self) -> None:
        """Close every connection; those in use when their transaction ends."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _create(self) -> None:
        if os.path.isdir(self.path):  # noqa: PTH112 - Path.is_dir raises without permission
            raise StoreUnavailable(f"{self.location}: expected a file, got a folder", path=self.location)
        try:
            # SQLite gives its -wal and -shm files the mode of this one.
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            return
        except FileNotFoundError:
            folder = self.path.parent
            raise StoreUnavailable(
                f"{self.location}: the folder {folder} does not exist; create it first", path=self.location
            ) from None
        except OSError as error:
            kind = StoreFull if error.errno in {errno.ENOSPC, errno.EDQUOT} else StoreUnavailable
            raise kind(f"{self.location}: cannot create the gallery ({error.strerror})", path=self.location) from error

    def _migrate(self, connection: sqlite3.Connection) -> None:
        with self._translated():
            self._check_origin(connection)
            if _pragma(connection, "user_version") == len(MIGRATIONS):
                return
            connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
            self._use_wal(connection)
        with self._transaction(connection, "BEGIN IMMEDIATE"):
            # Another process may have migrated the file while this one waited for its turn.
            for statements in MIGRATIONS[_pragma(connection, "user_version") :]:
                for statement in statements:
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _check_origin(self, connection: sqlite3.Connection) -> None:
        # One statement, one view: another process may be creating the tables just now.
        application, version, tables = connection.execute(
            "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master) "
            "FROM pragma_application_id, pragma_user_version"
        ).fetchone()
        if tables and application != APPLICATION_ID:
            message = f"{self.location}: expected a gallery, got a SQLite file of another program; give another path"
            raise StoreCorrupt(message, path=self.location)
        if version > len(MIGRATIONS):
            raise StoreCorrupt(
                f"{self.location}: written by a newer Mien (schema {version}, this one reads up to {len(MIGRATIONS)}); "
                "upgrade Mien",
                path=self.location,
                schema=version,
            )

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        # Switching the mode takes an upgraded lock, at which SQLite does not wait by itself.
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.005)
            else:
                break
        if mode != "wal":
            raise StoreUnavailable(
                f"{self.location}: this file system cannot share a write-ahead log; put the gallery on a local disk",
                path=self.location,
            )

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if self._pid != os.getpid():
            self._forget_parent()
        self._check_open()
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        finally:
            if self._closed or connection.in_transaction:
                connection.close()
            else:
                self._idle.append(connection)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"{self.location}: the gallery is closed", path=self.location)

    def _connect(self) -> sqlite3.Connection:
        with self._translated():
            # The file exists by now: where it was taken away, SQLite must not create an empty one with a wider mode.
            connection = sqlite3.connect(
                f"{self.path.as_uri()}?mode=rw",
                uri=True,
                timeout=self._timeout,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA secure_delete = ON")
                # A sort that spills to a temporary file would leave templates where nobody overwrites them.
                connection.execute("PRAGMA temp_store = MEMORY")
                # Pages of templates are read where the system caches them, not copied into each process.
                connection.execute(f"PRAGMA mmap_size = {MAPPED}")
            except BaseException:
                connection.close()
                raise
        return connection

    def _forget_parent(self) -> None:
        # SQLite's connections and a held lock do not survive a fork; the parent's must not even be closed here.
        self._inherited = self._idle
        self._idle = deque()
        self._writer = threading.Lock()
        self._opening = threading.Lock()
        self._indices = {}
        self._pid = os.getpid()

    @contextmanager
    def _transaction(self, connection: sqlite3.Connection, begin: str) -> Iterator[None]:
        with self._translated():
            connection.execute(begin)
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                # A full disk makes SQLite roll back by itself.
                if connection.in_transaction:
                    with suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is None or code & 0xFF not in _MEANING:
                raise
            kind, meaning = _MEANING[code & 0xFF]
            if kind is StoreUnavailable and self._disk_is_full():
                # The shared-memory file cannot grow either, which SQLite reports as an input or output error.
                kind, meaning = _MEANING[sqlite3.SQLITE_FULL]
            raise kind(f"{self.location}: {meaning} ({error})", path=self.location) from error

    def _disk_is_full(self) -> bool:
        with suppress(OSError):
            return shutil.disk_usage(self.path.parent).free < 4 * PAGE_SIZE
        return False


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
