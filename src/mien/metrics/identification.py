"""Searches of a gallery: who is found, who is missed, and how often a stranger is taken for somebody."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument
from mien.metrics.verification import as_scores, as_thresholds, fmr, threshold_at_fmr

__all__ = ["cmc", "detection_and_identification_rate", "fnir", "fpir", "mate_ranks", "threshold_at_fpir"]

Ranks = NDArray[np.int64]


def mate_ranks(scores: NDArray[np.floating[Any]], mates: ArrayLike) -> Ranks:
    """Position of each probe's mate in its candidate list, 1 for the first.

    A tie counts against the system: whoever scores as high as the mate stands before them, or a matcher that gives
    everybody the same score would win.

    Args:
        scores: (n, people) score of each probe against each person of the gallery; -inf where a face was missed.
        mates: (n,) column of the person the probe shows.

    Returns:
        (n,) int64, 1 to the number of people.

    Raises:
        InvalidArgument: Shapes do not fit, NaN among the scores, or a mate outside the gallery.
    """
    table, columns = np.asarray(scores), np.asarray(mates)
    if table.ndim != 2 or columns.shape != table.shape[:1]:
        raise InvalidArgument(f"expected (n, people) scores and (n,) mates, got {table.shape} and {columns.shape}")
    if np.isnan(table).any():
        raise InvalidArgument("scores: NaN among them; a missed face is -inf")
    if len(columns) and not (columns.min() >= 0 and columns.max() < table.shape[1]):
        raise InvalidArgument(f"mates: expected columns of the gallery, 0 to {table.shape[1] - 1}")
    own = np.take_along_axis(table, columns[:, None], axis=1)
    return np.asarray(np.count_nonzero(table >= own, axis=1), np.int64)


def cmc(ranks: Ranks, *, length: int | None = None) -> NDArray[np.float64]:
    """Cumulative match characteristic of a closed set: the share of probes whose mate is among the first r.

    Args:
        ranks: (n,) as `mate_ranks` gives them.
        length: Up to which rank, by default the worst one there is.

    Returns:
        (length,) float64; the first is the rank-1 rate.

    Raises:
        InvalidArgument: No ranks, or a rank below 1.
    """
    if not len(ranks) or ranks.min() < 1:
        raise InvalidArgument("ranks: expected at least one, each 1 or more")
    reach = length or int(ranks.max())
    return np.asarray(np.cumsum(np.bincount(ranks, minlength=reach + 1)[1 : reach + 1]) / len(ranks))


def fpir(best: ArrayLike, threshold: ArrayLike) -> NDArray[np.float64]:
    """False positive identification rate: the share of searches for strangers that return anybody.

    Args:
        best: (n,) highest score of each search for a person who is not in the gallery.
        threshold: One threshold or an array of them.

    Returns:
        float64 of the thresholds' shape.

    Raises:
        InvalidArgument: No scores, or NaN or +inf among them.
    """
    return fmr(best, threshold)


def fnir(mate_scores: ArrayLike, ranks: Ranks, threshold: float, *, candidates: int = 1) -> float:
    """False negative identification rate: the mate is not among the candidates, or below the threshold.

    Args:
        mate_scores: (n,) score of each probe against its mate; -inf where a face was missed.
        ranks: (n,) as `mate_ranks` gives them.
        threshold: Lowest score that is a match; -inf for a search by rank alone.
        candidates: Length of the candidate list.

    Raises:
        InvalidArgument: No scores, NaN or +inf among them, or the columns differ in length.
    """
    scores = as_scores(mate_scores, "mate_scores")
    if np.shape(ranks) != scores.shape:
        raise InvalidArgument(f"ranks: expected one a score, {scores.shape}, got {np.shape(ranks)}")
    return float(np.mean((scores < as_thresholds(threshold)) | (ranks > candidates) | np.isneginf(scores)))


def detection_and_identification_rate(mate_scores: ArrayLike, ranks: Ranks, threshold: float) -> float:
    """DIR of an open set (Phillips, Grother and Micheals, 2011): the mate comes first and reaches the threshold.

    It is 1 - FNIR at one candidate; with a threshold of -inf, the rank-1 rate of a closed set.

    Args:
        mate_scores: (n,) score of each probe against its mate; -inf where a face was missed.
        ranks: (n,) as `mate_ranks` gives them.
        threshold: Lowest score that is a match.

    Raises:
        InvalidArgument: As `fnir`.
    """
    return 1.0 - fnir(mate_scores, ranks, threshold)


def threshold_at_fpir(best: ArrayLike, target: float) -> float:
    """The lowest threshold at which at most a share ``target`` of the searches for strangers returns anybody.

    Args:
        best: (n,) highest score of each search of *this* gallery for a person who is not in it.
        target: False positive identification rate in [0, 1].

    Raises:
        InvalidArgument: As `threshold_at_fmr`.
    """
    return threshold_at_fmr(best, target)
