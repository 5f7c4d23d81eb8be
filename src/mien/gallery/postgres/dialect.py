"""PostgreSQL's way of saying what the shared statements leave open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.types import Array

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgresConnection", "PostgresDialect", "vector_text"]


class PostgresDialect:
    """See `mien.gallery.sql.Dialect`."""

    next_collection = "DEFAULT"

    def among(self, column: str) -> str:
        """A condition: the column is one of the keys that one parameter holds."""
        return f"{column} = ANY(?)"

    def keys(self, values: Iterable[str] | Iterable[int]) -> list[str] | list[int]:
        """That parameter."""
        return [*values]

    def field(self, column: str, name: str) -> str:
        """An expression: a field of an object in a column of JSON text."""
        return f"({column}::json ->> '{name}')"


class PostgresConnection:
    """Runs statements written with ``?`` or ``:name``; see `mien.gallery.sql.Connection`."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = (), /) -> psycopg.Cursor[Any]:
        """Run a statement."""
        return self._connection.execute(_translated(statement, isinstance(values, Mapping)), values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any] | Mapping[str, Any]], /) -> None:
        """Run a statement for each row of values."""
        listed = list(rows)
        if listed:
            named = isinstance(listed[0], Mapping)
            self._connection.cursor().executemany(_translated(statement, named), listed)


@lru_cache(maxsize=512)
def _translated(statement: str, named: bool) -> bytes:
    escaped = statement.replace("%", "%%")
    if named:
        return re.sub(r"(?<![:\w]):(\w+)", r"%(\1)s", escaped).encode()
    return escaped.replace("?", "%s").encode()


def vector_text(vector: Array) -> str:
    """A float32 vector as pgvector reads it, to the last bit."""
    return "[" + ",".join(f"{number:.9g}" for number in np.asarray(vector, np.float32).tolist()) + "]"
