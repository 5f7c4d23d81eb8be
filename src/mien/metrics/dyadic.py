"""Intervals of error rates when people recur: what the comparisons of one person share widens them, and no more.

A non-mated comparison belongs to two people. Two comparisons are dependent where they share a person, so the variance
of a false match rate has a part that comes from people and one that comes from pairs. Both are estimated from the
counts of errors by person and by pair (Aronow, Samii and Assenova, "Cluster-robust variance estimation for dyadic
data", Political Analysis 2015), which give an effective number of trials for Wilson's interval; few people behind the
errors widen it by Student's t (Korn and Graubard 1998, for surveys). A bootstrap over people whose weights multiply
counts the noise of pairs three times, and covers too often where it prevails; `bench/coverage.py` measures both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from mien.errors import InvalidArgument
from mien.metrics.intervals import Rate, is_supported, quantile_of, rule_of_three
from mien.metrics.pairs import PairScores
from mien.metrics.verification import as_thresholds, supported_depth

__all__ = ["Spread", "Weigh", "estimate_fmr", "estimate_fnmr", "freedom_of", "mated_weights", "predict_fmr"]

Weigh: TypeAlias = Literal["person", "comparison"]
"""How mated comparisons weigh: one vote a person, however many comparisons they have, or one a comparison."""


def estimate_fmr(pairs: PairScores, threshold: float, *, confidence: float = 0.95) -> Rate:
    """False match rate at a fixed threshold with an interval that knows who recurs.

    Args:
        pairs: Scores of all comparisons.
        threshold: Lowest score that is a match; not below the tail that was kept.
        confidence: Of the interval, two-sided.

    Returns:
        The rate. Where fewer than 30 errors from 30 people stand behind it, it is unsupported, ``low`` is 0 and
        ``high`` a one-sided bound taken from the lowest rate that is supported.

    Raises:
        InvalidArgument: No non-mated comparison, or the threshold lies below the tail that was kept.
    """
    errors = _errors_at(pairs, threshold)
    people = len(np.unique(pairs.tail_subjects[:errors]))
    supported = is_supported(errors, people)
    if supported:
        low, high = _spread(pairs, errors).interval(confidence)
    else:
        low, high = 0.0, _bound(pairs, errors, confidence)
    return Rate(errors / pairs.non_mated_total, low, high, errors, pairs.non_mated_total, supported, people)


def predict_fmr(
    pairs: PairScores, threshold: float, *, people: int | None = None, confidence: float = 0.95
) -> tuple[float, float]:
    """Where the false match rate measured on other people of the same population will fall, (low, high).

    Wider than the interval of the rate itself: the other people are a draw, too.

    Args:
        pairs: Scores of the people at hand.
        threshold: Lowest score that is a match.
        people: How many other people, each with as many samples as these; by default as many as these.
        confidence: Share of such measurements that falls within.

    Raises:
        InvalidArgument: As `estimate_fmr`; or fewer than two other people.
    """
    others = pairs.subjects if people is None else people
    if others < 2:
        raise InvalidArgument(f"people: expected two at least, whose comparisons are to be predicted, got {others}")
    errors = _errors_at(pairs, threshold)
    if not is_supported(errors, len(np.unique(pairs.tail_subjects[:errors]))):
        return 0.0, _bound(pairs, errors, confidence, ratio=pairs.subjects / others)
    return _spread(pairs, errors).interval(confidence, ratio=pairs.subjects / others)


def estimate_fnmr(pairs: PairScores, threshold: float, *, weigh: Weigh = "person", confidence: float = 0.95) -> Rate:
    """False non-match rate at a fixed threshold; the comparisons of one person count as dependent.

    Args:
        pairs: Scores of all comparisons.
        threshold: Lowest score that is a match.
        weigh: ``"person"``: everybody weighs the same, however many images there are of them, so that a man with 500
            images does not stand for half of mankind. ``"comparison"``: every comparison weighs the same.
        confidence: Of the interval, two-sided.

    Returns:
        The rate; after no error its upper end is the rule of three's over people.

    Raises:
        InvalidArgument: No mated comparison.
    """
    weights = mated_weights(pairs, weigh)
    errors = int(np.searchsorted(pairs.mated, as_thresholds(threshold), side="left"))
    owners, codes = np.unique(pairs.mated_subjects, return_inverse=True)
    wrong = np.bincount(codes[:errors], weights[:errors], len(owners))
    share = np.bincount(codes, weights, len(owners))
    value = float(wrong.sum() / share.sum())
    people = len(np.unique(codes[:errors]))
    trials = len(pairs.mated)
    if not errors:
        return Rate(0.0, 0.0, rule_of_three(len(owners), confidence=confidence), 0, trials, False, 0)
    residuals = (wrong - value * share) / share.sum()
    factor = len(owners) / max(1, len(owners) - 1)
    variance = max(float((residuals**2).sum()) * factor, value * (1 - value) / trials)
    low, high = Spread(value, variance, 0.0, freedom_of(residuals)).interval(confidence)
    return Rate(value, low, high, errors, trials, is_supported(errors, people), people)


def mated_weights(pairs: PairScores, weigh: Weigh) -> NDArray[np.float64]:
    """(m,) relative weight of each mated score, in the order of ``pairs.mated``: 1, or 1 over those of its person.

    Raises:
        InvalidArgument: No mated comparison, or no such way to weigh.
    """
    if weigh not in get_args(Weigh):
        raise InvalidArgument(f"weigh: expected one of {', '.join(get_args(Weigh))}, got {weigh!r}")
    if not len(pairs.mated):
        raise InvalidArgument("expected mated scores: one person at least with two samples")
    if weigh == "comparison":
        return np.ones(len(pairs.mated))
    counts = np.bincount(pairs.mated_subjects, minlength=pairs.subjects)
    return np.asarray(1.0 / counts[pairs.mated_subjects])


@dataclass(frozen=True, slots=True)
class Spread:
    """Variance of a rate, in the part that comes from people and the one that comes from pairs."""

    value: float
    people: float
    pairs: float
    freedom: float

    def interval(self, confidence: float, *, ratio: float = 0.0, one_sided: bool = False) -> tuple[float, float]:
        """Wilson's interval at the effective number of trials.

        Args:
            confidence: Of the interval.
            ratio: Where another measurement is to be predicted, our people to theirs.
            one_sided: Whether only one end will be used.
        """
        from scipy.special import stdtrit

        if self.value >= 1:
            return 1.0, 1.0
        variance = self.people * (1 + ratio) + self.pairs * (1 + ratio * ratio)
        normal = quantile_of(2 * confidence - 1 if one_sided else confidence)
        tail = 1 - confidence if one_sided else (1 - confidence) / 2
        student = float(stdtrit(self.freedom, 1 - tail))
        # Only the part that comes from people rests on few of them.
        z = normal + (student - normal) * self.people * (1 + ratio) / variance
        trials = self.value * (1 - self.value) / variance
        centre = (self.value + z * z / (2 * trials)) / (1 + z * z / trials)
        half = z / (1 + z * z / trials) * math.sqrt(variance + (z / (2 * trials)) ** 2)
        return max(0.0, centre - half), min(1.0, centre + half)


def _errors_at(pairs: PairScores, threshold: float) -> int:
    if not pairs.non_mated_total:
        raise InvalidArgument("expected non-mated scores: two people at least")
    as_thresholds(threshold)
    if threshold <= pairs.kept_from and not pairs.complete:
        raise InvalidArgument(
            f"threshold {threshold}: below the {len(pairs.tail)} non-mated scores kept; raise `reach`"
        )
    return int(np.searchsorted(-pairs.tail, -np.float64(threshold), side="right"))


def _bound(pairs: PairScores, errors: int, confidence: float, *, ratio: float = 0.0) -> float:
    """One-sided bound where the errors are too few: that of the lowest rate which is supported."""
    depth = supported_depth(pairs)
    if depth:
        return _spread(pairs, depth).interval(confidence, ratio=ratio, one_sided=True)[1]
    # Only as many comparisons as share no person are independent.
    high = rule_of_three(max(1, pairs.subjects // 2), confidence=confidence)
    if errors:
        high = max(high, _spread(pairs, errors).interval(confidence, ratio=ratio, one_sided=True)[1])
    return high


def _spread(pairs: PairScores, errors: int) -> Spread:
    """Of the rate of the ``errors`` highest non-mated scores; one at least."""
    half = 0.5 if pairs.symmetric else 1.0
    probes, references = pairs.probes.astype(np.float64), pairs.references.astype(np.float64)
    total = float(pairs.non_mated_total)
    value = errors / total
    first, second = pairs.tail_subjects[:errors].T
    wrong = np.bincount(first, minlength=pairs.subjects) + np.bincount(second, minlength=pairs.subjects)
    trials = half * (probes * (references.sum() - references) + references * (probes.sum() - probes))
    residuals = (wrong - value * trials) / total
    by_pair = _pair_squares(first, second, value, half, probes, references) / total**2
    active = int(np.count_nonzero(trials))
    # A pair's own noise is in the squares of both its people.
    people = max(0.0, float((residuals**2).sum()) * active / max(1, active - 1) - 2 * by_pair)
    by_pair = max(by_pair, value * (1 - value) / total)
    return Spread(value, people, by_pair, freedom_of(residuals))


def _pair_squares(
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    value: float,
    half: float,
    probes: NDArray[np.float64],
    references: NDArray[np.float64],
) -> float:
    """Squared difference of errors made and errors expected, summed over all pairs of people."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    keys, wrong = np.unique(low * len(probes) + high, return_counts=True)
    left, right = np.divmod(keys, len(probes))
    expected = value * half * (probes[left] * references[right] + probes[right] * references[left])
    both = probes * references
    squares = (probes**2).sum() * (references**2).sum() + both.sum() ** 2 - 2 * (both**2).sum()
    return float(((wrong - expected) ** 2 - expected**2).sum() + (value * half) ** 2 * squares)


def freedom_of(residuals: NDArray[np.floating[Any]]) -> float:
    """Degrees of freedom: how many people the variance really comes from."""
    squares = residuals**2
    most = float((squares**2).sum())
    return max(2.0, float(squares.sum()) ** 2 / most) if most > 0 else 2.0
