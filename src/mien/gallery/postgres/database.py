"""`PostgresStore`: collections in a PostgreSQL database, which any number of machines may use at once."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import InvalidArgument, StoreCorrupt, StoreError, StoreFull, StoreUnavailable
from mien.gallery.audit import Level
from mien.gallery.index import Index
from mien.gallery.postgres.dialect import PostgresConnection, PostgresDialect, vector_text
from mien.gallery.postgres.schema import MIGRATIONS, SCHEMA
from mien.gallery.postgres.search import PostgresView
from mien.gallery.sealing import Seal
from mien.gallery.search import View
from mien.gallery.sql import Connection, SqlTransaction
from mien.types import Array

if TYPE_CHECKING:
    import psycopg

    from mien.gallery.store import Transaction

__all__ = ["PostgresStore", "PostgresTransaction"]

_DIALECT = PostgresDialect()
_WRITER = 0x4D69656E
"""The advisory lock that writers queue at: revisions are to become visible in their order."""

_TABLES = "person, fused, sample, cannot_link, edit, edit_person, edit_change, scan"


class PostgresTransaction(SqlTransaction):
    """One collection within one PostgreSQL transaction; see `mien.gallery.store.Transaction`."""

    def __init__(self, connection: Connection, collection: str, location: str, seal: Seal | None) -> None:
        super().__init__(connection, _DIALECT, collection, location, seal)

    @property
    def connection(self) -> Connection:
        """Within the transaction."""
        return self._connection

    @property
    def collection_id(self) -> int:
        """Number of the collection, -1 before the first enrolment."""
        return self._collection_id

    @property
    def sealed(self) -> bool:
        """Whether the server holds sealed templates, which it cannot compare."""
        return self._seal is not None

    def fused_of(self, keys: Collection[int]) -> dict[int, Array]:
        """(d,) float32 template of each person, by number, of their samples."""
        from mien.recognition import fuse_people

        samples = self.samples_of(keys)
        has = samples.counts > 0
        if not has.any():
            return {}
        fused = fuse_people(samples.templates, samples.counts[has])
        return dict(zip(samples.keys[has].tolist(), fused, strict=True))

    def finish(self) -> None:
        """Bring the fused templates of everybody who was changed up to date, before the commit."""
        if self.sealed or not self._bumped:
            return
        from mien.recognition import fuse

        changed = self._connection.execute(
            "SELECT person_id, person_key, collection_id, expires FROM person WHERE collection_id = ? AND revision = ?",
            (self._collection_id, self.revision()),
        ).fetchall()
        for row in changed:
            templates = self.templates(row[0])
            # Rows on foreign servers know no upsert.
            self._connection.execute("DELETE FROM fused WHERE person_id = ?", (row[0],))
            if len(templates):
                values = (*row, vector_text(fuse(templates)))
                self._connection.execute("INSERT INTO fused VALUES (?, ?, ?, ?, ?::vector)", values)


class PostgresStore:
    """Collections in one PostgreSQL database, in the namespace ``mien``.

    A commit is acknowledged when it is on the server's disk, and applied by every synchronous standby that the server
    is set up with (``synchronous_commit = remote_apply``). Writers queue; readers see one snapshot.

    Args:
        url: ``postgresql://user@host/database``; several hosts make the client follow a failover (libpq's
            ``host1,host2`` with ``target_session_attrs=read-write``).
        timeout: Seconds to wait for a connection, and for another writer.
        seal: Seals the templates of its collections, which are then compared by the client.

    Raises:
        StoreUnavailable: No connection, no right to create tables, or no pgvector.
        StoreCorrupt: The namespace holds something else, or was written by a newer Mien.
    """

    def __init__(self, url: str, *, timeout: float = 30.0, seal: Seal | None = None) -> None:
        self._url = url
        self.location = _without_password(url)
        self._timeout = timeout
        self._seal = seal
        self._idle: deque[psycopg.Connection[Any]] = deque()
        self._indices: dict[str, Index] = {}
        self._counts: dict[tuple[int, int, str], int] = {}
        self._opening = threading.Lock()
        self._pid = os.getpid()
        self._closed = False
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self, collection: str) -> Iterator[PostgresTransaction]:
        """A view of what was committed when it began; see `mien.gallery.store.Store`."""
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
            yield PostgresTransaction(connection, collection, self.location, self._seal)

    @contextmanager
    def writing(self, collection: str) -> Iterator[PostgresTransaction]:
        """The only writer; commits at the end of the block, and changes nothing where the block raises."""
        with self._transaction("BEGIN ISOLATION LEVEL READ COMMITTED") as connection:
            connection.execute(f"SET LOCAL lock_timeout = {round(1000 * self._timeout)}")
            connection.execute("SELECT pg_advisory_xact_lock(?)", (_WRITER,))
            transaction = PostgresTransaction(connection, collection, self.location, self._seal)
            yield transaction
            transaction.finish()

    def view(self, transaction: Transaction) -> View:
        """What a search is made with; see `mien.gallery.store.Store`."""
        assert isinstance(transaction, PostgresTransaction)
        if not transaction.sealed:
            return PostgresView(transaction, self._counts)
        with self._opening:
            index = self._indices.setdefault(transaction.collection, Index(None))
        return index.view(transaction)

    @property
    def purge_level(self) -> Level:
        """How far `purge` goes."""
        return "purged_store"

    @property
    def sealed(self) -> bool:
        """Whether templates are sealed at rest."""
        return self._seal is not None

    def purge(self, collection: str) -> Level:  # noqa: ARG002 - the server cleans whole tables
        """Have the server overwrite what was removed; its write-ahead log and its archives keep their bytes for a time.

        Raises:
            StoreUnavailable: An older transaction did not end for ``timeout`` seconds.
        """
        with self._connection() as connection, self._translated():
            started = _value(connection.execute("SELECT clock_timestamp()"))
            deadline = time.monotonic() + self._timeout
            older = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                       AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL AND xact_start < %s"""
            while _value(connection.execute(older, (started,))):
                if time.monotonic() > deadline:
                    raise StoreUnavailable(
                        f"{self.location}: the faces are removed, but a transaction that began before keeps their "
                        "bytes in the tables; they go with the next erase, or the next VACUUM",
                        removed=True,
                        purged=False,
                    )
                time.sleep(0.02)
            connection.execute(f"VACUUM {_TABLES}")
        return self.purge_level

    def files(self) -> list[Path]:
        """None: they are the server's."""
        return []

    def close(self) -> None:
        """Close every connection; those in use when their transaction ends."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _migrate(self) -> None:
        with self._transaction("BEGIN") as connection:
            connection.execute("SELECT pg_advisory_xact_lock(?)", (_WRITER,))
            found = _value(connection.execute("SELECT to_regclass(?)::text", (f"{SCHEMA}.gallery",)))
            version = 0
            if found is not None:
                version = int(_value(connection.execute(f"SELECT version FROM {SCHEMA}.gallery")))  # noqa: S608
            if version > len(MIGRATIONS):
                raise StoreCorrupt(
                    f"{self.location}: written by a newer Mien (schema {version}, this one reads up to "
                    f"{len(MIGRATIONS)}); upgrade Mien",
                    schema=version,
                )
            if version == len(MIGRATIONS):
                return
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            for statements in MIGRATIONS[version:]:
                connection.execute(statements)
            connection.execute("UPDATE gallery SET version = ?", (len(MIGRATIONS),))

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        if self._pid != os.getpid():
            # A connection does not survive a fork; the parent's must not even be closed here.
            self._inherited, self._idle, self._opening = self._idle, deque(), threading.Lock()
            self._indices, self._pid = {}, os.getpid()
        if self._closed:
            raise StoreUnavailable(f"{self.location}: the gallery is closed")
        connection = self._usable()
        try:
            yield connection
        finally:
            if self._closed or connection.closed or connection.info.transaction_status.name != "IDLE":
                connection.close()
            else:
                self._idle.append(connection)

    def _usable(self) -> psycopg.Connection[Any]:
        """A connection that answers: one that lay idle while a server was lost does not."""
        import psycopg

        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                with suppress(psycopg.Error):
                    connection.execute("SELECT 1")
                    return connection
                connection.close()
        return self._connect()

    def _connect(self) -> psycopg.Connection[Any]:
        import psycopg

        with self._translated():
            connection = psycopg.connect(self._url, autocommit=True, connect_timeout=max(1, round(self._timeout)))
            try:
                connection.execute(f"SET search_path = {SCHEMA}, public")
                connection.execute("SET synchronous_commit = remote_apply")
            except BaseException:
                connection.close()
                raise
        return connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[PostgresConnection]:
        with self._connection() as connection, self._translated():
            connection.execute(begin.encode())
            try:
                yield PostgresConnection(connection)
                connection.execute("COMMIT")
            except BaseException:
                import psycopg

                with suppress(psycopg.Error):
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise self._meaning(error) from error

    def _meaning(self, error: psycopg.Error) -> StoreError:
        state = error.sqlstate or ""
        first = str(error).strip().partition("\n")[0]
        if state in {"53100", "53200"}:
            return StoreFull(f"{self.location}: no room on the server; nothing was changed ({first})")
        if state.startswith("XX"):
            return StoreCorrupt(f"{self.location}: the database is damaged ({first})")
        if state == "55P03":
            return StoreUnavailable(f"{self.location}: another process keeps the gallery locked; repeat later")
        return StoreUnavailable(f"{self.location}: the server did not do it, and nothing was changed ({first})")


def _value(cursor: psycopg.Cursor[Any]) -> Any:  # noqa: ANN401 - whatever was selected
    """The only value of the only row."""
    row = cursor.fetchone()
    assert row is not None
    return row[0]


def _without_password(url: str) -> str:
    """The URL as messages may show it."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        raise InvalidArgument("gallery: expected postgresql://user@host/database, got what cannot be read") from None
    host = "" if str(parts.get("host") or "").startswith("/") else parts.get("host") or ""
    return f"postgresql://{host}/{parts.get('dbname') or ''}"
