"""Detection error trade-off: false non-matches over false matches at every threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument
from mien.metrics.verification import as_scores

__all__ = ["DetCurve", "det", "eer"]

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DetCurve:
    """Error rates by threshold, the false match rate ascending.

    Attributes:
        thresholds: (n,) descending; a score at or above one is a match.
        fmr: (n,) false match rate at each.
        fnmr: (n,) false non-match rate at each.
        low: (n,) lower end of the false non-match rate's interval at that false match rate, if computed.
        high: (n,) its upper end.
    """

    thresholds: Values
    fmr: Values
    fnmr: Values
    low: Values | None = None
    high: Values | None = None


def det(
    mated: ArrayLike, non_mated: ArrayLike, *, total: int | None = None, weights: ArrayLike | None = None
) -> DetCurve:
    """Error rates at every score there is, exact: sorted once, counted by position.

    Args:
        mated: (m,) scores; -inf where a face was missed, which no threshold finds.
        non_mated: (n,) scores, or the highest of them.
        total: How many non-mated comparisons were made, where only the highest n scores were kept; the curve then
            ends at the lowest of them.
        weights: (m,) weight of each mated score, by default equal.

    Returns:
        The curve. It begins at false match rate 0.

    Raises:
        InvalidArgument: No scores, NaN or +inf among them, or columns that do not belong together.
    """
    genuine, impostors = as_scores(mated, "mated"), np.sort(as_scores(non_mated, "non_mated"))
    count = len(impostors) if total is None else total
    if count < len(impostors):
        raise InvalidArgument(f"total: {count} comparisons cannot have given {len(impostors)} scores")
    share = np.ones(len(genuine)) if weights is None else np.asarray(weights, np.float64)
    if share.shape != genuine.shape or not (share >= 0).all() or not share.sum() > 0:
        raise InvalidArgument(f"weights: expected one of at least 0 a mated score, {len(genuine)}, some above 0")
    order = np.argsort(genuine, kind="stable")
    running = np.concatenate([[0.0], np.cumsum(share[order])])
    levels = np.unique(np.concatenate([genuine, impostors]))
    levels = levels[np.isfinite(levels)]
    if count > len(impostors):
        levels = levels[levels > impostors[0]]
    above = max(np.max(genuine), impostors[-1])
    thresholds = np.append(levels, np.nextafter(above, above.dtype.type(np.inf)))[::-1]
    false = len(impostors) - np.searchsorted(impostors, thresholds, side="left")
    missed = running[np.searchsorted(genuine[order], thresholds, side="left")]
    return DetCurve(thresholds.astype(np.float64), false / count, np.minimum(missed / running[-1], 1.0))


def eer(curve: DetCurve) -> float:
    """Equal error rate: where both rates meet, between the two thresholds around that point by linear interpolation.

    Raises:
        InvalidArgument: They do not meet within the curve.
    """
    gap = curve.fmr - curve.fnmr
    after = int(np.searchsorted(gap, 0.0, side="left"))
    if after == len(gap) or (after == 0 and gap[0] > 0):
        raise InvalidArgument(
            f"expected a curve on which the rates meet, got FMR {curve.fmr[0]:g} to {curve.fmr[-1]:g} and "
            f"FNMR {curve.fnmr[-1]:g} to {curve.fnmr[0]:g}; keep more of the non-mated scores"
        )
    if after == 0 or gap[after] == 0:
        return float(curve.fnmr[after])
    share = gap[after - 1] / (gap[after - 1] - gap[after])
    return float(curve.fmr[after - 1] + share * (curve.fmr[after] - curve.fmr[after - 1]))
