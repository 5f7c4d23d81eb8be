"""Search of a collection: exact cosine similarity with everybody, one row a person.

Most people are in a table of codes (`mien.gallery.scan`), which proves whom a search need not look at; the rest is
compared with the templates that the database holds. Whoever came or changed since the table was written is kept beside
it, in memory, until they are so many that the table is brought up to date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.gallery.people import today
from mien.gallery.scan import EPSILON, LOOSE, Kernel, Query, best_kernel, decode, usual_distance
from mien.types import Array, Candidate

if TYPE_CHECKING:
    from mien.gallery.filters import Filter
    from mien.gallery.index import Index, State
    from mien.gallery.store import Transaction

__all__ = ["SLACK", "Found", "ScanView", "View", "ranked", "scored"]

BATCH = 64
"""Probes searched at once: whatever their number, so much memory is taken."""

SLACK = 1e-5
"""Far more than the rounding of a float32 matrix product, whose last bits depend on the shape of the batch."""

PART = 2048
"""People whose templates are read at once."""

FEW = 2048
"""Where a filter leaves so few, or less than a twentieth of everybody, they are compared without the table."""

TRIES = 3
"""Searches that a changing table may overtake; then it is locked for one."""

FIRST = 512
"""Rows looked at first, which mostly prove enough; four times as many each time that they do not."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        candidates: People, best first, equal scores by person_id. A score is the cosine similarity with the person's
            fused template, the same to the last bit whatever else is in the batch.
        searched: How many people were compared: those whose consent has not expired.
        compared: Of how many the stored template had to be read; for the others the codes were proof enough.
        revision: Of the collection that was searched.
        exact: Whether nobody else can be among the best; False where a graph was asked, which may miss people.
    """

    candidates: tuple[Candidate, ...]
    searched: int
    compared: int
    revision: int
    exact: bool = True


class View(Protocol):
    """A collection as one transaction sees it; to be used within that transaction."""

    @property
    def people(self) -> int:
        """How many people a search may find: those whose consent has not expired."""

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
        """The k people most like each probe, of those who reach the threshold.

        Args:
            probes: (n, d) float32 of unit length.
            k: How many; fewer come back where there are fewer.
            threshold: Lowest score; the higher it is, the less has to be compared.
            without: A person to leave out.
            where: Whom to search; None for everybody.
            approximate: People may be missed, where that is faster.

        Returns:
            One `Found` a probe: exactly what a comparison with everybody would find, but for `Found.exact`.
        """


@dataclass(slots=True, eq=False)
class _Near:
    """Rows that may be among the best of one probe: within ``slack`` of their scores."""

    keys: NDArray[np.int64]
    scores: NDArray[np.float64]
    slack: NDArray[np.float64]

    def joined(self, other: _Near) -> _Near:
        return _Near(
            np.concatenate([self.keys, other.keys]),
            np.concatenate([self.scores, other.scores]),
            np.concatenate([self.slack, other.slack]),
        )

    def floor(self, k: int, threshold: float) -> float:
        """The lowest exact score that can be among the k best and reach the threshold."""
        if len(self.keys) < k:
            return threshold
        lowest = self.scores - self.slack
        return max(threshold, float(np.partition(lowest, len(lowest) - k)[len(lowest) - k]))

    def above(self, floor: float) -> NDArray[np.int64]:
        """Keys of the rows whose exact score may reach a floor."""
        return self.keys[self.scores + self.slack >= floor]


@dataclass(frozen=True, slots=True, eq=False)
class _Scope:
    """Whom a search may find.

    Attributes:
        day: As a proleptic ordinal.
        barred: Number of a person to leave out.
        allowed: (m,) int64, ascending: nobody else; None for everybody.
    """

    day: int
    barred: int | None
    allowed: NDArray[np.int64] | None

    @property
    def is_everybody(self) -> bool:
        """Whether only expired consents are left out."""
        return self.barred is None and self.allowed is None

    def admits(self, keys: NDArray[np.int64], expires: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of some people."""
        seen = (keys > 0) & (expires >= self.day)
        if self.barred is not None:
            seen &= keys != self.barred
        if self.allowed is not None and not len(self.allowed):
            seen &= False
        elif self.allowed is not None:
            places = np.minimum(np.searchsorted(self.allowed, keys), len(self.allowed) - 1)
            seen &= self.allowed[places] == keys
        return np.asarray(seen)


