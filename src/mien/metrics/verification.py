"""One-to-one comparison: false matches, false non-matches, and the threshold between them."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument
from mien.metrics.histogram import Histogram
from mien.metrics.intervals import ENOUGH
from mien.metrics.pairs import PairScores

__all__ = [
    "ThresholdRule",
    "allowed_errors",
    "as_scores",
    "as_thresholds",
    "d_prime",
    "fmr",
    "fnmr",
    "fnmr_at_fmr",
    "lowest_supported_fmr",
    "supported_depth",
    "threshold_at_fmr",
    "tmr_at_fmr",
]

Scores: TypeAlias = NDArray[np.floating[Any]]
ThresholdRule: TypeAlias = Literal["conservative", "closest"]


def fmr(non_mated: ArrayLike, threshold: ArrayLike, *, total: int | None = None) -> NDArray[np.float64]:
    """False match rate: the share of non-mated scores at or above each threshold.

    Args:
        non_mated: (n,) scores; -inf where a face was missed.
        threshold: One threshold or an array of them.
        total: How many non-mated comparisons were made, where only the highest n scores were kept.

    Returns:
        float64 of the thresholds' shape, in [0, 1].

    Raises:
        InvalidArgument: No scores, NaN or +inf among them, or a threshold below the scores that were kept.
    """
    scores = np.sort(as_scores(non_mated, "non_mated"))
    tau = as_thresholds(threshold)
    count = _total(scores, total)
    if count > len(scores) and np.any(tau <= scores[0]):
        raise InvalidArgument(f"threshold: below {scores[0]}, the lowest of the {len(scores)} scores kept of {count}")
    return np.asarray((len(scores) - np.searchsorted(scores, tau, side="left")) / count)


def fnmr(mated: ArrayLike, threshold: ArrayLike) -> NDArray[np.float64]:
    """False non-match rate: the share of mated scores below each threshold.

    Args:
        mated: (n,) scores; -inf where a face was missed, so that it counts at every threshold.
        threshold: One threshold or an array of them.

    Returns:
        float64 of the thresholds' shape, in [0, 1].

    Raises:
        InvalidArgument: No scores, or NaN or +inf among them.
    """
    scores = np.sort(as_scores(mated, "mated"))
    return np.asarray(np.searchsorted(scores, as_thresholds(threshold), side="left") / len(scores))


def threshold_at_fmr(
    non_mated: ArrayLike, target: float, *, rule: ThresholdRule = "conservative", total: int | None = None
) -> float:
    """The lowest threshold that keeps the false match rate at or below a target.

    ``min{t: FMR(t) <= target}`` over the numbers of the scores' own dtype, so that it is exact for float32 and
    float64 scores and under ties. It lies just above the score that would be one false match too many.

    Args:
        non_mated: (n,) scores.
        target: False match rate in [0, 1].
        rule: ``"conservative"`` never exceeds the target. ``"closest"``, common in papers, may.
        total: How many non-mated comparisons were made, where only the highest n scores were kept.

    Returns:
        The threshold; ``-inf`` where everything may match.

    Raises:
        InvalidArgument: No scores, NaN or +inf among them, target or rule unknown, or too few scores kept.
    """
    scores = as_scores(non_mated, "non_mated")
    count = _total(scores, total)
    if rule not in ("conservative", "closest"):
        raise InvalidArgument(f"rule: expected 'conservative' or 'closest', got {rule!r}")
    allowed = int(allowed_errors(target, count))
    if allowed >= count:
        return -math.inf
    if allowed >= len(scores):
        raise InvalidArgument(f"target {target} allows {allowed} false matches, {len(scores)} scores were kept")
    excess = np.partition(scores, len(scores) - 1 - allowed)[len(scores) - 1 - allowed]
    if rule == "closest":
        below, above = np.count_nonzero(scores > excess) / count, np.count_nonzero(scores >= excess) / count
        if above - target < target - below:
            return float(excess)
    return float(np.nextafter(excess, scores.dtype.type(np.inf)))


def fnmr_at_fmr(
    mated: ArrayLike, non_mated: ArrayLike, target: float, *, rule: ThresholdRule = "conservative"
) -> float:
    """False non-match rate at the threshold that `threshold_at_fmr` gives.

    Raises:
        InvalidArgument: As `fmr` and `threshold_at_fmr`.
    """
    return float(fnmr(mated, threshold_at_fmr(non_mated, target, rule=rule)))


def tmr_at_fmr(mated: ArrayLike, non_mated: ArrayLike, target: float, *, rule: ThresholdRule = "conservative") -> float:
    """True match rate at a false match rate: 1 - FNMR. Papers often call it TAR@FAR, which would count failures too.

    Raises:
        InvalidArgument: As `fnmr_at_fmr`.
    """
    return 1.0 - fnmr_at_fmr(mated, non_mated, target, rule=rule)


def d_prime(mated: ArrayLike, non_mated: ArrayLike | Histogram) -> float:
    """How far the two kinds of scores lie apart: difference of means over the root of the mean variance.

    Scores of missed faces (-inf) have no place on the scale and are left out; their share is the FTA's to tell.

    Args:
        mated: (n,) scores.
        non_mated: (m,) scores, or their histogram.

    Returns:
        d', infinite where neither kind varies.

    Raises:
        InvalidArgument: No finite score of either kind, or NaN or +inf among them.
    """
    mean, variance = _moments(as_scores(mated, "mated"), "mated")
    if isinstance(non_mated, Histogram):
        other, spread = non_mated.mean, non_mated.variance
    else:
        other, spread = _moments(as_scores(non_mated, "non_mated"), "non_mated")
    if variance + spread == 0:
        return math.inf if mean != other else 0.0
    return abs(mean - other) / math.sqrt((variance + spread) / 2)


def lowest_supported_fmr(pairs: PairScores) -> float:
    """The lowest false match rate that the data can support: 30 false matches in which 30 people take part.

    Returns:
        A rate in (0, 1]; 1.0 where the scores kept never get there.
    """
    depth = supported_depth(pairs)
    return depth / pairs.non_mated_total if depth else 1.0


def supported_depth(pairs: PairScores) -> int:
    """How many of the highest non-mated scores it takes to show 30 false matches from 30 people, ties included.

    0 where the scores kept never get there.
    """
    people, first = np.unique(pairs.tail_subjects, return_index=True)
    if len(people) < ENOUGH or len(pairs.tail) < ENOUGH:
        return 0
    needed = max(ENOUGH, int(np.sort(first)[ENOUGH - 1]) // 2 + 1)
    return int(np.count_nonzero(pairs.tail >= pairs.tail[needed - 1]))


def allowed_errors(target: float, totals: ArrayLike) -> NDArray[np.int64]:
    """The most errors ``e`` with ``e / total <= target`` in floating point, for each total.

    A plain floor of the product is one short where the product rounds down (0.29 of 100).

    Raises:
        InvalidArgument: The target is not in [0, 1].
    """
    if not 0 <= target <= 1:
        raise InvalidArgument(f"target: expected a rate in [0, 1], got {target}")
    count = np.asarray(totals, np.int64)
    errors = np.floor(target * count).astype(np.int64)
    divisor = np.maximum(count, 1)
    errors += (errors + 1) / divisor <= target
    errors -= errors / divisor > target
    return np.asarray(np.minimum(errors, count))


def as_scores(values: ArrayLike, name: str) -> Scores:
    """Scores as a flat float array of their own precision.

    Raises:
        InvalidArgument: None there, or NaN or +inf among them.
    """
    scores = np.asarray(values)
    if scores.dtype not in (np.float32, np.float64):
        scores = scores.astype(np.float64)
    if scores.ndim != 1 or not len(scores):
        raise InvalidArgument(f"{name}: expected a row of at least one score, got shape {scores.shape}")
    if not np.all(scores < np.inf):
        raise InvalidArgument(f"{name}: NaN or +inf among the scores; a missed face is -inf")
    return scores


def _moments(scores: Scores, name: str) -> tuple[float, float]:
    found = scores[np.isfinite(scores)].astype(np.float64)
    if not len(found):
        raise InvalidArgument(f"{name}: expected scores of faces that were found, all {len(scores)} were missed")
    return float(found.mean()), float(found.var())


def as_thresholds(values: ArrayLike) -> NDArray[Any]:
    """A threshold or an array of them, -inf and inf among them.

    Raises:
        InvalidArgument: NaN, to which every score compares false.
    """
    thresholds = np.asarray(values)
    if not np.issubdtype(thresholds.dtype, np.number) or np.isnan(thresholds).any():
        raise InvalidArgument(f"threshold: expected a number, got {values!r}")
    return thresholds


def _total(scores: Scores, total: int | None) -> int:
    if total is not None and total < len(scores):
        raise InvalidArgument(f"total: {total} comparisons cannot have given {len(scores)} scores")
    return len(scores) if total is None else total
