"""Agglomeration over a sparse graph, under constraints, by merging reciprocal nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.recognition._graph import Pairs
from mien.types import Array

__all__ = ["Clusters", "agglomerate", "evidence"]

_CHUNK = 65_536
# Variance between people and within them, in shares of a template's squared length: those of a model that is surer of
# nothing than it may be. Measured on LFW they are 0.66 and 0.34, but photos of one person are not independent (one
# day, one pair of glasses), and with the variance within doubled the decisions on sets of faces are right.
_BETWEEN, _WITHIN = 0.48, 0.68


@dataclass(slots=True)
class Clusters:
    """Clusters that are about to be merged; `agglomerate` changes them.

    Attributes:
        means: (c, d) float32, mean of the templates of each, not of unit length: the dot product of two means is the
            average of the cosines between the faces of one and those of the other.
        sizes: (c,) float64, how many faces; equal templates count as one.
        owner: (t,) int64, the cluster that holds a token.
        token: (t,) int64. Clusters that hold the same token are two people.
        into: (c,) int64, the cluster that each has become part of.
        squares: (c,) float64, squared length of each mean.
    """

    means: Array
    sizes: NDArray[np.float64]
    owner: NDArray[np.int64]
    token: NDArray[np.int64]
    into: NDArray[np.int64]
    squares: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.squares = np.einsum("cd,cd->c", self.means, self.means).astype(np.float64)

    def merge(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> None:
        """Merge each second into its first; no cluster may occur twice."""
        sizes = self.sizes[first] + self.sizes[second]
        share = (self.sizes[second] / sizes)[:, None]
        self.means[first] = self.means[first] * (1 - share) + self.means[second] * share
        self.sizes[first] = sizes
        self.squares[first] = np.einsum("nd,nd->n", self.means[first], self.means[first])
        step = np.arange(len(self.into))
        step[second] = first
        self.into = step[self.into]
        self.owner = step[self.owner]

    def cosines(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> Array:
        """Average cosine between the faces of pairs of clusters."""
        cosines = np.empty(len(first), np.float32)
        for start in range(0, len(first), _CHUNK):
            part = slice(start, start + _CHUNK)
            cosines[part] = np.einsum("nd,nd->n", self.means[first[part]], self.means[second[part]])
        return cosines

    def scores(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> Array:
        """How much speaks for pairs of clusters being one person each, as `evidence`."""
        ends = self.sizes[first], self.sizes[second], self.squares[first], self.squares[second]
        return evidence(self.cosines(first, second), *ends).astype(np.float32)

    def apart(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which pairs share a token: the tokens of the one with fewer are looked up among those of the other."""
        shared = np.zeros(len(first), bool)
        if not len(self.token):
            return shared
        width = int(self.token.max()) + 1
        held = np.sort(self.owner * width + self.token)
        counts = np.bincount(self.owner, minlength=len(self.means))
        starts = np.cumsum(counts) - counts
        swap = counts[first] > counts[second]
        few, many = np.where(swap, second, first), np.where(swap, first, second)
        pair = np.repeat(np.arange(len(few)), counts[few])
        within = np.arange(len(pair)) - np.repeat(np.cumsum(counts[few]) - counts[few], counts[few])
        wanted = many[pair] * width + held[starts[few[pair]] + within] % width
        found = held[np.minimum(np.searchsorted(held, wanted), len(held) - 1)] == wanted
        shared[pair[found]] = True
        return shared


