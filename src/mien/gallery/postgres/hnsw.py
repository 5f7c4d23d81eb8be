"""Approximate search by pgvector's HNSW graph (Malkov & Yashunin 2018), where somebody asks for it.

A graph is made of one collection, on each server that holds some of its people, over vectors of half precision. What it
names is compared once more in float32, so that scores are exact; only who is named is not certain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.gallery.postgres.dialect import vector_text
from mien.gallery.postgres.schema import SCHEMA
from mien.types import Array

if TYPE_CHECKING:
    from mien.gallery.postgres.connections import Connections
    from mien.gallery.sql import Connection

__all__ = ["MOST", "build", "is_built", "nearest"]

MOST = 250
"""People that an approximate search may be asked for: pgvector looks at no more than 1,000 at a time."""

_BREADTH = 4
"""Graph nodes kept in view for each person asked for (``hnsw.ef_search``)."""
_LEAST = 100


def build(server: Connections, collection_id: int, dimension: int) -> None:
    """Make the graph of a collection on a server, which goes on serving meanwhile; nothing where it is there.

    Raises:
        StoreUnavailable: The server does not do it; what was begun is removed by the next call.
    """
    name = _name(collection_id)
    with server.connection() as connection, server.translated():
        valid = connection.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", (f"{SCHEMA}.{name}",)
        ).fetchone()
        if valid == (True,):
            return
        if valid is not None:
            connection.execute(f"DROP INDEX {SCHEMA}.{name}".encode())
        connection.execute(
            f"CREATE INDEX CONCURRENTLY {name} ON fused USING hnsw "
            f"((template::halfvec({dimension})) halfvec_ip_ops) WHERE collection_id = {collection_id}".encode()
        )


def is_built(server: Connection, collection_id: int) -> bool:
    """Whether a server can search a collection approximately."""
    query = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(?)"
    row = server.execute(query, (f"{SCHEMA}.{_name(collection_id)}",)).fetchone()
    return row is not None and bool(row[0])


def nearest(
    server: Connection,
    probe: Array,
    count: int,
    condition: str,
    values: tuple[object, ...],
    collection_id: int,
) -> list[tuple[int, float]]:
    """Numbers of people who are probably the most similar ones, and their scores in half precision."""
    server.execute(f"SET LOCAL hnsw.ef_search = {min(1000, max(_LEAST, _BREADTH * count))}")
    # Where a filter or an expiry strikes people out, the graph is searched further.
    server.execute("SET LOCAL hnsw.iterative_scan = relaxed_order")
    half = f"halfvec({len(probe)})"
    rows = server.execute(
        f"""SELECT person_key, -(template::{half} <#> ?::{half}) FROM fused
            WHERE fused.collection_id = {collection_id} AND {condition}
            ORDER BY template::{half} <#> ?::{half} LIMIT ?""",  # noqa: S608 - names of columns, and numbers
        (vector_text(probe), *values, vector_text(probe), count),
    )
    return [(int(key), float(score)) for key, score in rows]


def _name(collection_id: int) -> str:
    return f"fused_hnsw_{collection_id}"
