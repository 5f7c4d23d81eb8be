"""Error versus discard: how fast the false non-match rate falls as the comparisons of lowest quality are left out.

The error-versus-discard characteristic of ISO/IEC 29794-1, after Grother and Tabassi, "Performance of biometric quality
measures", TPAMI 2007. The threshold is fixed on all comparisons; only mated ones are discarded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument
from mien.metrics.bootstrap import Difference, interval_of
from mien.metrics.verification import as_scores, as_thresholds

__all__ = ["DiscardCurve", "bootstrap_area_difference", "discard_curve", "pair_quality"]

Values = NDArray[np.float64]

_CELLS = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class DiscardCurve:
    """An error-versus-discard characteristic.

    Comparisons of equal quality have no order: among them the errors leave evenly, which is what a random order gives
    on average.

    Attributes:
        discarded: (k,) share of the comparisons left out, from 0 to 1, where the quality changes.
        errors: (k,) share of all comparisons that are errors and still there.
    """

    discarded: Values
    errors: Values

    def at(self, discarded: ArrayLike) -> Values:
        """False non-match rate of what is left after discarding a share in [0, 1); at 0 the plain rate.

        Raises:
            InvalidArgument: A share outside [0, 1).
        """
        share = np.asarray(discarded, np.float64)
        if not ((share >= 0) & (share < 1)).all():
            raise InvalidArgument("discarded: expected shares of at least 0 and below 1")
        return np.asarray(np.interp(share, self.discarded, self.errors) / (1 - share))

    def area(self, upto: float = 0.3, *, less_ideal: bool = False) -> float:
        """Partial area under the curve, exact.

        Args:
            upto: Largest share discarded, in (0, 1).
            less_ideal: Whether to take off the area of a quality measure that leaves out nothing but errors.

        Raises:
            InvalidArgument: ``upto`` is not in (0, 1).
        """
        _check_upto(upto)
        area = float(_areas(self.discarded[None], self.errors[None], upto)[0])
        if not less_ideal:
            return area
        first = float(self.errors[0])
        ideal = np.array([0.0, first, 1.0]), np.array([first, 0.0, 0.0])
        return area - float(_areas(ideal[0][None], ideal[1][None], upto)[0])


def pair_quality(first: ArrayLike, second: ArrayLike) -> Values:
    """Quality of comparisons: the lower one of their two samples; -inf where either is not known (NaN).

    Raises:
        InvalidArgument: Columns of different lengths, or no numbers.
    """
    one, other = _quality(first), _quality(second)
    if one.shape != other.shape:
        raise InvalidArgument(
            f"expected the quality of both samples of each comparison, got {one.shape}, {other.shape}"
        )
    lower = np.minimum(one, other)
    return np.asarray(np.where(np.isnan(lower), -np.inf, lower))


def discard_curve(
    mated: ArrayLike, quality: ArrayLike, threshold: float, *, weights: ArrayLike | None = None
) -> DiscardCurve:
    """The characteristic of a quality measure.

    Args:
        mated: (n,) mated scores; -inf where a face was missed.
        quality: (n,) quality of each comparison, the higher the better; NaN and -inf are discarded first.
        threshold: Lowest score that is a match.
        weights: (n,) weight of each comparison, by default equal.

    Raises:
        InvalidArgument: No scores, columns of different lengths, or no weight above 0.
    """
    as_thresholds(threshold)
    scores, order, starts, share = _ordered(mated, quality, weights)
    weight = np.add.reduceat(share[order], starts)
    wrong = np.add.reduceat((share * (scores < threshold))[order], starts)
    total = weight.sum()
    discarded = np.concatenate([[0.0], np.cumsum(weight) / total])
    discarded[-1] = 1.0
    left = np.concatenate([np.cumsum(wrong[::-1])[::-1], [0.0]]) / total
    return DiscardCurve(discarded, left)


def bootstrap_area_difference(
    mated: ArrayLike,
    qualities: tuple[ArrayLike, ArrayLike],
    threshold: float,
    subjects: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    upto: float = 0.3,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Partial area of the second quality measure less that of the first, over the same draws of people.

    Args:
        mated: (n,) mated scores.
        qualities: Two measures, (n,) each.
        threshold: Lowest score that is a match; the same in every draw.
        subjects: (n,) whose comparison it is.
        weights: (n,) weight of each comparison, by default equal.
        upto: Largest share discarded.
        replicates: Draws of people.
        confidence: Of the interval.
        seed: Of the draws.

    Returns:
        The difference; an interval below zero says that the second is better.

    Raises:
        InvalidArgument: As `discard_curve`; or fewer than two people, or no draw.
    """
    _check_upto(upto)
    people, codes = np.unique(np.asarray(subjects), return_inverse=True)
    if len(people) < 2 or replicates < 1 or codes.shape != np.shape(mated):
        raise InvalidArgument(f"expected one subject a score, two people at least and a draw, got {len(people)} people")
    drawn = np.random.default_rng(seed).multinomial(len(people), np.full(len(people), 1 / len(people)), replicates)
    curves = [discard_curve(mated, quality, threshold, weights=weights) for quality in qualities]
    first, second = (
        _drawn_areas(_ordered(mated, quality, weights), threshold, codes, drawn, upto) for quality in qualities
    )
    both = np.isfinite(first) & np.isfinite(second)
    value = curves[1].area(upto) - curves[0].area(upto)
    return Difference(value, *interval_of((second - first)[both], confidence))


