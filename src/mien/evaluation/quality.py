"""Whether the quality score knows which comparisons will fail: error versus discard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien import metrics
from mien.evaluation.samples import Samples
from mien.evaluation.worst import mated_rows

__all__ = ["Discard", "discard_by_quality"]

_SHARES = np.linspace(0, 0.95, 96)


@dataclass(frozen=True, slots=True, eq=False)
class Discard:
    """The error-versus-discard characteristic of the samples' quality; a comparison is as good as its worse sample.

    Attributes:
        fmr: False match rate at which the threshold is fixed, on all comparisons.
        discarded: (n,) share of the mated comparisons left out, those of lowest quality first.
        fnmr: (n,) false non-match rate of the others.
        area: Partial area up to 0.3, less that of a measure that leaves out nothing but errors; lower is better.
    """

    fmr: float
    discarded: NDArray[np.float64]
    fnmr: NDArray[np.float64]
    area: float


def discard_by_quality(samples: Samples, point: metrics.OperatingPoint, weigh: metrics.Weigh) -> Discard:
    """The characteristic at an operating point.

    Args:
        samples: Captures of known people.
        point: Whose threshold.
        weigh: Whether mated comparisons weigh one per person or one each.
    """
    people = samples.people
    rows = mated_rows(people)
    scores = np.einsum("nd,nd->n", samples.templates[rows[:, 0]], samples.templates[rows[:, 1]])
    scores[samples.failed[rows[:, 0]] | samples.failed[rows[:, 1]]] = -np.inf
    quality = metrics.pair_quality(samples.quality[rows[:, 0]], samples.quality[rows[:, 1]])
    _, codes, counts = np.unique(people[rows[:, 0]], return_inverse=True, return_counts=True)
    weights = 1.0 / counts[codes] if weigh == "person" else np.ones(len(rows))
    curve = metrics.discard_curve(scores, quality, point.threshold, weights=weights)
    return Discard(point.target, _SHARES, curve.at(_SHARES), curve.area(less_ideal=True))
