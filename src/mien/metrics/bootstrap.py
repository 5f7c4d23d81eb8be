"""Intervals when people recur: a bootstrap that draws people, not comparisons.

A replicate draws as many people as there are, with replacement. A non-mated comparison weighs the product of its two
people's draws; two draws of one person are no non-mated pair. A mated comparison weighs its person's draws.

Products count the noise of single pairs more than once: the interval of a false match rate alone is wider than it
need be, and `mien.metrics.dyadic` is the one to state. What the bootstrap is for is everything that has no formula: a
threshold, a false non-match rate at a threshold fitted to the same people, and the difference of two systems.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InvalidArgument
from mien.metrics.dyadic import Weigh, estimate_fmr, mated_weights
from mien.metrics.intervals import Rate, is_supported, quantile_of, rule_of_three
from mien.metrics.pairs import PairScores
from mien.metrics.verification import allowed_errors, as_thresholds, supported_depth, threshold_at_fmr

__all__ = [
    "Difference",
    "OperatingPoint",
    "Values",
    "Weights",
    "bootstrap_difference",
    "bootstrap_fmr",
    "bootstrap_fnmr_at_fmr",
    "draw_people",
    "fnmr_of_draws",
    "interval_of",
    "operating_point",
    "tail_weights",
]

Weights = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """Second system minus first, over the same pairs and the same draws of people.

    Attributes:
        value: The difference on the data as they are.
        low: Lower end of its interval.
        high: Upper end; below zero where the second system is better beyond chance.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold for a target false match rate, and what it costs.

    Attributes:
        target: False match rate asked for.
        threshold: Lowest score that is a match.
        threshold_interval: Where the threshold would fall on other people, (low, high).
        fmr: False match rate at this threshold.
        fnmr: False non-match rate, its interval with the threshold fitted anew to each draw of people.
    """

    target: float
    threshold: float
    threshold_interval: tuple[float, float]
    fmr: Rate
    fnmr: Rate


def operating_point(
    pairs: PairScores,
    target: float,
    *,
    weigh: Weigh = "person",
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> OperatingPoint:
    """The threshold for a false match rate, and both error rates there, with subject-level intervals.

    Args:
        pairs: Scores to fit to.
        target: False match rate in [0, 1).
        weigh: Whether mated comparisons weigh one per person or one each, as in `mien.metrics.estimate_fnmr`.
        replicates: How many draws of people.
        confidence: Of the intervals, two-sided.
        seed: Of the draws; the same seed gives the same intervals.

    Returns:
        The operating point. ``fmr.supported`` says whether 30 false matches from 30 people stand behind it.

    Raises:
        InvalidArgument: No mated or non-mated scores, fewer than two people, or the pairs' tail is too short.
    """
    threshold = threshold_at_fmr(pairs.tail, target, total=pairs.non_mated_total)
    weights = draw_people(pairs, replicates, seed)
    thresholds = _refitted(pairs, target, weights)
    return OperatingPoint(
        target,
        threshold,
        interval_of(thresholds, confidence),
        estimate_fmr(pairs, threshold, confidence=confidence),
        _fnmr_rate(pairs, threshold, weigh, fnmr_of_draws(pairs, thresholds, weights, weigh), confidence),
    )


def bootstrap_fmr(
    pairs: PairScores, threshold: float, *, replicates: int = 1000, confidence: float = 0.95, seed: int = 0
) -> Rate:
    """False match rate at a fixed threshold with its subject-level interval; arguments as in `operating_point`.

    Raises:
        InvalidArgument: As `operating_point`; or the threshold lies below the tail that was kept.
    """
    return _fmr(pairs, threshold, draw_people(pairs, replicates, seed), confidence)


def bootstrap_fnmr_at_fmr(
    pairs: PairScores,
    target: float,
    *,
    weigh: Weigh = "person",
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Rate:
    """False non-match rate at a false match rate, the threshold fitted anew to each draw of people.

    Arguments and errors as in `operating_point`.
    """
    point = operating_point(pairs, target, weigh=weigh, replicates=replicates, confidence=confidence, seed=seed)
    return point.fnmr


def bootstrap_difference(
    first: PairScores,
    second: PairScores,
    target: float,
    *,
    carried: bool = False,
    weigh: Weigh = "person",
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Difference:
    """How much higher the second system's false non-match rate is at the same false match rate, paired.

    Args:
        first: Scores of one system.
        second: Scores of another over the same samples.
        target: False match rate in [0, 1), each system at its own threshold.
        carried: Whether the second is judged at the first's threshold instead, as where what goes into a system
            changes and its threshold stays; its false match rate may be another then.
        weigh: As in `operating_point`.
        replicates: How many draws of people; both systems see the same ones.
        confidence: Of the interval, two-sided.
        seed: Of the draws.

    Raises:
        InvalidArgument: The systems were not given the same people and samples; or as `operating_point`.
    """
    if not (np.array_equal(first.probes, second.probes) and np.array_equal(first.references, second.references)):
        raise InvalidArgument("the two systems must score the same samples of the same people: got different counts")
    weights = draw_people(first, replicates, seed)
    rates, values = [], []
    for pairs, fitted in ((first, first), (second, first if carried else second)):
        rates.append(fnmr_of_draws(pairs, _refitted(fitted, target, weights), weights, weigh))
        threshold = threshold_at_fmr(fitted.tail, target, total=fitted.non_mated_total)
        values.append(_weighted_fnmr(pairs, threshold, weigh))
    return Difference(float(values[1] - values[0]), *interval_of(rates[1] - rates[0], confidence))


def draw_people(pairs: PairScores, replicates: int, seed: int) -> Weights:
    """(r, subjects) how often each replicate drew each person; draws without a comparison are left out."""
    if replicates < 1:
        raise InvalidArgument(f"replicates: expected at least one, got {replicates}")
    if not len(pairs.mated) or not pairs.non_mated_total:
        raise InvalidArgument("expected mated and non-mated scores: two people at least, one of them with two samples")
    people = pairs.subjects
    weights = np.random.default_rng(seed).multinomial(people, np.full(people, 1 / people), replicates)
    usable = (pairs.non_mated_totals(weights) > 0) & (pairs.mated_totals(weights) > 0)
    if not usable.any():
        raise InvalidArgument(f"too few people ({people}) to draw from")
    return np.asarray(weights[usable])


def _refitted(pairs: PairScores, target: float, weights: Weights) -> Values:
    """(r,) conservative threshold of each replicate."""
    totals = pairs.non_mated_totals(weights)
    allowed = allowed_errors(target, totals)
    thresholds = np.full(len(weights), -np.inf)
    open_rows = np.flatnonzero(allowed < totals)
    depth = int(2 * target * pairs.non_mated_total) + 100
    while len(open_rows):
        depth = min(depth, len(pairs.tail))
        position = np.array(
            [
                np.searchsorted(np.cumsum(drawn, dtype=np.int64), allowed[row], side="right")
                for row, drawn in tail_weights(pairs, weights, open_rows, depth)
            ]
        )
        found = position < depth
        excess = pairs.tail[position[found]]
        thresholds[open_rows[found]] = np.nextafter(excess, excess.dtype.type(np.inf))
        open_rows = open_rows[~found]
        if len(open_rows) and depth == len(pairs.tail):
            raise InvalidArgument(f"target {target}: {depth} non-mated scores are too few to fit; raise `reach`")
        depth *= 2
    return thresholds


def fnmr_of_draws(pairs: PairScores, thresholds: Values, weights: Weights, weigh: Weigh) -> Values:
    """False non-match rate of each replicate (r,) at its own thresholds, (r,) or (r, k); of the thresholds' shape."""
    share = mated_weights(pairs, weigh)
    errors = np.searchsorted(pairs.mated, thresholds.reshape(len(weights), -1), side="left")
    depth = int(errors.max())
    missed = np.empty(errors.shape)
    running, owners = np.zeros(depth + 1), pairs.mated_subjects[:depth]
    for row, drawn in enumerate(weights):
        np.cumsum(drawn[owners] * share[:depth], out=running[1:])
        missed[row] = running[errors[row]]
    total = weights @ np.bincount(pairs.mated_subjects, share, pairs.subjects)
    return np.asarray((missed / total[:, None]).reshape(thresholds.shape))


