"""Average linkage over a sparse graph, under constraints, by merging reciprocal nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.recognition._graph import Pairs
from mien.types import Array

__all__ = ["Clusters", "agglomerate"]

_CHUNK = 65_536


@dataclass(slots=True)
class Clusters:
    """Clusters that are about to be merged; `agglomerate` changes them.

    Attributes:
        means: (c, d) float32, mean of the templates of each, not of unit length: the dot product of two means is the
            average of the cosines between the faces of one and those of the other.
        sizes: (c,) float64, how many faces.
        owner: (t,) int64, the cluster that holds a token.
        token: (t,) int64. Clusters that hold the same token are two people.
        into: (c,) int64, the cluster that each has become part of.
    """

    means: Array
    sizes: NDArray[np.float64]
    owner: NDArray[np.int64]
    token: NDArray[np.int64]
    into: NDArray[np.int64]

    def merge(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> None:
        """Merge each second into its first; no cluster may occur twice."""
        sizes = self.sizes[first] + self.sizes[second]
        share = (self.sizes[second] / sizes)[:, None]
        self.means[first] = self.means[first] * (1 - share) + self.means[second] * share
        self.sizes[first] = sizes
        step = np.arange(len(self.into))
        step[second] = first
        self.into = step[self.into]
        self.owner = step[self.owner]

    def scores(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> Array:
        """Average cosine between the faces of pairs of clusters."""
        scores = np.empty(len(first), np.float32)
        for start in range(0, len(first), _CHUNK):
            part = slice(start, start + _CHUNK)
            scores[part] = np.einsum("nd,nd->n", self.means[first[part]], self.means[second[part]])
        return scores

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


def agglomerate(clusters: Clusters, pairs: Pairs, threshold: float) -> bool:
    """Merge the two clusters with the highest average cosine, and again, until none that may be merged reaches it.

    Clusters that are each other's nearest are merged together, round by round. Average linkage is reducible (a merged
    cluster is no closer to a third than the closer of its parts), so the result is that of merging one pair at a
    time (Bruynooghe 1977; Sumengen et al., "Scaling hierarchical agglomerative clustering to billion-sized datasets",
    2021); a pair below the threshold never comes above it and is dropped, and so is one that must not be merged.

    Args:
        clusters: Changed in place.
        pairs: Of clusters that may reach the threshold.
        threshold: Lowest average cosine at which two clusters are merged.

    Returns:
        Whether anything was merged.
    """
    first, second, scores = pairs.first.astype(np.int64), pairs.second.astype(np.int64), pairs.scores
    allowed = ~clusters.apart(first, second)
    first, second, scores = first[allowed], second[allowed], scores[allowed]
    merged = False
    while len(scores):
        chosen = _reciprocal(first, second, scores, len(clusters.means))
        clusters.merge(first[chosen], second[chosen])
        merged = True
        first, second, scores = _contract(clusters, first, second, scores, chosen, threshold)
    return merged


def _reciprocal(first: NDArray[np.int64], second: NDArray[np.int64], scores: Array, clusters: int) -> NDArray[np.int64]:
    """Pairs that are the best of both their clusters; equal ones are told apart by a fixed draw of lots.

    By lot and not by position: of many equal clusters, every one would find the first of them nearest, and a round
    would merge a single pair.
    """
    best = np.full(clusters, -np.inf, np.float32)
    np.maximum.at(best, first, scores)
    np.maximum.at(best, second, scores)
    candidates = np.flatnonzero((scores == best[first]) & (scores == best[second]))
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
    threshold: float,
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
    anew = clusters.scores(low, high)
    near = anew >= threshold
    low, high, anew = low[near], high[near], anew[near]
    allowed = ~clusters.apart(low, high)
    return (
        np.concatenate([first[~stale], low[allowed]]),
        np.concatenate([second[~stale], high[allowed]]),
        np.concatenate([scores[~stale], anew[allowed]]),
    )
