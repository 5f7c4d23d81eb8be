"""Searches of galleries of any size drawn from one set of people, in expectation over every gallery there could be.

Whether a search for a stranger returns anybody depends on how many of all people look like that stranger. With that
number counted for everybody, the share of searches that fail is exact for a gallery of N: the chance that none of a
stranger's k look-alikes is among N people drawn from P without replacement is C(P - k, N) / C(P, N). Nothing is
assumed about how look-alikes are spread, as 1 - (1 - FMR)^N does, which takes them for independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument
from mien.metrics.dyadic import Spread, freedom_of
from mien.metrics.intervals import Rate, estimate, is_supported, rule_of_three
from mien.metrics.verification import as_thresholds

__all__ = ["Searches", "all_searches"]

_LEAST_KEPT = 20_000

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """One probe and one reference image of each person, all probes compared with all references; drawn several times.

    Attributes:
        people: How many people there are.
        draws: How often probe and reference images were drawn.
        tail: (t,) the highest non-mated scores of all draws, descending.
        probes: (t,) draw x people + person of each score's probe.
        references: (t,) person of each score's reference.
        mates: (m,) score of each probe against its own person, of those with two images; -inf where a face was missed.
        mate_people: (m,) whose they are.
        outranked: (m,) how many others score at least as high as the mate: a tie counts against the system.
        complete: Whether the tail holds every non-mated score.
    """

    people: int
    draws: int
    tail: NDArray[np.floating[Any]]
    probes: NDArray[np.intp]
    references: NDArray[np.intp]
    mates: NDArray[np.floating[Any]]
    mate_people: NDArray[np.intp]
    outranked: NDArray[np.int64]
    complete: bool

    def fpir(self, size: int, threshold: float, *, confidence: float = 0.95) -> Rate:
        """False positive identification rate of a gallery of ``size`` people at a threshold.

        Args:
            size: People in the gallery, one reference image each.
            threshold: Lowest score that is a match.
            confidence: Of the interval.

        Returns:
            The rate, with the two-sided interval that knows who recurs. ``errors`` counts the searches that fail on
            average or, where they are more, the pairs of people who match falsely, from whom the failures of small
            galleries are drawn; ``people`` is who is in them. 30 of each support a rate.

        Raises:
            InvalidArgument: No such gallery can be drawn, or the threshold lies below the tail that was kept.
        """
        depth = self._depth(threshold)
        errors, behind = self._behind(size, depth)
        supported = is_supported(errors, behind)
        value, spread = self._spread(size, depth)
        if supported:
            low, high = spread.interval(confidence)
        else:
            low, high = 0.0, max(value, self._bound(size, confidence))
        return Rate(value, low, high, errors, self.people * (self.people - 1) // 2, supported, behind)

    def predict_fpir(
        self, size: int, threshold: float, *, strangers: int, confidence: float = 0.95
    ) -> tuple[float, float]:
        """Where the rate measured in one gallery of other people, with searches for so many others, will fall.

        Wider than the interval of `fpir`, which is of the mean over galleries: one gallery holds more or fewer people
        who look like many, and few searches count few errors.

        Args:
            size: People in that gallery.
            threshold: Lowest score that is a match.
            strangers: How many others will be searched for, once each.
            confidence: Of the interval.

        Returns:
            (low, high); ``low`` is 0 where fewer than 30 false matches stand behind the rate.

        Raises:
            InvalidArgument: As `fpir`, or no stranger.
        """
        if strangers < 1:
            raise InvalidArgument(f"strangers: expected at least one, got {strangers}")
        depth = self._depth(threshold)
        value, spread = self._spread(size, depth)
        alike = np.bincount(self.references[:depth], minlength=self.people) / (self.draws * self.people)
        # How alike people are to others varies by chance as well; only what goes beyond is theirs.
        popular = max(0.0, float(alike.var()) - float(alike.mean()) / self.people)
        there = value * (1 - value) / strangers + size * popular
        wider = Spread(value, spread.people, spread.pairs + there, spread.freedom)
        low, high = wider.interval(confidence)
        return (low if is_supported(*self._behind(size, depth)) else 0.0), high

    def fpir_value(self, size: int, threshold: float) -> float:
        """As `fpir`, the rate alone: for curves, whose points are many.

        Raises:
            InvalidArgument: As `fpir`.
        """
        return self._value(size, self._depth(threshold))

    def threshold_at_fpir(self, size: int, target: float) -> float:
        """The lowest threshold at which the false positive identification rate does not exceed a target.

        Args:
            size: People in the gallery.
            target: Rate in [0, 1).

        Raises:
            InvalidArgument: No such gallery can be drawn, or the tail is too short for the target.
        """
        if not 0 <= target < 1:
            raise InvalidArgument(f"target: expected a rate in [0, 1), got {target}")
        low, high = 0, len(self.tail)
        while low < high:
            middle = (low + high + 1) // 2
            if self._value(size, middle) <= target:
                low = middle
            else:
                high = middle - 1
        if low == len(self.tail):
            if self.complete:
                return -math.inf
            raise InvalidArgument(f"target {target}: {low} non-mated scores are too few for {size} people")
        return float(np.nextafter(self.tail[low], self.tail.dtype.type(np.inf)))

    def fnir(self, size: int, threshold: float, *, confidence: float = 0.95) -> Rate:
        """False negative identification rate at rank 1: somebody else comes first, or the mate is below the threshold.

        Args:
            size: People in the gallery, the mate among them.
            threshold: Lowest score that is a match; -inf for a search by rank alone.
            confidence: Of the interval.

        Returns:
            The rate, every person weighing the same; its interval draws people.

        Raises:
            InvalidArgument: No such gallery can be drawn, or nobody has two images.
        """
        if not len(self.mates):
            raise InvalidArgument("expected people with two images: one to enrol, one to search with")
        as_thresholds(threshold)
        alone = 1.0 - self._reached(size - 1, int(self.outranked.max(initial=0)))[self.outranked]
        found = np.where((self.mates >= threshold) & np.isfinite(self.mates), alone, 0.0)
        people, codes = np.unique(self.mate_people, return_inverse=True)
        missed = 1.0 - np.bincount(codes, found) / np.bincount(codes)
        value = float(missed.mean())
        errors = int(np.count_nonzero(missed > 0.5))
        if not missed.any():
            return estimate(0, len(people), confidence=confidence, people=0)
        residuals = (missed - value) / len(people)
        variance = max(float((residuals**2).sum()), value * (1 - value) / len(people) * 0.5)
        low, high = Spread(value, variance, 0.0, freedom_of(residuals)).interval(confidence)
        return Rate(value, low, high, errors, len(people), is_supported(errors, errors), errors)

    def cmc(self, ranks: int) -> Values:
        """(ranks,) share of mated searches of everybody that name the mate among the first r, people weighing the same.

        Raises:
            InvalidArgument: Nobody has two images, or no rank.
        """
        if not len(self.mates) or ranks < 1:
            raise InvalidArgument("expected people with two images, and one rank at least")
        _, codes, counts = np.unique(self.mate_people, return_inverse=True, return_counts=True)
        weights = np.where(np.isfinite(self.mates), 1.0 / counts[codes], 0.0) / len(counts)
        by_rank = np.bincount(np.minimum(self.outranked, ranks), weights, ranks + 1)
        return np.cumsum(by_rank[:ranks])

    def _depth(self, threshold: float) -> int:
        depth = int(np.searchsorted(-self.tail, -np.float64(as_thresholds(threshold)), side="right"))
        if depth == len(self.tail) and not self.complete:
            raise InvalidArgument(f"threshold {threshold}: below the {depth} non-mated scores kept; raise `reach`")
        return depth

    def _reached(self, size: int, most: int) -> Values:
        """(most + 1,) chance that a gallery of ``size`` holds any of k people, for each k."""
        pool = self.people - 1
        if not 0 <= size <= pool:
            raise InvalidArgument(f"size: expected a gallery of at most {pool} others of {self.people}, got {size}")
        taken = np.arange(most)
        left = np.maximum(pool - size - taken, 0) / np.maximum(pool - taken, 1)
        return np.concatenate([[0.0], 1.0 - np.cumprod(left)])

    def _value(self, size: int, depth: int) -> float:
        alike = np.bincount(self.probes[:depth], minlength=self.draws * self.people)
        return float(self._reached(size, int(alike.max(initial=0)))[alike].mean())

    def _behind(self, size: int, depth: int) -> tuple[int, int]:
        """Errors that a rate rests on, as `fpir` counts them, and how many people are in them."""
        first, second = self.probes[:depth] % self.people, self.references[:depth]
        keys = np.unique(np.minimum(first, second) * self.people + np.maximum(first, second))
        errors = max(len(keys), int(self._value(size, depth) * self.people))
        return errors, len(np.unique(np.concatenate(np.divmod(keys, self.people))))

    def _spread(self, size: int, depth: int) -> tuple[float, Spread]:
        """The rate and its variance: what each person adds as a stranger and as one of a gallery."""
        probes, references = self.probes[:depth], self.references[:depth]
        alike = np.bincount(probes, minlength=self.draws * self.people)
        reached = self._reached(size, int(alike.max(initial=0)))
        value = float(reached[alike].mean())
        searched = reached[alike].reshape(self.draws, self.people).mean(axis=0)
        # What a search loses when one of its look-alikes is not there.
        added = (reached[alike[probes]] - reached[alike[probes] - 1]) / (self.draws * self.people)
        enrolled = np.bincount(references, added, self.people)
        residuals = (searched - value) / self.people + enrolled - enrolled.mean()
        first = probes % self.people
        keys = np.minimum(first, references) * self.people + np.maximum(first, references)
        _, codes = np.unique(keys, return_inverse=True)
        by_pair = float((np.bincount(codes, added) ** 2).sum()) if depth else 0.0
        people = max(0.0, float((residuals**2).sum()) - 2 * by_pair)
        return value, Spread(value, people, by_pair, freedom_of(residuals))

    def _bound(self, size: int, confidence: float) -> float:
        """One-sided bound of a rate with too few errors: that of the lowest rate which is supported."""
        low, high = 0, len(self.tail)
        while low < high:
            middle = (low + high) // 2
            if is_supported(*self._behind(size, middle)):
                high = middle
            else:
                low = middle + 1
        if not is_supported(*self._behind(size, low)):
            return min(1.0, rule_of_three(max(1, self.people // 2), confidence=confidence) * size)
        return self._spread(size, low)[1].interval(confidence, one_sided=True)[1]


def all_searches(
    templates: NDArray[np.floating[Any]],
    subjects: ArrayLike,
    *,
    failed: NDArray[np.bool_] | None = None,
    draws: int = 4,
    reach: float = 0.05,
    seed: int = 0,
) -> Searches:
    """Search for everybody, with one image, among everybody else's one image.

    Args:
        templates: (n, d) float32 or float64 of unit length; the score is their cosine.
        subjects: (n,) whose template it is.
        failed: (n,) True where no face was found.
        draws: How often to draw which image is the probe and which the reference.
        reach: Share of the non-mated scores to keep from the top.
        seed: Of the draws.

    Raises:
        InvalidArgument: Columns that do not belong together, fewer than two people, or no draw.
    """
    samples = np.asarray(templates)
    missing = np.zeros(len(samples), bool) if failed is None else np.asarray(failed, bool)
    people, codes = np.unique(np.asarray(subjects), return_inverse=True)
    if samples.ndim != 2 or codes.shape != samples.shape[:1] or missing.shape != codes.shape:
        raise InvalidArgument(f"expected (n, d) templates and n subjects, got {samples.shape} and {codes.shape}")
    if len(people) < 2:
        raise InvalidArgument(f"expected two people at least, got {len(people)}")
    if draws < 1 or not 0 < reach <= 1:
        raise InvalidArgument(f"expected one draw at least and a reach in (0, 1], got {draws} and {reach}")
    samples = np.where(missing[:, None], samples.dtype.type(0), samples)
    if not np.isfinite(samples).all():
        raise InvalidArgument("templates: not finite; mark samples without a face in `failed`")
    rng = np.random.default_rng(seed)
    rounds = [_round(samples, codes, missing, len(people), reach, rng) for _ in range(draws)]
    kept = max(1, min(len(one.scores) for one in rounds))
    floor = max(float(one.scores[kept - 1]) for one in rounds)
    tops = [one.down_to(floor) for one in rounds]
    scores = np.concatenate([one.scores for one in tops])
    order = np.argsort(-scores, kind="stable")
    return Searches(
        people=len(people),
        draws=draws,
        tail=scores[order],
        probes=np.concatenate([one.probes + at * len(people) for at, one in enumerate(tops)])[order],
        references=np.concatenate([one.references for one in tops])[order],
        mates=np.concatenate([one.mates for one in tops]),
        mate_people=np.concatenate([one.mate_people for one in tops]),
        outranked=np.concatenate([one.outranked for one in tops]),
        complete=len(scores) == draws * len(people) * (len(people) - 1),
    )


@dataclass(frozen=True, slots=True)
class _Round:
    scores: NDArray[np.floating[Any]]
    probes: NDArray[np.intp]
    references: NDArray[np.intp]
    mates: NDArray[np.floating[Any]]
    mate_people: NDArray[np.intp]
    outranked: NDArray[np.int64]

    def down_to(self, floor: float) -> _Round:
        depth = int(np.searchsorted(-self.scores, -np.float64(floor), side="right"))
        return _Round(
            self.scores[:depth],
            self.probes[:depth],
            self.references[:depth],
            self.mates,
            self.mate_people,
            self.outranked,
        )


def _round(
    samples: NDArray[np.floating[Any]],
    codes: NDArray[np.intp],
    missing: NDArray[np.bool_],
    people: int,
    reach: float,
    rng: np.random.Generator,
) -> _Round:
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    counts = np.bincount(codes, minlength=people)
    starts = np.cumsum(counts) - counts
    references, probes = order[starts], order[starts + (counts > 1)]
    table = samples[probes] @ samples[references].T
    table[missing[probes]] = -np.inf
    table[:, missing[references]] = -np.inf
    mate_people = np.flatnonzero(counts > 1)
    mates = table[mate_people, mate_people].copy()
    np.fill_diagonal(table, -np.inf)
    outranked = np.count_nonzero(table[mate_people] >= mates[:, None], axis=1) - np.isneginf(mates)
    off = people * (people - 1)
    kept = max(min(off, _LEAST_KEPT), math.ceil(reach * off))
    # The diagonal's -inf comes last, or ties with missed faces, which never match.
    flat = np.argpartition(-table, min(kept, table.size) - 1, axis=None)[:kept]
    flat = flat[np.argsort(-table.ravel()[flat], kind="stable")]
    rows, columns = np.divmod(flat, people)
    return _Round(table.ravel()[flat], rows, columns, mates, mate_people, outranked)
