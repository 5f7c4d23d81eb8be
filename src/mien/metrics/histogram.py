"""Where all scores lie and whose they are, in a few counts: for curves beyond the tail that is kept score by score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Binned", "Histogram", "histogram_of"]

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How the non-mated scores lie below the tail, and whose they are.

    Attributes:
        edges: (bins + 1,) ascending; the first bin also holds all scores below it, the last all above.
        by_subject: (subjects, bins) comparisons in which each subject takes part; each stands with both its subjects.
        mean: Of the non-mated scores of faces that were found.
        variance: Of the same.
    """

    edges: NDArray[np.float64]
    by_subject: NDArray[np.int64]
    mean: float
    variance: float

    @property
    def counts(self) -> NDArray[np.int64]:
        """(bins,) non-mated comparisons in each bin."""
        return np.asarray(self.by_subject.sum(axis=0) // 2)


class Binned:
    """Counts of non-mated scores by bin and subject, a block at a time."""

    def __init__(self, edges: NDArray[np.float64], subjects: int) -> None:
        self._edges = edges
        self._counts = np.zeros((subjects, len(edges)), np.int64)
        self._found = 0
        self._sums = np.zeros(2)

    def add(
        self, scores: NDArray[np.floating[Any]], counted: NDArray[np.bool_], rows: Indices, columns: Indices
    ) -> None:
        """Count a (r, c) block of scores; ``rows`` (r,) and ``columns`` (c,) are the subjects of its sides."""
        bins = len(self._edges) - 1
        scale = bins / (self._edges[-1] - self._edges[0])
        # In float64 a float32 cosine and edges that are powers of two apart give the bin exactly.
        offsets = np.maximum(scores.astype(np.float64), self._edges[0]) - self._edges[0]
        place = (offsets * scale).astype(np.int64)
        np.minimum(place, bins - 1, out=place)
        # What does not count goes to a bin of its own, which is thrown away.
        place[~counted] = bins
        width = bins + 1
        for side in (rows[:, None], columns[None]):
            counts = np.bincount((place + side * width).ravel(), minlength=self._counts.size)
            self._counts += counts.reshape(self._counts.shape)
        found = np.where(counted & np.isfinite(scores), scores, 0).astype(np.float64)
        self._found += int(np.count_nonzero(counted & np.isfinite(scores)))
        self._sums += found.sum(), (found * found).sum()

    def histogram(self) -> Histogram:
        """What has been counted so far."""
        mean, square = self._sums / max(1, self._found)
        return Histogram(self._edges, self._counts[:, :-1].copy(), float(mean), max(0.0, float(square - mean * mean)))


def histogram_of(
    matrix: NDArray[np.floating[Any]],
    counted: NDArray[np.bool_],
    rows: Indices,
    columns: Indices,
    bins: int,
    subjects: int,
) -> Histogram:
    """Histogram over the range of the finite scores among those that are counted; arguments as in `Binned.add`."""
    finite = matrix[counted & np.isfinite(matrix)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    spread = Binned(np.linspace(low, high if high > low else low + 1.0, bins + 1), subjects)
    spread.add(matrix, counted, rows, columns)
    return spread.histogram()