def _fmr(pairs: PairScores, threshold: float, weights: Weights, confidence: float) -> Rate:
    """Rate of the false matches at a threshold; where they are too few, bounded by the last rate that is supported."""
    as_thresholds(threshold)
    if threshold <= pairs.kept_from and not pairs.complete:
        raise InvalidArgument(
            f"threshold {threshold}: below the {len(pairs.tail)} non-mated scores kept; raise `reach`"
        )
    errors = int(np.searchsorted(-pairs.tail, -np.float64(threshold), side="right"))
    people = len(np.unique(pairs.tail_subjects[:errors]))
    supported = is_supported(errors, people)
    depth = errors if supported else supported_depth(pairs)
    if supported:
        low, high = interval_of(_weighted_fmr(pairs, depth, weights), confidence)
    elif depth:
        low, high = 0.0, float(_quantile(_weighted_fmr(pairs, depth, weights), confidence))
    else:
        # Only as many comparisons as share no person are independent.
        low, high = 0.0, rule_of_three(max(1, pairs.subjects // 2), confidence=confidence)
        high = max(high, float(_quantile(_weighted_fmr(pairs, errors, weights), confidence)))
    return Rate(errors / pairs.non_mated_total, low, high, errors, pairs.non_mated_total, supported, people)


def _weighted_fmr(pairs: PairScores, depth: int, weights: Weights) -> Values:
    """(r,) share of the ``depth`` highest non-mated scores in each replicate."""
    everyone = np.arange(len(weights))
    counts = [drawn.sum(dtype=np.int64) for _, drawn in tail_weights(pairs, weights, everyone, depth)]
    return np.asarray(counts / pairs.non_mated_totals(weights))


def _fnmr_rate(pairs: PairScores, threshold: float, weigh: Weigh, values: Values, confidence: float) -> Rate:
    errors = int(np.searchsorted(pairs.mated, threshold, side="left"))
    people = len(np.unique(pairs.mated_subjects[:errors]))
    low, high = interval_of(values, confidence)
    if errors == 0:
        # No draw of people can show an error that nobody made.
        bound = rule_of_three(len(np.unique(pairs.mated_subjects)), confidence=confidence)
        high = max(high, bound)
    trials = len(pairs.mated)
    return Rate(
        _weighted_fnmr(pairs, threshold, weigh), low, high, errors, trials, is_supported(errors, people), people
    )


def _weighted_fnmr(pairs: PairScores, threshold: float, weigh: Weigh) -> float:
    share = mated_weights(pairs, weigh)
    return float(share[: np.searchsorted(pairs.mated, threshold, side="left")].sum() / share.sum())


def tail_weights(
    pairs: PairScores, weights: Weights, rows: NDArray[np.intp], depth: int
) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """(depth,) weights of the highest non-mated scores under each of the replicates ``rows``, one after the other."""
    # A row at a time stays in the processor's cache, and half the width is half the way.
    first, second = (np.ascontiguousarray(side) for side in pairs.tail_subjects[:depth].T)
    for row in rows.tolist():
        drawn = weights[row].astype(np.int32)
        yield row, drawn[first] * drawn[second]


def interval_of(values: Values, confidence: float) -> tuple[float, float]:
    """Percentile interval of a row of values."""
    quantile_of(confidence)
    tail = (1 - confidence) / 2
    return float(_quantile(values, tail)), float(_quantile(values, 1 - tail))


def _quantile(values: Values, share: float) -> np.float64:
    # A threshold may be -inf, and between that and a number there is nothing to interpolate.
    return np.quantile(values, share, method="inverted_cdf")