def evidence(
    cosines: NDArray[Any], size: NDArray[Any], other: NDArray[Any], square: NDArray[Any], other_square: NDArray[Any]
) -> NDArray[np.float64]:
    """How much speaks for two sets of faces being one person's, as the cosine of two single faces that says as much.

    Logarithm of the likelihood ratio of one person to two, where a template is a person's mean plus what differs from
    photo to photo, both normally distributed and alike in every direction (the two-covariance model: Bruemmer and de
    Villiers, "The speaker partitioning problem", 2010). It grows with the number of faces that agree, which an average
    of cosines does not, and is a linear function of the cosine where both sets are single faces.

    Args:
        cosines: Average cosine between the faces of one set and those of the other: the dot product of their means.
        size: How many faces one set has.
        other: How many the other.
        square: Squared length of the mean of one set.
        other_square: Of the other.
    """
    ratio = _BETWEEN / _WITHIN

    def joint(squared_sum: NDArray[Any], n: NDArray[Any]) -> NDArray[np.float64]:
        spread = 1 + n * ratio
        return np.asarray(squared_sum * (_BETWEEN / _WITHIN**2) / spread - np.log(spread))

    both = size**2 * square + other**2 * other_square + 2 * size * other * cosines
    llr = joint(both, size + other) - joint(size**2 * square, size) - joint(other**2 * other_square, other)
    one = np.ones(1)
    at_zero = joint(2 * one, 2 * one) - 2 * joint(one, one)
    slope = 2 * (_BETWEEN / _WITHIN**2) / (1 + 2 * ratio)
    return np.asarray((llr - at_zero) / slope)


def agglomerate(clusters: Clusters, pairs: Pairs, threshold: float, floor: float) -> bool:
    """Merge the clusters that most speaks for being one person, and again, until no two that may be merged are.

    Clusters that are each other's nearest are merged together, round by round (as Sumengen et al., "Scaling
    hierarchical agglomerative clustering to billion-sized datasets", 2021). A pair that must not be merged is dropped.

    Args:
        clusters: Changed in place.
        pairs: Of clusters that may reach the threshold.
        threshold: Lowest `evidence` at which two clusters are merged.
        floor: Average cosine below which two clusters are looked at no more.

    Returns:
        Whether anything was merged.
    """
    first, second = pairs.first.astype(np.int64), pairs.second.astype(np.int64)
    allowed = ~clusters.apart(first, second)
    first, second = first[allowed], second[allowed]
    scores = clusters.scores(first, second)
    merged = False
    while True:
        chosen = _reciprocal(first, second, scores, len(clusters.means), threshold)
        if not len(chosen):
            return merged
        clusters.merge(first[chosen], second[chosen])
        merged = True
        first, second, scores = _contract(clusters, first, second, scores, chosen, floor)


def _reciprocal(
    first: NDArray[np.int64], second: NDArray[np.int64], scores: Array, clusters: int, threshold: float
) -> NDArray[np.int64]:
    """Pairs that reach the threshold and are the best of both their clusters; equal ones by a fixed draw of lots.

    By lot and not by position: of many equal clusters, every one would find the first of them nearest, and a round
    would merge a single pair.
    """
    best = np.full(clusters, -np.inf, np.float32)
    np.maximum.at(best, first, scores)
    np.maximum.at(best, second, scores)
    candidates = np.flatnonzero((scores >= threshold) & (scores == best[first]) & (scores == best[second]))
    lots = np.random.default_rng(0).permutation(len(candidates))
    drawn = np.full(clusters, -1, np.int64)
    np.maximum.at(drawn, first[candidates], lots)
    np.maximum.at(drawn, second[candidates], lots)
    won = (lots == drawn[first[candidates]]) & (lots == drawn[second[candidates]])
    return np.asarray(candidates[won])


def _contract(
    clusters: Clusters,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    scores: Array,
    chosen: NDArray[np.int64],
    floor: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """The pairs after a round: those of merged clusters joined and compared anew."""
    step = np.arange(len(clusters.means))
    step[second[chosen]] = first[chosen]
    touched = np.zeros(len(step), bool)
    touched[first[chosen]] = touched[second[chosen]] = True
    stale = touched[first] | touched[second]
    ends = np.sort(np.stack([step[first[stale]], step[second[stale]]]), axis=0)
    keys = np.unique(ends[0] * len(step) + ends[1])
    low, high = np.divmod(keys, len(step))
    low, high = low[low != high], high[low != high]
    near = clusters.cosines(low, high) >= floor
    low, high = low[near], high[near]
    allowed = ~clusters.apart(low, high)
    low, high = low[allowed], high[allowed]
    return (
        np.concatenate([first[~stale], low]),
        np.concatenate([second[~stale], high]),
        np.concatenate([scores[~stale], clusters.scores(low, high)]),
    )
