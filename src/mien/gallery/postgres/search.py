"""Search by the server: exact in float32, and compared once more with the stored samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mien.gallery.people import today
from mien.gallery.postgres.dialect import vector_text
from mien.gallery.search import SLACK, Found, ranked, scored
from mien.types import Array

if TYPE_CHECKING:
    from mien.gallery.postgres.database import PostgresTransaction

__all__ = ["PostgresView"]

MORE = 16
"""People fetched beyond the number asked for: enough to see that no other is within rounding of the last."""

_ACTIVE = "collection_id = ? AND fused IS NOT NULL AND (expires IS NULL OR expires >= ?)"


class PostgresView:
    """A collection as one transaction sees it; see `mien.gallery.search.View`."""

    def __init__(self, transaction: PostgresTransaction, counts: dict[tuple[int, int, str], int]) -> None:
        self._transaction = transaction
        self._counts = counts
        self._day = today().isoformat()
        self.revision = transaction.revision()

    @property
    def people(self) -> int:
        """How many people a search may find."""
        transaction = self._transaction
        key = (transaction.collection_id, self.revision, self._day)
        if key not in self._counts:
            query = f"SELECT count(*) FROM person WHERE {_ACTIVE}"  # noqa: S608 - a constant of ours
            row = transaction.connection.execute(query, (transaction.collection_id, self._day)).fetchone()
            self._counts.clear()
            self._counts[key] = int(row[0])
        return self._counts[key]

    def search(self, probes: Array, k: int, *, threshold: float = -1.0, without: str | None = None) -> list[Found]:
        """The k people most like each probe; see `mien.gallery.search.View`."""
        barred = self._transaction.key_of(without) if without is not None else None
        searched = self.people - (barred is not None)
        if searched <= 0 or k <= 0:
            return [Found((), max(0, searched), 0, self.revision) for _ in probes]
        exact = np.asarray(probes, np.float32)
        keys = [self._near(probe, min(k, searched), threshold, barred) for probe in exact]
        templates = self._transaction.fused_of({key for some in keys for key in some})
        best = [scored(probe, some, templates) for probe, some in zip(exact, keys, strict=True)]
        return ranked(self._transaction, best, k, threshold, searched, self.revision)

    def _near(self, probe: Array, k: int, threshold: float, barred: int | None) -> list[int]:
        """Keys of the people who may be among the k best, by the server's own scores."""
        rows, count = [], k + MORE
        while True:
            rows = self._nearest(probe, count, barred)
            floor = threshold if len(rows) < k else max(threshold, rows[k - 1][1])
            if len(rows) < count or rows[-1][1] < floor - 2 * SLACK:
                return [key for key, score in rows if score >= floor - 2 * SLACK]
            count *= 4

    def _nearest(self, probe: Array, count: int, barred: int | None) -> list[tuple[int, float]]:
        vector = vector_text(probe)
        rows = self._transaction.connection.execute(
            f"""SELECT person_key, -(fused <#> ?::vector) FROM person WHERE {_ACTIVE} AND person_key <> ?
                ORDER BY fused <#> ?::vector, person_key LIMIT ?""",  # noqa: S608 - a constant of ours
            (vector, self._transaction.collection_id, self._day, barred or 0, vector, count),
        )
        return [(int(key), float(score)) for key, score in rows]
