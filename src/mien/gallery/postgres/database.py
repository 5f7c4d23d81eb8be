"""`PostgresStore`: collections in a PostgreSQL database, which any number of machines may use at once."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import InvalidArgument, StoreCorrupt
from mien.gallery.audit import Level
from mien.gallery.index import Index
from mien.gallery.postgres.connections import Connections, value
from mien.gallery.postgres.dialect import PostgresDialect, vector_text
from mien.gallery.postgres.hnsw import build
from mien.gallery.postgres.schema import MIGRATIONS, SCHEMA
from mien.gallery.postgres.search import PostgresView
from mien.gallery.postgres.shards import read_shards, spread
from mien.gallery.sealing import Seal
from mien.gallery.search import View
from mien.gallery.sql import Connection, SqlTransaction
from mien.types import Array

if TYPE_CHECKING:
    from mien.gallery.store import Transaction

__all__ = ["PostgresStore", "PostgresTransaction"]

_DIALECT = PostgresDialect()
_WRITER = 0x4D69656E
"""The advisory lock that writers queue at: revisions are to become visible in their order."""

_SIZE = "SELECT pg_total_relation_size('sample') + pg_total_relation_size('crop')"
REWRITTEN = 1 << 28
"""Bytes of samples up to which tables are written anew after an erasure: a second or two."""

_TABLES = "person, cannot_link, edit, edit_person, edit_change, scan"


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
        self._first = Connections(url, timeout)
        self.location = self._first.location
        self._seal = seal
        self._indices: dict[str, Index] = {}
        self._counts: dict[tuple[int, int, str], int] = {}
        self._opening = threading.Lock()
        self._known: dict[str, Connections] = {}
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self, collection: str) -> Iterator[PostgresTransaction]:
        """A view of what was committed when it began; see `mien.gallery.store.Store`."""
        with self._first.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
            yield PostgresTransaction(connection, collection, self.location, self._seal)

    @contextmanager
    def writing(self, collection: str) -> Iterator[PostgresTransaction]:
        """The only writer; commits at the end of the block, and changes nothing where the block raises."""
        with self._first.transaction("BEGIN ISOLATION LEVEL READ COMMITTED") as connection:
            connection.execute(f"SET LOCAL lock_timeout = {round(1000 * self._first.timeout)}")
            connection.execute("SELECT pg_advisory_xact_lock(?)", (_WRITER,))
            # Whoever closed the gallery meanwhile, to erase the collection, must not see it come back.
            self._first.check_open()
            transaction = PostgresTransaction(connection, collection, self.location, self._seal)
            yield transaction
            transaction.finish()

    def view(self, transaction: Transaction) -> View:
        """What a search is made with; see `mien.gallery.store.Store`."""
        assert isinstance(transaction, PostgresTransaction)
        if not transaction.sealed:
            return PostgresView(transaction, self._counts, self._shards(transaction.connection))
        with self._opening:
            index = self._indices.setdefault(transaction.collection, Index(None))
        return index.view(transaction)

    @property
    def purge_level(self) -> Level:
        """How far `purge` goes: tables of some size are not written anew for every erasure."""
        with self._first.transaction("BEGIN READ ONLY") as connection:
            size = connection.execute(_SIZE).fetchone()
        assert size is not None
        return "purged_store" if size[0] <= REWRITTEN else "invisible"

    @property
    def sealed(self) -> bool:
        """Whether templates are sealed at rest."""
        return self._seal is not None

    def purge(self, collection: str) -> Level:  # noqa: ARG002 - the server cleans whole tables
        """Have the server overwrite what was removed; its write-ahead log and its archives keep their bytes for a time.

        A VACUUM leaves bytes of removed rows in the pages that they were in. Only a table that is written anew has
        none, which locks it meanwhile: that is done where it takes a moment.

        Raises:
            StoreUnavailable: An older transaction did not end for ``timeout`` seconds.
        """
        level = self.purge_level
        how = "VACUUM (FULL)" if level == "purged_store" else "VACUUM"
        with self._first.transaction("BEGIN READ ONLY") as reading:
            shards = self._shards(reading)
        for server in (self._first, *shards):
            with server.connection() as connection, server.translated():
                server.wait_until_unseen(connection)
                connection.execute(f"SET lock_timeout = {round(1000 * server.timeout)}".encode())
                tables = "fused" if server is not self._first else "sample, crop" if shards else "sample, crop, fused"
                connection.execute(f"{how} {tables}".encode())
                if server is self._first:
                    connection.execute(f"VACUUM {_TABLES}".encode())
        return level

    def files(self) -> list[Path]:
        """None: they are the server's."""
        return []

    def close(self) -> None:
        """Close every connection; those in use when their transaction ends."""
        for server in (self._first, *self._known.values()):
            server.close()

    def spread(self, urls: Sequence[str]) -> None:
        """Move the templates that searches read to other servers; see `mien.gallery.postgres.shards.spread`."""
        spread(self._first, urls, timeout=self._first.timeout)

    def build_graph(self, collection: str) -> None:
        """On every server that holds fused templates; see `mien.gallery.postgres.hnsw.build`."""
        with self.reading(collection) as transaction:
            space, number = transaction.space(), transaction.collection_id
            servers = self._shards(transaction.connection) or [self._first]
        if space is None or self.sealed:
            raise InvalidArgument(
                f"{self.location}: expected a collection with people whose templates are not sealed, got {collection}"
            )
        for server in servers:
            build(server, number, space[1])

    def _shards(self, connection: Connection) -> list[Connections]:
        """Whom to ask besides the first server, which another process may have changed since."""
        urls = read_shards(connection)
        with self._opening:
            for url in urls:
                if url not in self._known:
                    self._known[url] = Connections(url, self._first.timeout)
            return [self._known[url] for url in urls]

    def _migrate(self) -> None:
        with self._first.transaction("BEGIN") as connection:
            connection.execute("SELECT pg_advisory_xact_lock(?)", (_WRITER,))
            found = value(connection.execute("SELECT to_regclass(?)::text", (f"{SCHEMA}.gallery",)))
            version = 0
            if found is not None:
                version = int(value(connection.execute(f"SELECT version FROM {SCHEMA}.gallery")))  # noqa: S608
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
            for scripts in MIGRATIONS[version:]:
                for script in scripts:
                    connection.execute(script)
            connection.execute("UPDATE gallery SET version = ?", (len(MIGRATIONS),))
