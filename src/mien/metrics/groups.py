"""Differential performance: error rates of groups of people at one threshold for all, and how unequal they are.

ISO/IEC 19795-10. Comparisons are made within a group: that is where a group's false matches are most frequent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument
from mien.metrics.dyadic import Weigh, estimate_fmr, estimate_fnmr
from mien.metrics.intervals import Rate
from mien.metrics.pairs import PairScores

__all__ = ["GroupRates", "exceeding", "fdr", "garbe", "group_rates", "ratio_to_geometric_mean", "ratio_to_lowest"]


@dataclass(frozen=True, slots=True)
class GroupRates:
    """Error rates within a group.

    Attributes:
        group: Its label.
        people: How many it has.
        fmr: False match rate of two different people of the group, None where it has one person.
        fnmr: False non-match rate, None where nobody in it has two samples.
    """

    group: str
    people: int
    fmr: Rate | None
    fnmr: Rate | None


def group_rates(
    pairs: PairScores,
    labels: Sequence[str | None],
    threshold: float,
    *,
    weigh: Weigh = "person",
    confidence: float = 0.95,
) -> tuple[GroupRates, ...]:
    """Error rates of each group at one threshold.

    Args:
        pairs: All comparisons.
        labels: (subjects,) group of each subject, in the order of the pairs' subjects; None for no group.
        threshold: Lowest score that is a match, the same for all.
        weigh: Whether mated comparisons weigh one per person or one each.
        confidence: Of the intervals.

    Returns:
        The groups, sorted.

    Raises:
        InvalidArgument: Not one label a subject, or the threshold lies below the tail that was kept.
    """
    if len(labels) != pairs.subjects:
        raise InvalidArgument(f"labels: expected one a subject, {pairs.subjects}, got {len(labels)}")
    given = np.array(["" if label is None else label for label in labels])
    known = np.array([label is not None for label in labels], bool)
    rates = []
    for group in sorted(set(given[known].tolist())):
        chosen = known & (given == group)
        ours = pairs.among(chosen)
        rates.append(
            GroupRates(
                group,
                int(chosen.sum()),
                estimate_fmr(ours, threshold, confidence=confidence) if ours.non_mated_total else None,
                estimate_fnmr(ours, threshold, weigh=weigh, confidence=confidence) if len(ours.mated) else None,
            )
        )
    return tuple(rates)


def exceeding(groups: Sequence[GroupRates], stated: float) -> tuple[GroupRates, ...]:
    """Groups whose false match rate exceeds a stated one by more than its interval, which lies above it whole.

    Raises:
        InvalidArgument: The stated rate is not in [0, 1].
    """
    if not 0 <= stated <= 1:
        raise InvalidArgument(f"stated: expected a rate in [0, 1], got {stated}")
    return tuple(one for one in groups if one.fmr is not None and one.fmr.low > stated)


def ratio_to_lowest(rates: ArrayLike) -> float:
    """Highest rate over the lowest; infinite where one group makes no error and another does, 1 where none does.

    Raises:
        InvalidArgument: No rate, or one that is not in [0, 1].
    """
    values = _rates(rates)
    if values.max() == 0:
        return 1.0
    return float(values.max() / values.min()) if values.min() > 0 else math.inf


def ratio_to_geometric_mean(rates: ArrayLike) -> float:
    """Highest rate over the geometric mean of all (NIST IR 8429); as `ratio_to_lowest` where a rate is 0.

    Raises:
        InvalidArgument: As `ratio_to_lowest`.
    """
    values = _rates(rates)
    if values.max() == 0:
        return 1.0
    return float(values.max() / np.exp(np.log(values).mean())) if values.min() > 0 else math.inf


def garbe(fmr: ArrayLike, fnmr: ArrayLike, *, alpha: float = 0.5) -> float:
    """Gini aggregation rate for biometric equitability: 0 where all groups fare alike, 1 where one bears every error.

    Howard, Laird, Sirotin, Rubin, Tipton and Vemury, "Evaluating proposed fairness models for face recognition
    algorithms", 2022: the Gini coefficients of both rates, scaled by n / (n - 1), weighted.

    Args:
        fmr: (n,) false match rate of each group.
        fnmr: (n,) false non-match rate of each group.
        alpha: Weight of the false match rates, in [0, 1].

    Raises:
        InvalidArgument: Fewer than two groups, columns of different lengths, or a rate or weight outside [0, 1].
    """
    first, second = _both(fmr, fnmr, alpha)
    return alpha * _gini(first) + (1 - alpha) * _gini(second)


def fdr(fmr: ArrayLike, fnmr: ArrayLike, *, alpha: float = 0.5) -> float:
    """Fairness discrepancy rate: 1 where all groups fare alike; 1 less the weighted largest differences.

    De Freitas Pereira and Marcel, "Fairness in biometrics: a figure of merit to assess biometric verification systems",
    TBIOM 2021. Arguments and errors as in `garbe`.
    """
    first, second = _both(fmr, fnmr, alpha)
    return 1.0 - alpha * float(np.ptp(first)) - (1 - alpha) * float(np.ptp(second))


def _gini(values: NDArray[np.float64]) -> float:
    if values.sum() == 0:
        return 0.0
    differences = float(np.abs(values[:, None] - values[None]).sum())
    count = len(values)
    return count / (count - 1) * differences / (2 * count**2 * float(values.mean()))


def _both(fmr: ArrayLike, fnmr: ArrayLike, alpha: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = _rates(fmr), _rates(fnmr)
    if len(first) < 2 or first.shape != second.shape or not 0 <= alpha <= 1:
        raise InvalidArgument(f"expected both rates of two groups or more and alpha in [0, 1], got {len(first)} groups")
    return first, second


def _rates(rates: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(rates, np.float64)
    if values.ndim != 1 or not len(values) or not ((values >= 0) & (values <= 1)).all():
        raise InvalidArgument("rates: expected at least one, each in [0, 1]")
    return values
