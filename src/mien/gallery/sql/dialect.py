"""Where engines differ: how a statement names many keys, and a field of a JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

__all__ = ["Connection", "Cursor", "Dialect", "SqliteDialect"]


class Cursor(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""

    def fetchone(self) -> Any:  # noqa: ANN401 - a row is what its statement selects
        """The next row, None after the last."""

    def fetchall(self) -> list[Any]:
        """The other rows."""

    def __iter__(self) -> Iterator[Any]:
        """The other rows, one by one."""


class Connection(Protocol):
    """Runs statements, whose parameters are written ``?`` or ``:name``."""

    def execute(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ..., /) -> Cursor:
        """Run a statement."""

    def executemany(self, statement: str, rows: Iterable[Sequence[Any] | Mapping[str, Any]], /) -> object:
        """Run a statement for each row of values."""


class Dialect(Protocol):
    """How one engine says what others say differently.

    Attributes:
        next_collection: An expression: the number of a collection that is made, which none had before.
    """

    next_collection: str

    def among(self, column: str) -> str:
        """A condition: the column is one of the keys that one parameter holds."""

    def keys(self, values: Iterable[str] | Iterable[int]) -> Any:  # noqa: ANN401 - what the driver takes
        """That parameter."""

    def field(self, column: str, name: str) -> str:
        """An expression: a field of an object in a column of JSON text, as text."""


class SqliteDialect:
    """SQLite's."""

    next_collection = "(SELECT last_collection + 1 FROM gallery)"

    def among(self, column: str) -> str:
        """A condition: the column is one of the keys that one parameter holds."""
        return f"{column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - a column of ours

    def keys(self, values: Iterable[str] | Iterable[int]) -> str:
        """That parameter."""
        return json.dumps([*values])

    def field(self, column: str, name: str) -> str:
        """An expression: a field of an object in a column of JSON text."""
        return f"json_extract({column}, '$.{name}')"
