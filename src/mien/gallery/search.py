"""Search of a collection: exact cosine similarity with everybody, one row a person."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.gallery.people import Person, today
from mien.gallery.store import Transaction
from mien.types import Array, Candidate

__all__ = ["ExactIndex", "SearchIndex", "View"]

CHUNK = 1 << 24
"""Scores computed at once: 64 MiB, whatever the number of probes."""

SLACK = 1e-5
"""Far more than the rounding of a float32 matrix product, whose last bits depend on the shape of the batch."""


class View(Protocol):
    """A collection as it was at one revision; may be searched by any number of threads."""

    @property
    def people(self) -> int:
        """How many people a search may find: those whose consent has not expired."""

    def search(self, probes: Array, k: int, *, without: str | None = None) -> list[list[Candidate]]:
        """The k people most like each probe.

        Args:
            probes: (n, d) float32 of unit length.
            k: How many; fewer come back where the collection holds fewer.
            without: A person to leave out.

        Returns:
            A list a probe, best first, equal scores by person_id. A score is the cosine similarity with the person's
            fused template, the same to the last bit whatever else is in the batch.
        """


class SearchIndex(Protocol):
    """Derived from a store, never the truth: it can be thrown away."""

    def refresh(self, transaction: Transaction) -> View:
        """The collection as the transaction sees it, or newer."""


@dataclass(frozen=True, slots=True, eq=False)
class ExactView:
    """Everybody's fused templates in memory; see `View`.

    Attributes:
        revision: Revision of the collection that is shown.
        rows: People, in the order of the templates.
        templates: (N, d) float32 of unit length.
        expires: (N,) int64, last day of each consent as a proleptic ordinal.
    """

    revision: int
    rows: tuple[Person, ...]
    templates: Array
    expires: NDArray[np.int64]

    @property
    def people(self) -> int:
        """How many people a search may find."""
        return int(np.count_nonzero(self._active()))

    def _active(self) -> NDArray[np.bool_]:
        return np.asarray(self.expires >= today().toordinal())

    def search(self, probes: Array, k: int, *, without: str | None = None) -> list[list[Candidate]]:
        """The k people most like each probe; see `View`."""
        hidden = ~self._active()
        if without is not None:
            hidden |= np.fromiter((person.person_id == without for person in self.rows), bool, len(self.rows))
        k = min(k, len(self.rows) - int(np.count_nonzero(hidden)))
        if k <= 0:
            return [[] for _ in probes]
        found: list[list[Candidate]] = []
        step = max(1, CHUNK // len(self.rows))
        for start in range(0, len(probes), step):
            chunk = probes[start : start + step]
            scores = chunk @ self.templates.T
            scores[:, hidden] = -np.inf
            found += [self._best(probe, row, k) for probe, row in zip(chunk, scores, strict=True)]
        return found

    def _best(self, probe: Array, scores: Array, k: int) -> list[Candidate]:
        kth = np.partition(scores, len(scores) - k)[len(scores) - k]
        near = np.flatnonzero(scores >= kth - SLACK)
        exact = (self.templates[near].astype(np.float64) * probe).sum(1).astype(np.float32)
        pairs = ((self.rows[i], float(score)) for i, score in zip(near, exact, strict=True))
        best = sorted(pairs, key=lambda pair: (-pair[1], pair[0].person_id))[:k]
        return [Candidate(person.person_id, person.label, score, person.samples) for person, score in best]


class ExactIndex:
    """Keeps an `ExactView` up to date: each refresh reads one row, and after a change the people it touched.

    Args:
        fuse: Makes a person's (d,) template of their (n, d) samples.
    """

    def __init__(self, fuse: Callable[[Array], Array]) -> None:
        self._fuse = fuse
        self._lock = threading.Lock()
        self._view = ExactView(0, (), np.empty((0, 0), np.float32), np.empty(0, np.int64))

    def refresh(self, transaction: Transaction) -> ExactView:
        """The collection as the transaction sees it, or newer; every thread's and process's commits are in it."""
        revision = transaction.revision()
        if self._view.revision >= revision:
            return self._view
        with self._lock:
            if self._view.revision < revision:
                self._view = self._updated(transaction, revision)
            return self._view

    def _updated(self, transaction: Transaction, revision: int) -> ExactView:
        changed = {person.person_id: (person, self._fuse(t)) for person, t in transaction.changed(self._view.revision)}
        present = transaction.person_ids()
        kept = [
            index
            for index, person in enumerate(self._view.rows)
            if person.person_id in present and person.person_id not in changed
        ]
        rows = tuple(self._view.rows[index] for index in kept) + tuple(person for person, _ in changed.values())
        parts = [self._view.templates[kept]] if kept else []
        parts += [template[None] for _, template in changed.values()]
        last = np.iinfo(np.int64).max
        return ExactView(
            revision=revision,
            rows=rows,
            templates=np.concatenate(parts) if parts else np.empty((0, 0), np.float32),
            expires=np.array([p.expires.toordinal() if p.expires else last for p in rows], np.int64),
        )
