"""One-to-one evaluation: error rates of a list of pairs, or of all comparisons of a set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien import metrics
from mien.errors import InvalidArgument, UnsupportedErrorRate
from mien.evaluation.folds import FoldAccuracy, fold_accuracy
from mien.evaluation.groups import GroupTable, rates_by_group
from mien.evaluation.quality import Discard, discard_by_quality
from mien.evaluation.samples import Samples
from mien.evaluation.worst import Mistake, least_alike, most_alike
from mien.recognition import Calibration

__all__ = ["StatedRate", "Verification", "verify_all", "verify_pairs"]

_RATES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_BINS = 256
_MISTAKES = 8
_COMPARISON = "image-image"
_COMMON = 1e-3


@dataclass(frozen=True, slots=True)
class StatedRate:
    """A false match rate that a calibration states, beside what this set shows at its threshold.

    Attributes:
        fmr: The rate.
        threshold: Lowest score that is a match.
        interval: The rate's interval as the calibration has it, (low, high).
        measured_fmr: False match rate on this set.
        measured_fnmr: False non-match rate on this set.
    """

    fmr: float
    threshold: float
    interval: tuple[float, float]
    measured_fmr: metrics.Rate
    measured_fnmr: metrics.Rate


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """What a one-to-one evaluation found.

    Attributes:
        curve: Detection error trade-off; with bands where all comparisons were made.
        supported_from: The lowest false match rate that the data can support.
        eer: Equal error rate, None where the rates do not meet.
        d_prime: Distance of mated and non-mated scores, None where every face of one kind was missed.
        points: Operating points down to the first false match rate that the data cannot support.
        stated: The calibration's rates, as measured here.
        mated: (edges (b + 1,), counts (b,)) of the mated scores.
        non_mated: The same of the non-mated scores.
        mated_total: How many mated comparisons were made.
        non_mated_total: How many non-mated comparisons were made.
        false_matches: The most alike of different people.
        false_non_matches: The least alike of one.
        folds: Accuracy on the folds, None where the protocol has none.
        scores: All comparisons, None where the protocol is a list of pairs.
        discard: Whether quality tells which comparisons fail, None for a list of pairs.
        groups: Rates by group, of every attribute that the set gives or was given.
    """

    curve: metrics.DetCurve
    supported_from: float
    eer: float | None
    d_prime: float | None
    points: tuple[metrics.OperatingPoint, ...]
    stated: tuple[StatedRate, ...]
    mated: tuple[NDArray[np.float64], NDArray[np.int64]]
    non_mated: tuple[NDArray[np.float64], NDArray[np.int64]]
    mated_total: int
    non_mated_total: int
    false_matches: tuple[Mistake, ...]
    false_non_matches: tuple[Mistake, ...]
    folds: FoldAccuracy | None = None
    scores: metrics.PairScores | None = None
    discard: Discard | None = None
    groups: tuple[GroupTable, ...] = ()


def verify_all(
    samples: Samples,
    *,
    calibration: Calibration | None = None,
    weigh: metrics.Weigh = "person",
    replicates: int = 1000,
    seed: int = 0,
) -> Verification:
    """Compare every capture with every other once.

    Args:
        samples: Captures of known people.
        calibration: Whose stated rates are to be checked.
        weigh: Whether mated comparisons weigh one per person or one each.
        replicates: Draws of people behind each interval.
        seed: Of the draws.

    Raises:
        InvalidArgument: The set does not say who is on its captures, has fewer than two people, or nobody twice.
    """
    people = samples.people
    pairs = metrics.all_pairs(samples.templates, people, failed=samples.failed, bins=_BINS)
    if not len(pairs.mated) or not pairs.non_mated_total:
        raise InvalidArgument("expected two people at least, one of them with two captures")
    curve = metrics.det_bands(pairs, weigh=weigh, replicates=replicates, seed=seed)
    exact = metrics.det(
        pairs.mated, pairs.tail, total=pairs.non_mated_total, weights=metrics.mated_weights(pairs, weigh)
    )
    assert pairs.histogram is not None
    edges = pairs.histogram.edges
    given = (samples.templates, people, samples.failed, _MISTAKES)
    points = _points(pairs, weigh, replicates, seed)
    common = _common(points)
    return Verification(
        curve=curve,
        supported_from=metrics.lowest_supported_fmr(pairs),
        eer=_eer(exact, curve),
        d_prime=_d_prime(pairs.mated, pairs.histogram),
        points=points,
        stated=_stated(pairs, calibration, weigh),
        mated=(edges, _counted(pairs.mated, edges)),
        non_mated=(edges, pairs.histogram.counts),
        mated_total=len(pairs.mated),
        non_mated_total=pairs.non_mated_total,
        false_matches=most_alike(*given),
        false_non_matches=least_alike(*given),
        scores=pairs,
        discard=discard_by_quality(samples, common, weigh),
        groups=rates_by_group(samples, pairs, common, weigh),
    )


def verify_pairs(
    samples: Samples,
    rows: NDArray[np.intp],
    mated: NDArray[np.bool_],
    folds: NDArray[np.intp],
    *,
    calibration: Calibration | None = None,
) -> Verification:
    """Compare the pairs of a published list.

    Such lists are made so that few people recur: intervals are Wilson's, of independent comparisons.

    Args:
        samples: The captures that the list names.
        rows: (n, 2) rows of each pair among them.
        mated: (n,) True where both show one person.
        folds: (n,) fold of each pair.
        calibration: Whose stated rates are to be checked.

    Raises:
        InvalidArgument: No mated or no non-mated pair, or columns of different lengths.
    """
    scores = np.einsum("nd,nd->n", samples.templates[rows[:, 0]], samples.templates[rows[:, 1]])
    missed = samples.failed[rows[:, 0]] | samples.failed[rows[:, 1]]
    scores[missed] = -np.inf
    genuine, impostors = np.sort(scores[mated]), np.sort(scores[~mated])
    curve = metrics.det(genuine, impostors)
    edges = np.linspace(-1.0, 1.0, 65)
    order = np.argsort(scores, kind="stable")
    order = order[~missed[order]]
    worst = [Mistake(int(rows[i, 0]), int(rows[i, 1]), float(scores[i])) for i in order]
    return Verification(
        curve=curve,
        supported_from=min(1.0, 30 / len(impostors)),
        eer=_eer(curve),
        d_prime=_d_prime(genuine, impostors),
        points=_pair_points(genuine, impostors),
        stated=_stated_pairs(genuine, impostors, calibration),
        mated=(edges, _counted(genuine, edges)),
        non_mated=(edges, _counted(impostors, edges)),
        mated_total=len(genuine),
        non_mated_total=len(impostors),
        false_matches=tuple(m for m, i in zip(worst[::-1], order[::-1], strict=True) if not mated[i])[:_MISTAKES],
        false_non_matches=tuple(m for m, i in zip(worst, order, strict=True) if mated[i])[:_MISTAKES],
        folds=fold_accuracy(scores, mated, folds) if len(np.unique(folds)) > 1 else None,
    )


def _points(
    pairs: metrics.PairScores, weigh: metrics.Weigh, replicates: int, seed: int
) -> tuple[metrics.OperatingPoint, ...]:
    points = []
    for rate in _RATES:
        if 2 * rate * pairs.non_mated_total > len(pairs.tail) and not pairs.complete:
            continue
        points.append(metrics.operating_point(pairs, rate, weigh=weigh, replicates=replicates, seed=seed))
        if not points[-1].fmr.supported:
            break
    return tuple(points)


def _common(points: Sequence[metrics.OperatingPoint]) -> metrics.OperatingPoint:
    """The point at which groups and quality are judged: FMR 1e-3 where it is supported, else the lowest that is."""
    supported = [point for point in points if point.fmr.supported] or points[:1]
    return next((point for point in supported if point.target == _COMMON), supported[-1])


def _pair_points(genuine: NDArray[np.floating], impostors: NDArray[np.floating]) -> tuple[metrics.OperatingPoint, ...]:
    points = []
    for rate in _RATES:
        threshold = metrics.threshold_at_fmr(impostors, rate)
        fmr, fnmr = _counted_rates(genuine, impostors, threshold)
        points.append(metrics.OperatingPoint(rate, threshold, (math.nan, math.nan), fmr, fnmr))
        if not fmr.supported:
            break
    return tuple(points)


def _counted_rates(
    genuine: NDArray[np.floating], impostors: NDArray[np.floating], threshold: float
) -> tuple[metrics.Rate, metrics.Rate]:
    return (
        metrics.estimate(int(np.count_nonzero(impostors >= threshold)), len(impostors)),
        metrics.estimate(int(np.count_nonzero(genuine < threshold)), len(genuine)),
    )


def _stated(pairs: metrics.PairScores, calibration: Calibration | None, weigh: metrics.Weigh) -> tuple[StatedRate, ...]:
    rows = []
    for rate, threshold, interval in _promises(calibration):
        if threshold <= pairs.tail[-1] and not pairs.complete:
            continue
        measured = metrics.estimate_fmr(pairs, threshold), metrics.estimate_fnmr(pairs, threshold, weigh=weigh)
        rows.append(StatedRate(rate, threshold, interval, *measured))
    return tuple(rows)


def _stated_pairs(
    genuine: NDArray[np.floating], impostors: NDArray[np.floating], calibration: Calibration | None
) -> tuple[StatedRate, ...]:
    return tuple(
        StatedRate(rate, threshold, interval, *_counted_rates(genuine, impostors, threshold))
        for rate, threshold, interval in _promises(calibration)
    )


def _promises(calibration: Calibration | None) -> Sequence[tuple[float, float, tuple[float, float]]]:
    """Rate, threshold and interval of every power of ten that the calibration supports."""
    if calibration is None or _COMPARISON not in calibration.comparisons:
        return ()
    highest = max((point.fmr for point in calibration.comparisons[_COMPARISON].supported), default=0.0)
    promises = []
    for rate in (rate for rate in _RATES if rate <= highest):
        try:
            known = calibration.verification_threshold(_COMPARISON, rate)
        except UnsupportedErrorRate:
            continue
        promises.append((rate, known.value, (known.low, known.high)))
    return promises


def _eer(*curves: metrics.DetCurve) -> float | None:
    """Of the first curve on which the rates meet."""
    for curve in curves:
        try:
            return metrics.eer(curve)
        except InvalidArgument:
            continue
    return None


def _d_prime(mated: NDArray[np.floating], non_mated: NDArray[np.floating] | metrics.Histogram) -> float | None:
    try:
        return metrics.d_prime(mated, non_mated)
    except InvalidArgument:
        return None


def _counted(scores: NDArray[np.floating], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    found = scores[np.isfinite(scores)]
    return np.histogram(np.clip(found, edges[0], edges[-1]), edges)[0]