class ScanView:
    """A collection as a transaction sees it, over a state of the index; see `View`."""

    def __init__(self, state: State, transaction: Transaction, index: Index, kernel: Kernel | None = None) -> None:
        self._state = state
        self._transaction = transaction
        self._index = index
        self._kernel = kernel
        self._day = today().toordinal()
        self.revision = state.revision

    @property
    def people(self) -> int:
        """How many people a search may find."""
        return self._state.people(self._day)

    def search(
        self,
        probes: Array,
        k: int,
        *,
        threshold: float = -1.0,
        without: str | None = None,
        where: Filter | None = None,
        approximate: bool = False,  # noqa: ARG002 - exact searches are fast here
    ) -> list[Found]:
        """The k people most like each probe; see `View`."""
        barred = self._transaction.key_of(without) if without is not None else None
        allowed = None if where is None else self._transaction.matching(where)
        scope = _Scope(self._day, barred, allowed)
        if allowed is not None and len(allowed) <= max(FEW, self.people // 20):
            return self._among(probes, k, threshold, scope, allowed)
        found: list[Found] = []
        for first in range(0, len(probes), BATCH):
            found += self._settled(np.asarray(probes[first : first + BATCH], np.float32), k, threshold, scope)
        return found

    def _settled(self, probes: Array, k: int, threshold: float, scope: _Scope) -> list[Found]:
        """A search in a table that nobody changed meanwhile: readers hold no lock."""
        for _ in range(TRIES):
            found = self._search(probes, k, threshold, scope)
            if self._state.table is None or self._state.table.current():
                return found
            self._state = self._index.fitting(self._transaction)
        with self._index.unchanging(self._transaction) as self._state:
            return self._search(probes, k, threshold, scope)

    def _among(self, probes: Array, k: int, threshold: float, scope: _Scope, keys: NDArray[np.int64]) -> list[Found]:
        """A search among few people: all of them are compared."""
        from mien.recognition import fuse_people

        templates: dict[int, Array] = {}
        for first in range(0, len(keys), PART):
            samples = self._transaction.samples_of(keys[first : first + PART].tolist())
            seen = (samples.counts > 0) & scope.admits(samples.keys, samples.expires)
            has = samples.counts > 0
            fused = fuse_people(samples.templates, samples.counts[has]) if has.any() else samples.templates
            of = dict(zip(samples.keys[has].tolist(), fused, strict=True))
            templates |= {key: of[key] for key in samples.keys[seen].tolist()}
        best = [scored(probe, [*templates], templates) for probe in np.asarray(probes, np.float32)]
        return ranked(self._transaction, best, k, threshold, len(templates), self.revision)

    def _search(self, probes: Array, k: int, threshold: float, scope: _Scope) -> list[Found]:
        searched = self._state.people(self._day) if scope.is_everybody else self._state.count(scope.admits)
        if searched <= 0 or k <= 0:
            return [Found((), max(0, searched), 0, self.revision) for _ in probes]
        near = self._tail(probes, scope)
        if self._state.table is not None:
            near = _Scan(self._state, probes, scope, self._kernel).near(near, k, threshold)
        keys = [rows.above(rows.floor(k, threshold)) for rows in near]
        templates = self._templates(np.unique(np.concatenate(keys)))
        best = [scored(probe, some.tolist(), templates) for probe, some in zip(probes, keys, strict=True)]
        return ranked(self._transaction, best, k, threshold, searched, self.revision)

    def _tail(self, probes: Array, scope: _Scope) -> list[_Near]:
        """Everybody who is not in the table."""
        tail = self._state.tail
        seen = scope.admits(tail.keys, tail.expires)
        keys = tail.keys[seen]
        scores = (probes @ tail.templates[seen].T).astype(np.float64) if len(keys) else np.empty((len(probes), 0))
        return [_Near(keys, row, np.full(len(keys), SLACK)) for row in scores]

    def _templates(self, keys: NDArray[np.int64]) -> dict[int, Array]:
        from mien.recognition import fuse_people

        tail = self._state.tail
        at = {int(key): row for row, key in enumerate(tail.keys)}
        templates = {int(key): tail.templates[at[int(key)]] for key in keys if int(key) in at}
        rest = [int(key) for key in keys if int(key) not in at]
        if rest:
            samples = self._transaction.samples_of(rest)
            has = samples.counts > 0
            fused = fuse_people(samples.templates, samples.counts[has]) if has.any() else samples.templates
            templates |= dict(zip(samples.keys[has].tolist(), fused, strict=True))
        return templates


class _Scan:
    """One pass over the table for some probes."""

    def __init__(self, state: State, probes: Array, scope: _Scope, kernel: Kernel | None) -> None:
        assert state.table is not None
        self._state, self._table, self._scope = state, state.table, scope
        self._kernel = kernel or best_kernel(probes.shape[1])
        self._query = Query.of(probes)
        self._loose = LOOSE * usual_distance(probes.shape[1])

    def near(self, others: Sequence[_Near], k: int, threshold: float) -> list[_Near]:
        """For each probe the rows that may be among its best, those of ``others`` included."""
        total = len(self._table.codes)
        found = list(others)
        pending, rows = list(range(len(others))), max(FIRST, 4 * k)
        always = self._state.loose
        while pending:
            hits = self._kernel.best(self._table.codes, self._query.codes[pending], rows)
            unproven = []
            for probe, hit in zip(pending, hits, strict=True):
                joined = others[probe].joined(self._rows(probe, np.union1d(hit.rows, always)))
                found[probe] = joined
                rest = self._query.ceiling(probe, hit.rest, self._table.scale, self._loose)
                if rows < total and rest >= joined.floor(k, threshold):
                    unproven.append(probe)
            pending, rows = unproven, 4 * rows
        return found

    def _rows(self, probe: int, rows: NDArray[np.int64]) -> _Near:
        """Scores of rows by both codes and the probe as it is, which leave next to nothing open."""
        keys = self._table.keys[rows]
        seen = self._scope.admits(keys, self._table.expires[rows])
        if len(self._state.dead):
            seen &= ~np.isin(keys, self._state.dead)
        rows, keys = rows[seen], keys[seen]
        values = decode(self._table.codes[rows], self._table.fine[rows], self._table.scale)
        probe_exact = self._query.probes[probe].astype(np.float64)
        slack = self._table.rests[rows] * np.linalg.norm(probe_exact) + EPSILON
        return _Near(keys, values @ probe_exact, slack)


def scored(probe: Array, keys: Sequence[int], templates: dict[int, Array]) -> list[tuple[int, float]]:
    """Exact scores of people, by number: those that have a template."""
    known = [key for key in keys if key in templates]
    if not known:
        return []
    # Sums of products in double precision, one row at a time, do not depend on what else is compared.
    exact = (np.stack([templates[key] for key in known]).astype(np.float64) * probe).sum(1).astype(np.float32)
    return list(zip(known, exact.tolist(), strict=True))


def ranked(
    transaction: Transaction,
    scores: Sequence[Sequence[tuple[int, float]]],
    k: int,
    threshold: float,
    searched: int,
    revision: int,
    *,
    exact: bool = True,
) -> list[Found]:
    """What was found, from the exact scores of everybody who may be among the k best of each probe."""
    best = [_best(some, k, threshold) for some in scores]
    people = transaction.by_keys({key for entry in best for key, _ in entry})
    return [
        Found(
            candidates=tuple(
                Candidate(people[key].person_id, people[key].label, score, people[key].samples)
                for key, score in sorted(entry, key=lambda pair: (-pair[1], people[pair[0]].person_id))[:k]
            ),
            searched=searched,
            compared=len(some),
            revision=revision,
            exact=exact,
        )
        for entry, some in zip(best, scores, strict=True)
    ]


def _best(scores: Sequence[tuple[int, float]], k: int, threshold: float) -> list[tuple[int, float]]:
    """The k best and whoever equals the last of them."""
    reaching = sorted((pair for pair in scores if pair[1] >= threshold), key=lambda pair: -pair[1])
    return reaching if len(reaching) <= k else [pair for pair in reaching if pair[1] >= reaching[k - 1][1]]
