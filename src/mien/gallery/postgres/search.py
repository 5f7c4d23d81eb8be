"""Search by the server: exact in float32 unless asked otherwise, and compared once more with the stored samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mien.gallery.filters import Filter, compiled
from mien.gallery.people import today
from mien.gallery.postgres.dialect import vector_text
from mien.gallery.postgres.hnsw import MOST, is_built, nearest
from mien.gallery.search import SLACK, Found, ranked, scored
from mien.gallery.sql import Connection
from mien.types import Array

if TYPE_CHECKING:
    from mien.gallery.postgres.connections import Connections
    from mien.gallery.postgres.database import PostgresTransaction

__all__ = ["PostgresView"]

MORE = 16
"""People fetched beyond the number asked for: enough to see that no other is within rounding of the last."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """A condition on people of a collection, and its values."""

    condition: str
    values: tuple[object, ...]
    collection_id: int


_ACTIVE = "fused.collection_id = ? AND (fused.expires IS NULL OR fused.expires >= ?)"


class PostgresView:
    """A collection as one transaction sees it; see `mien.gallery.search.View`."""

    def __init__(
        self, transaction: PostgresTransaction, counts: dict[tuple[int, int, str], int], shards: Sequence[Connections]
    ) -> None:
        self._transaction = transaction
        self._shards = shards
        self._counts = counts
        self._day = today().isoformat()
        self.revision = transaction.revision()

    @property
    def people(self) -> int:
        """How many people a search may find."""
        transaction = self._transaction
        key = (transaction.collection_id, self.revision, self._day)
        if key not in self._counts:
            count = self._count(self._scope(None, None))
            self._counts.clear()
            self._counts[key] = count
        return self._counts[key]

    def search(
        self,
        probes: Array,
        k: int,
        *,
        threshold: float = -1.0,
        without: str | None = None,
        where: Filter | None = None,
        approximate: bool = False,
    ) -> list[Found]:
        """The k people most like each probe; see `mien.gallery.search.View`."""
        barred = self._transaction.key_of(without) if without is not None else None
        scope = self._scope(barred, where)
        searched = self.people if barred is None and where is None else self._count(scope)
        if searched <= 0 or k <= 0:
            return [Found((), max(0, searched), 0, self.revision) for _ in probes]
        exact = np.asarray(probes, np.float32)
        with self._servers(fan_out=where is None) as servers:
            by_graph = approximate and k <= MOST and all(is_built(one, scope.collection_id) for one in servers)
            if by_graph:
                keys = [self._probable(probe, k, scope, servers) for probe in exact]
            else:
                keys = [self._near(probe, min(k, searched), threshold, scope, servers) for probe in exact]
        templates = self._transaction.fused_of({key for some in keys for key in some})
        best = [scored(probe, some, templates) for probe, some in zip(exact, keys, strict=True)]
        return ranked(self._transaction, best, k, threshold, searched, self.revision, exact=not by_graph)

    def _probable(self, probe: Array, k: int, scope: _Scope, servers: Sequence[Connection]) -> list[int]:
        """Keys of the people whom the servers' graphs name."""
        ask = partial(
            nearest,
            probe=probe,
            count=k + MORE,
            condition=scope.condition,
            values=scope.values,
            collection_id=scope.collection_id,
        )
        some = _at_once(ask, servers)
        return [key for found in some for key, _ in found]

    def _scope(self, barred: int | None, where: Filter | None) -> _Scope:
        condition, values = ("1 = 1", []) if where is None else compiled(where)
        everybody = (self._transaction.collection_id, self._day)
        among = "" if where is None else f" AND fused.person_id IN (SELECT person_id FROM person WHERE {condition})"  # noqa: S608
        condition = f"{_ACTIVE} AND fused.person_key <> ?{among}"
        return _Scope(condition, (*everybody, barred or 0, *values), self._transaction.collection_id)

    def _count(self, scope: _Scope) -> int:
        query = f"SELECT count(*) FROM fused WHERE {scope.condition}"  # noqa: S608 - names of columns, marks for values
        return int(self._transaction.connection.execute(query, scope.values).fetchone()[0])

    @contextmanager
    def _servers(self, *, fan_out: bool) -> Iterator[list[Connection]]:
        """Whom to ask: every shard at once, but the first server where a filter needs what it alone knows."""
        if not (fan_out and self._shards):
            yield [self._transaction.connection]
            return
        with ExitStack() as stack:
            begin = "BEGIN READ ONLY"
            yield [stack.enter_context(shard.transaction(begin)) for shard in self._shards]

    def _near(self, probe: Array, k: int, threshold: float, scope: _Scope, servers: Sequence[Connection]) -> list[int]:
        """Keys of the people who may be among the k best, by the servers' own scores."""
        count = k + MORE
        while True:
            found = _at_once(partial(_nearest, probe=probe, count=count, scope=scope), servers)
            rows = sorted((row for some in found for row in some), key=lambda row: -row[1])
            floor = threshold if len(rows) < k else max(threshold, rows[k - 1][1])
            # A server that has more is asked for more, where its last one is not far enough below.
            if all(len(some) < count or some[-1][1] < floor - 2 * SLACK for some in found):
                return [key for key, score in rows if score >= floor - 2 * SLACK]
            count *= 4


def _at_once(
    ask: Callable[[Connection], list[tuple[int, float]]], servers: Sequence[Connection]
) -> list[list[tuple[int, float]]]:
    if len(servers) == 1:
        return [ask(servers[0])]
    with ThreadPoolExecutor(len(servers), thread_name_prefix="mien-shard") as pool:
        return list(pool.map(ask, servers))


def _nearest(server: Connection, probe: Array, count: int, scope: _Scope) -> list[tuple[int, float]]:
    vector = vector_text(probe)
    rows = server.execute(
        f"""SELECT person_key, -(template <#> ?::vector) FROM fused WHERE {scope.condition}
            ORDER BY template <#> ?::vector, person_key LIMIT ?""",  # noqa: S608 - names of columns, marks for values
        (vector, *scope.values, vector, count),
    )
    return [(int(key), float(score)) for key, score in rows]
