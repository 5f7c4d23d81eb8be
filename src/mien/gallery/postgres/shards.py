"""Shards: fused templates on several servers, keyed by person.

The first server, which the gallery's URL names, keeps everything else and writes to the shards through postgres_fdw, in
the transaction that it belongs to. Searches go from the client to every shard at once, since a foreign table would send
each template over the network; the best of all are compared with the stored samples, so that how people are spread
changes no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mien.errors import InvalidArgument
from mien.gallery.postgres.connections import Connections
from mien.gallery.postgres.schema import FUSED, SCHEMA
from mien.gallery.sql import Connection

if TYPE_CHECKING:
    from psycopg import sql

__all__ = ["read_shards", "spread"]


def read_shards(connection: Connection) -> list[str]:
    """URLs of the shards, without passwords; none where everything is on one server."""
    return [row[0] for row in connection.execute("SELECT url FROM shard ORDER BY number")]


def spread(first: Connections, urls: Sequence[str], *, timeout: float) -> None:
    """Move the fused templates of a gallery to other servers, once and for all.

    Args:
        first: The server that holds the gallery.
        urls: Of the shards, each an empty database with pgvector; several hosts and
            ``target_session_attrs=read-write`` follow a failover. Both the clients and the first server connect with
            them; passwords come from the environment or a password file of each.
        timeout: Seconds to wait for a connection.

    Raises:
        InvalidArgument: Fewer than two shards, one twice, one that is in use, or the gallery is spread already.
        StoreUnavailable: A server cannot be reached, or has not the extensions; nothing was changed on the first one,
            and the same call may be made again.
    """
    if len(urls) < 2:
        raise InvalidArgument(f"shards: expected at least two, got {len(urls)}")
    partitions = [_partition(number, len(urls), url) for number, url in enumerate(urls)]
    with first.transaction("BEGIN READ ONLY") as connection:
        if read_shards(connection):
            raise InvalidArgument(f"{first.location}: is spread over shards already")
    prepared: set[tuple[Any, ...]] = set()
    for url in urls:
        shard = Connections(url, timeout)
        try:
            with shard.transaction("BEGIN") as connection:
                if (server := _prepared(connection, shard.location)) in prepared:
                    raise InvalidArgument(f"{shard.location}: is named twice; give each shard a database of its own")
                prepared.add(server)
        finally:
            shard.close()
    with first.connection() as raw, first.translated(), raw.transaction():
        raw.execute("CREATE EXTENSION IF NOT EXISTS postgres_fdw")
        raw.execute("ALTER TABLE fused RENAME TO fused_here")
        raw.execute(
            'CREATE TABLE fused (person_id TEXT COLLATE "C" NOT NULL, person_key BIGINT NOT NULL, '
            'collection_id BIGINT NOT NULL, expires TEXT COLLATE "C", template vector NOT NULL) '
            "PARTITION BY HASH (person_id)"
        )
        for number, url in enumerate(urls):
            for statement in partitions[number]:
                raw.execute(statement)
            raw.execute("INSERT INTO shard VALUES (%s, %s)", (number, url))
        raw.execute("INSERT INTO fused SELECT * FROM fused_here")
        raw.execute("DROP TABLE fused_here")


def _prepared(connection: Connection, location: str) -> tuple[Any, ...]:
    """Make the table of a shard; a table without rows is what a call that failed has left. Returns which server it is.

    Raises:
        InvalidArgument: The database is in use.
    """

    def exists(query: str, *values: str) -> bool:
        (answer,) = connection.execute(query, values).fetchone()
        return bool(answer)

    whole = "SELECT to_regclass(?) IS NOT NULL"
    if exists(whole, f"{SCHEMA}.gallery") or (
        exists(whole, f"{SCHEMA}.fused") and exists(f"SELECT EXISTS (SELECT 1 FROM {SCHEMA}.fused)")  # noqa: S608 - constants
    ):
        raise InvalidArgument(f"{location}: holds a gallery or a part of one already; give an empty database")
    connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    connection.execute(f"DROP TABLE IF EXISTS {SCHEMA}.fused")
    connection.execute(FUSED)
    return tuple(connection.execute("SELECT current_database(), pg_postmaster_start_time()").fetchone())


def _partition(number: int, count: int, url: str) -> list[sql.Composed]:
    from psycopg import sql
    from psycopg.conninfo import conninfo_to_dict

    parts = {name: str(text) for name, text in conninfo_to_dict(url).items()}
    if "password" in parts:
        raise InvalidArgument("shards: a URL holds a password; put it into a password file instead")
    user = parts.pop("user", None)
    # What a shard has acknowledged survives it, as on the first server.
    parts["options"] = f"{parts.get('options', '')} -c synchronous_commit=remote_apply".strip()
    options = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(k), sql.Literal(v)) for k, v in parts.items())
    server, table = sql.Identifier(f"mien_shard_{number}"), sql.Identifier(f"fused_{number}")
    mapping = sql.SQL("CREATE USER MAPPING FOR PUBLIC SERVER {}").format(server)
    if user is not None:
        mapping += sql.SQL(" OPTIONS (user {})").format(sql.Literal(user))
    return [
        sql.SQL("CREATE SERVER {} FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({})").format(server, options),
        sql.Composed([mapping]) if not isinstance(mapping, sql.Composed) else mapping,
        sql.SQL(
            "CREATE FOREIGN TABLE {} PARTITION OF fused FOR VALUES WITH (MODULUS {}, REMAINDER {}) SERVER {} "
            "OPTIONS (schema_name {}, table_name 'fused')"
        ).format(table, sql.Literal(count), sql.Literal(number), server, sql.Literal(SCHEMA)),
    ]
