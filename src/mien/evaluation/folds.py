"""Accuracy on the folds of a published list of pairs, as papers report it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument

__all__ = ["FoldAccuracy", "fold_accuracy"]


@dataclass(frozen=True, slots=True, eq=False)
class FoldAccuracy:
    """Share of pairs told rightly, each fold at the threshold that is best on the others.

    Attributes:
        mean: Over folds.
        standard_error: Of the mean: the folds' standard deviation over the root of their number.
        accuracies: (k,) of each fold.
        thresholds: (k,) used on each fold.
    """

    mean: float
    standard_error: float
    accuracies: NDArray[np.float64]
    thresholds: NDArray[np.float64]


def fold_accuracy(scores: ArrayLike, mated: ArrayLike, folds: ArrayLike) -> FoldAccuracy:
    """K-fold accuracy of View 2 of LFW (Huang et al., 2007), of CFP, AgeDB-30 and the like.

    Args:
        scores: (n,) comparison scores; -inf where a face was missed.
        mated: (n,) True where both captures show one person.
        folds: (n,) fold of each pair.

    Returns:
        The accuracy. Of several best thresholds the middle one is taken.

    Raises:
        InvalidArgument: Columns of different lengths, NaN among the scores, or fewer than two folds.
    """
    values, genuine, fold = np.asarray(scores, np.float64), np.asarray(mated, bool), np.asarray(folds)
    if values.ndim != 1 or values.shape != genuine.shape or values.shape != fold.shape:
        raise InvalidArgument(
            f"expected columns of one length, got {values.shape} scores, {genuine.shape} labels and {fold.shape} folds"
        )
    names = np.unique(fold)
    if len(names) < 2 or np.isnan(values).any():
        raise InvalidArgument(f"expected two folds or more and no NaN among the scores, got {len(names)} folds")
    thresholds = np.array([_best(values[fold != name], genuine[fold != name]) for name in names])
    accuracies = np.array(
        [
            np.mean((values[fold == name] >= threshold) == genuine[fold == name])
            for name, threshold in zip(names, thresholds, strict=True)
        ]
    )
    error = float(accuracies.std(ddof=1)) / math.sqrt(len(names))
    return FoldAccuracy(float(accuracies.mean()), error, accuracies, thresholds)


def _best(scores: NDArray[np.float64], mated: NDArray[np.bool_]) -> float:
    """The middle one of the thresholds that tell most pairs rightly: between two scores there is no choice."""
    order = np.argsort(scores, kind="stable")
    ordered, genuine = scores[order], mated[order]
    below = np.concatenate([[0], np.cumsum(~genuine)])
    above = genuine.sum() - np.concatenate([[0], np.cumsum(genuine)])
    # A threshold lies between two different scores.
    possible = np.concatenate([[True], ordered[1:] > ordered[:-1], [True]])
    right = np.where(possible, below + above, -1)
    best = np.flatnonzero(right == right.max())
    place = int(best[len(best) // 2])
    lower = ordered[place - 1] if place else ordered[0] - 1
    upper = ordered[place] if place < len(ordered) else ordered[-1] + 1
    return float(upper if np.isinf(lower) else (lower + upper) / 2)
