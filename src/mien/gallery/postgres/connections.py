"""Connections to one server: kept for the next transaction, looked at before they are used, told without passwords."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from mien.errors import InvalidArgument, StoreCorrupt, StoreError, StoreFull, StoreUnavailable
from mien.gallery.postgres.dialect import PostgresConnection
from mien.gallery.postgres.schema import SCHEMA

if TYPE_CHECKING:
    import psycopg

__all__ = ["Connections", "value"]


class Connections:
    """Connections to one server, for any number of threads; a fork begins with none.

    Args:
        url: ``postgresql://user@host/database``; several hosts make the client follow a failover.
        timeout: Seconds to wait for a connection.

    Raises:
        InvalidArgument: A URL that cannot be read.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self.location = _without_password(url)
        self.timeout = timeout
        self._idle: deque[psycopg.Connection[Any]] = deque()
        self._pid = os.getpid()
        self._closed = False

    def close(self) -> None:
        """Close every connection; those in use when their transaction ends."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def check_open(self) -> None:
        """Refuse what comes after `close`.

        Raises:
            StoreUnavailable: They are closed.
        """
        if self._closed:
            raise StoreUnavailable(f"{self.location}: the gallery is closed")

    @contextmanager
    def transaction(self, begin: str) -> Iterator[PostgresConnection]:
        """A transaction: committed at the end of the block, and undone where the block raises."""
        with self.connection() as connection, self.translated():
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
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that no other thread uses meanwhile, outside of any transaction."""
        if self._pid != os.getpid():
            # A connection does not survive a fork; the parent's must not even be closed here.
            self._inherited, self._idle, self._pid = self._idle, deque(), os.getpid()
        self.check_open()
        connection = self._usable()
        try:
            yield connection
        finally:
            if self._closed or connection.closed or connection.info.transaction_status.name != "IDLE":
                connection.close()
            else:
                self._idle.append(connection)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """What the driver raises, as what it means."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise self._meaning(error) from error

    def wait_until_unseen(self, connection: psycopg.Connection[Any]) -> None:
        """Wait until no transaction that began before may still see what was removed by now.

        Raises:
            StoreUnavailable: One did not end for ``timeout`` seconds.
        """
        started = value(connection.execute("SELECT clock_timestamp()"))
        deadline = time.monotonic() + self.timeout
        older = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                   AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL AND xact_start < %s"""
        while value(connection.execute(older, (started,))):
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    f"{self.location}: the faces are removed, but a transaction that began before keeps their "
                    "bytes in the tables; they go with the next erase, or the next VACUUM",
                    removed=True,
                    purged=False,
                )
            time.sleep(0.02)

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

        with self.translated():
            connection = psycopg.connect(self._url, autocommit=True, connect_timeout=max(1, round(self.timeout)))
            try:
                connection.execute(f"SET search_path = {SCHEMA}, public")
                connection.execute("SET synchronous_commit = remote_apply")
            except BaseException:
                connection.close()
                raise
        return connection

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


def value(cursor: psycopg.Cursor[Any]) -> Any:  # noqa: ANN401 - whatever was selected
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