def _check_upto(upto: float) -> None:
    if not 0 < upto < 1:
        raise InvalidArgument(f"upto: expected a share between 0 and 1, got {upto}")


def _quality(values: ArrayLike) -> Values:
    given = np.asarray(values)
    if not np.issubdtype(given.dtype, np.number):
        raise InvalidArgument(f"quality: expected numbers, got {given.dtype}")
    return given.astype(np.float64)


_Ordered = tuple[NDArray[np.floating], NDArray[np.intp], NDArray[np.intp], Values]


def _ordered(mated: ArrayLike, quality: ArrayLike, weights: ArrayLike | None) -> _Ordered:
    """Scores, their order from the lowest quality up, where each quality begins in it, and the weights."""
    scores = as_scores(mated, "mated")
    values = _quality(quality)
    share = np.ones(len(scores)) if weights is None else np.asarray(weights, np.float64)
    if values.shape != scores.shape or share.shape != scores.shape:
        raise InvalidArgument(
            f"expected one quality and weight a score, {len(scores)}, got {values.shape}, {share.shape}"
        )
    if not (np.isfinite(share).all() and (share >= 0).all() and share.sum() > 0):
        raise InvalidArgument("weights: expected finite ones of at least 0 each, some above 0")
    values = np.where(np.isnan(values), -np.inf, values)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return scores, order, starts, share


def _drawn_areas(
    given: _Ordered, threshold: float, codes: NDArray[np.intp], drawn: NDArray[np.int64], upto: float
) -> Values:
    """(r,) partial area of each draw; NaN where it drew nobody."""
    scores, order, starts, share = given
    wrong = scores[order] < threshold
    areas: list[Values] = []
    for rows in np.array_split(drawn, max(1, -(-drawn.shape[0] * len(scores) // _CELLS))):
        weighted = rows[:, codes[order]] * share[order]
        weight = np.add.reduceat(weighted, starts, axis=1)
        errors = np.add.reduceat(weighted * wrong, starts, axis=1)
        total = weight.sum(axis=1, keepdims=True)
        none = np.zeros((len(rows), 1))
        with np.errstate(invalid="ignore"):
            discarded = np.concatenate([none, np.cumsum(weight, axis=1) / total], axis=1)
            left = np.concatenate([np.cumsum(errors[:, ::-1], axis=1)[:, ::-1], none], axis=1) / total
        areas.append(_areas(discarded, left, upto))
    return np.concatenate(areas)


def _areas(discarded: Values, errors: Values, upto: float) -> Values:
    """(r,) integral from 0 to ``upto`` of (errors left) / (1 - discarded), the errors linear between the knots."""
    low = np.minimum(discarded[:, :-1], upto)
    high = np.minimum(discarded[:, 1:], upto)
    width = discarded[:, 1:] - discarded[:, :-1]
    slope = np.divide(errors[:, 1:] - errors[:, :-1], width, out=np.zeros_like(width), where=width > 0)
    start = errors[:, :-1] - slope * discarded[:, :-1]
    # Of (a + b x) / (1 - x) the integral is -b x - (a + b) log(1 - x).
    parts = -slope * (high - low) - (start + slope) * (np.log1p(-high) - np.log1p(-low))
    return np.asarray(np.where(high > low, parts, 0.0).sum(axis=1))
