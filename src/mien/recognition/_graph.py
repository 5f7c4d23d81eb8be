"""Pairs of vectors whose dot product reaches a threshold, each vector's best ones, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.types import Array

__all__ = ["Pairs", "pairs_above"]

_ROWS, _COLUMNS = 512, 8192
# So many pairs are held after thinning out; up to three times as many, of 12 bytes each, before.
_HELD = 4_000_000
_FEWEST = 16


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of rows.

    Attributes:
        first: (m,) int32 rows.
        second: (m,) int32 rows, each greater than its ``first``.
        scores: (m,) float32 dot products.
        complete: Whether every pair that reaches the threshold is there.
    """

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    scores: Array
    complete: bool


def pairs_above(vectors: Array, threshold: float, on_rows: Callable[[int], None] | None = None) -> Pairs:
    """Pairs of rows whose dot product reaches a threshold: all of them, or the best of each row where they are many.

    Exact: every pair is compared, in tiles, which takes O(n^2 d) time. A pair is kept if it is among the best k of
    either of its rows; k is such that memory stays bounded, 40 for 100,000 rows, and 16 at least.

    Args:
        vectors: (n, d) float32.
        threshold: Lowest dot product of a pair.
        on_rows: Told how many rows are done.
    """
    n = len(vectors)
    keep = _Best(n, max(_HELD // max(n, 1), _FEWEST), threshold)
    for top in range(0, n, _ROWS):
        rows = vectors[top : top + _ROWS]
        for left in range(top, n, _COLUMNS):
            scores = rows @ vectors[left : left + _COLUMNS].T
            hits = np.flatnonzero(scores >= threshold)
            first, second = hits // scores.shape[1] + top, hits % scores.shape[1] + left
            later = second > first
            keep.add(first[later], second[later], scores.ravel()[hits[later]])
        if on_rows is not None:
            on_rows(min(top + _ROWS, n))
    return keep.pairs()


class _Best:
    """Collects pairs and forgets those that are among the best k of neither row."""

    def __init__(self, n: int, k: int, threshold: float) -> None:
        self._k = k
        self._limit = 2 * n * k
        self._held: list[tuple[NDArray[np.int32], NDArray[np.int32], Array]] = []
        self._count = 0
        self._complete = True
        # No row takes a pair below its k-th best so far.
        self._floor = np.full(n, threshold, np.float32)

    def add(self, first: NDArray[np.int64], second: NDArray[np.int64], scores: Array) -> None:
        if not self._complete:
            wanted = (scores >= self._floor[first]) | (scores >= self._floor[second])
            first, second, scores = first[wanted], second[wanted], scores[wanted]
        if len(scores):
            self._held.append((first.astype(np.int32), second.astype(np.int32), scores))
            self._count += len(scores)
        if self._count > self._limit:
            self._thin()

    def pairs(self) -> Pairs:
        if not self._held:
            none = np.empty(0, np.int32)
            return Pairs(none, none, np.empty(0, np.float32), self._complete)
        if not self._complete:
            self._thin()
        return Pairs(*self._joined(), self._complete)

    def _joined(self) -> tuple[NDArray[np.int32], NDArray[np.int32], Array]:
        first, second, scores = (np.concatenate(column) for column in zip(*self._held, strict=True))
        return first, second, scores

    def _thin(self) -> None:
        first, second, scores = self._joined()
        kept = self._among_best(np.concatenate([first, second]), np.concatenate([scores, scores]))
        kept = kept[: len(first)] | kept[len(first) :]
        self._complete &= bool(kept.all())
        self._held = [(first[kept], second[kept], scores[kept])]
        self._count = int(kept.sum())

    def _among_best(self, row: NDArray[np.int32], scores: Array) -> NDArray[np.bool_]:
        order = np.lexsort((-scores, row))
        ends = np.cumsum(np.bincount(row, minlength=len(self._floor)))
        starts = np.concatenate([[0], ends[:-1]])
        kept = np.zeros(len(row), bool)
        kept[order] = np.arange(len(row)) - starts[row[order]] < self._k
        full = np.flatnonzero(ends - starts >= self._k)
        self._floor[full] = np.maximum(self._floor[full], scores[order[starts[full] + self._k - 1]])
        return kept
