"""Detection error trade-off of all comparisons of a set, with bands that draw people."""

from __future__ import annotations

import numpy as np

from mien.errors import InvalidArgument
from mien.metrics.bootstrap import Values, Weights, draw_people, fnmr_of_draws, interval_of, tail_weights
from mien.metrics.det import DetCurve
from mien.metrics.dyadic import Weigh, mated_weights
from mien.metrics.histogram import Histogram
from mien.metrics.pairs import PairScores
from mien.metrics.verification import allowed_errors

__all__ = ["det_bands"]

_DEEPEST = 1_000_000


def det_bands(
    pairs: PairScores,
    *,
    weigh: Weigh = "person",
    points: int = 96,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> DetCurve:
    """The trade-off with pointwise bands: at each false match rate the threshold is fitted anew to each draw of people.

    The rates are exact at every threshold that is listed. In the upper half of the tail the bands are the intervals
    of `mien.metrics.operating_point`. Beyond it, at the edges of the pairs' histogram, a draw's false match rate is
    taken to first order in its weights: of so many errors the rest cannot be seen.

    Args:
        pairs: Scores of all comparisons; with a histogram, where the curve is to go beyond the tail.
        weigh: Whether mated comparisons weigh one per person or one each.
        points: How many thresholds in the tail, even in the logarithm of the false match rate.
        replicates: How many draws of people.
        confidence: Of the bands, pointwise.
        seed: Of the draws.

    Returns:
        The curve with ``low`` and ``high``.

    Raises:
        InvalidArgument: No mated or non-mated scores, fewer than two people, or no point.
    """
    if points < 1:
        raise InvalidArgument(f"points: expected at least one, got {points}")
    weights = draw_people(pairs, replicates, seed)
    upper, upper_fmr = _in_tail(pairs, points)
    lower, lower_fmr = _in_body(pairs.histogram, float(upper[-1]), pairs.non_mated_total)
    thresholds, fmr = np.concatenate([upper, lower]), np.concatenate([upper_fmr, lower_fmr])
    refitted = np.empty((len(weights), len(fmr)))
    refitted[:, len(upper) :] = _refit_body(pairs.histogram, lower_fmr, weights)
    refitted[:, : len(upper)] = _refit_tail(pairs, upper_fmr, weights)
    share = mated_weights(pairs, weigh)
    running = np.concatenate([[0.0], np.cumsum(share) / share.sum()])
    fnmr = running[np.searchsorted(pairs.mated, thresholds, side="left")]
    drawn = fnmr_of_draws(pairs, refitted, weights, weigh)
    ends = np.array([interval_of(column, confidence) for column in drawn.T])
    return DetCurve(thresholds, fmr, np.minimum(fnmr, 1.0), ends[:, 0], ends[:, 1])


def _in_tail(pairs: PairScores, points: int) -> tuple[Values, Values]:
    """Thresholds and exact false match rates in that part of the tail in which every draw finds its threshold."""
    found = int(np.count_nonzero(np.isfinite(pairs.tail)))
    if not found:
        raise InvalidArgument("non-mated scores: expected some of faces that were found, all were missed")
    deepest = min(found, len(pairs.tail) if pairs.complete else len(pairs.tail) // 2)
    if pairs.histogram is not None:
        deepest = min(deepest, _DEEPEST)
    places = np.unique(np.geomspace(1, deepest, min(points, deepest)).round().astype(np.intp)) - 1
    thresholds = np.unique(pairs.tail[places])[::-1]
    errors = np.searchsorted(-pairs.tail, -thresholds, side="right")
    return thresholds.astype(np.float64), errors / pairs.non_mated_total


def _in_body(histogram: Histogram | None, below: float, total: int) -> tuple[Values, Values]:
    """Edges below a threshold, and the exact false match rates there."""
    if histogram is None:
        return np.empty(0), np.empty(0)
    # The first bin holds what lies below its edge, too; nothing is known there.
    edges = histogram.edges[1:-1][::-1]
    fmr = np.cumsum(histogram.counts[:0:-1]) / total
    kept = (edges < below) & (fmr < 1)
    return edges[kept], fmr[kept]


def _refit_tail(pairs: PairScores, targets: Values, weights: Weights) -> Values:
    """(r, k) conservative threshold of each draw for each target."""
    totals = pairs.non_mated_totals(weights)
    allowed = np.stack([allowed_errors(float(target), totals) for target in targets], axis=1)
    depth = min(len(pairs.tail), 2 * round(float(targets[-1]) * pairs.non_mated_total) + 100)
    next_above = np.nextafter(pairs.tail[:depth], pairs.tail.dtype.type(np.inf)).astype(np.float64)
    # What a draw allows beyond the depth: everything where the tail is all there is, else its last score at least.
    excess = np.append(next_above, -np.inf if depth == pairs.non_mated_total else next_above[-1])
    thresholds = np.empty(allowed.shape)
    for row, drawn in tail_weights(pairs, weights, np.arange(len(weights)), depth):
        errors = np.cumsum(drawn, dtype=np.int64)
        thresholds[row] = excess[np.searchsorted(errors, allowed[row], side="right")]
    return thresholds


def _refit_body(histogram: Histogram | None, targets: Values, weights: Weights) -> Values:
    """(r, k) threshold of each draw for each target, between the histogram's edges."""
    if histogram is None or not len(targets):
        return np.empty((len(weights), 0))
    edges = histogram.edges[:-1][::-1]
    above = np.cumsum(histogram.by_subject[:, ::-1], axis=1)
    # Sum of w_i w_j over pairs, to first order around w = 1.
    counts = (weights - 0.5) @ above.astype(np.float64)
    fmr = np.maximum.accumulate(counts, axis=1) / counts[:, -1:]
    return np.stack([np.interp(targets, row, edges) for row in fmr])
