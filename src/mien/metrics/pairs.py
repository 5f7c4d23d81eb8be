"""All comparisons of a set of templates: every mated score, the top of the non-mated ones, and exact totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument
from mien.metrics.histogram import Binned, Histogram, histogram_of

__all__ = ["PairScores", "all_pairs", "cross_pairs", "scored_pairs"]

_ALWAYS_KEPT = 100_000
_BLOCK = 1 << 22

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """Scores of an all-against-all comparison, each with the subjects it compares.

    Error rates worth a decision lie in the uppermost per cent of the non-mated scores; only those are kept, so that
    a set of any size fits in memory, while the totals stay exact.

    Attributes:
        mated: (m,) mated scores, ascending; -inf where a face was missed.
        mated_subjects: (m,) subject of each mated score, an index below ``subjects``.
        tail: (t,) the highest non-mated scores, descending.
        tail_subjects: (t, 2) the two subjects of each score in the tail.
        non_mated_total: How many non-mated comparisons were made.
        probes: (subjects,) samples of each subject on the probe side.
        references: (subjects,) samples of each subject on the reference side.
        symmetric: Whether each pair was compared once, the samples being probes and references at the same time.
        histogram: Where all non-mated scores lie, if asked for.
        floor: Down to which score the tail is whole, None where its last score tells.
    """

    mated: NDArray[np.floating[Any]]
    mated_subjects: Indices
    tail: NDArray[np.floating[Any]]
    tail_subjects: Indices
    non_mated_total: int
    probes: NDArray[np.int64]
    references: NDArray[np.int64]
    symmetric: bool
    histogram: Histogram | None = None
    floor: float | None = None

    @property
    def subjects(self) -> int:
        """How many people take part."""
        return len(self.probes)

    @property
    def complete(self) -> bool:
        """Whether the tail holds every non-mated score."""
        return len(self.tail) == self.non_mated_total

    @property
    def kept_from(self) -> float:
        """The score above which the tail holds every non-mated one; -inf where it holds all."""
        if self.complete:
            return -np.inf
        return self.floor if self.floor is not None else float(self.tail[-1])

    def among(self, chosen: NDArray[np.bool_]) -> PairScores:
        """The comparisons of some of the subjects with one another.

        Args:
            chosen: (subjects,) True for those.

        Raises:
            InvalidArgument: Not one flag a subject.
        """
        if chosen.shape != (self.subjects,):
            raise InvalidArgument(f"chosen: expected one flag a subject, {self.subjects}, got shape {chosen.shape}")
        codes = np.cumsum(chosen) - 1
        mated, tail = chosen[self.mated_subjects], chosen[self.tail_subjects].all(axis=1)
        probes, references = self.probes[chosen], self.references[chosen]
        ordered = int(probes.sum()) * int(references.sum()) - int((probes * references).sum())
        return PairScores(
            self.mated[mated],
            codes[self.mated_subjects[mated]],
            self.tail[tail],
            codes[self.tail_subjects[tail]],
            ordered // 2 if self.symmetric else ordered,
            probes,
            references,
            self.symmetric,
            floor=self.kept_from,
        )

    def non_mated_totals(self, weights: NDArray[np.int64]) -> NDArray[np.int64]:
        """(r,) weighted number of non-mated comparisons under each row of (r, subjects) subject weights."""
        probes, references = weights * self.probes, weights * self.references
        ordered = probes.sum(axis=1) * references.sum(axis=1) - (probes * references).sum(axis=1)
        return np.asarray(ordered // 2 if self.symmetric else ordered)

    def mated_totals(self, weights: NDArray[np.int64]) -> NDArray[np.int64]:
        """(r,) weighted number of mated comparisons under each row of (r, subjects) subject weights."""
        return np.asarray(weights @ np.bincount(self.mated_subjects, minlength=self.subjects))


def all_pairs(
    templates: NDArray[np.floating[Any]],
    subjects: ArrayLike,
    *,
    failed: NDArray[np.bool_] | None = None,
    reach: float = 0.02,
    bins: int = 0,
) -> PairScores:
    """Compare every template with every other once.

    Args:
        templates: (n, d) float32 or float64 of unit length; the score is their cosine.
        subjects: (n,) whose template it is: integers or strings.
        failed: (n,) True where no face was found; all comparisons of that sample score -inf, whatever its row holds.
        reach: Share of the non-mated scores to keep from the top, at least 100,000 scores. A bootstrap at a false
            match rate f needs about twice f; 1 keeps all.
        bins: Bins of a histogram of all non-mated scores over [-1, 1], which a DET curve beyond the tail needs; 0 for
            none.

    Returns:
        The scores. 7.3 million pairs of 128 dimensions take about a second.

    Raises:
        InvalidArgument: The columns do not belong together, templates are not finite, or nothing can be compared.
    """
    samples, failures = _checked(templates, failed)
    people, codes = np.unique(np.asarray(subjects), return_inverse=True)
    if codes.shape != (len(samples),):
        raise InvalidArgument(f"subjects: expected one a template, {len(samples)}, got shape {codes.shape}")
    counts = np.bincount(codes, minlength=len(people))
    return _compare((samples, codes, failures), (samples, codes, failures), counts, counts, reach, bins, symmetric=True)


def cross_pairs(
    probes: NDArray[np.floating[Any]],
    probe_subjects: ArrayLike,
    references: NDArray[np.floating[Any]],
    reference_subjects: ArrayLike,
    *,
    failed: NDArray[np.bool_] | None = None,
    reach: float = 0.02,
    bins: int = 0,
) -> PairScores:
    """Compare every probe with every reference; no image may be on both sides.

    Args:
        probes: (n, d) templates of unit length.
        probe_subjects: (n,) whose they are.
        references: (m, d) templates of unit length.
        reference_subjects: (m,) whose they are, of the same kind.
        failed: (n,) True where no face was found in the probe.
        reach: As in `all_pairs`.
        bins: As in `all_pairs`.

    Returns:
        The scores.

    Raises:
        InvalidArgument: As `all_pairs`.
    """
    left, failures = _checked(probes, failed)
    right, none = _checked(references, None)
    both = np.concatenate([np.asarray(probe_subjects), np.asarray(reference_subjects)])
    people, codes = np.unique(both, return_inverse=True)
    if codes.shape != (len(left) + len(right),) or len(np.asarray(probe_subjects)) != len(left):
        raise InvalidArgument("subjects: expected one a template on either side")
    if left.shape[1] != right.shape[1]:
        raise InvalidArgument(f"templates of {left.shape[1]} and {right.shape[1]} dimensions cannot be compared")
    ours, theirs = codes[: len(left)], codes[len(left) :]
    counts = (np.bincount(ours, minlength=len(people)), np.bincount(theirs, minlength=len(people)))
    return _compare((left, ours, failures), (right, theirs, none), *counts, reach, bins, symmetric=False)


def scored_pairs(
    scores: NDArray[np.floating[Any]],
    probe_subjects: ArrayLike,
    reference_subjects: ArrayLike | None = None,
    *,
    reach: float = 0.02,
    bins: int = 0,
) -> PairScores:
    """Comparisons whose scores are no cosines of templates, and have been computed already.

    Args:
        scores: (n, m) float32 or float64, the higher the more alike; -inf where a face was missed.
        probe_subjects: (n,) whose each row is.
        reference_subjects: (m,) whose each column is, of the same kind; None where rows and columns are the same
            samples (n = m, a symmetric matrix), of which each pair then counts once and no sample meets itself.
        reach: As in `all_pairs`.
        bins: As in `all_pairs`, over the range of the scores.

    Returns:
        The scores.

    Raises:
        InvalidArgument: The matrix is not of that shape and type, or has a score that is no number.
    """
    symmetric = reference_subjects is None
    left = np.asarray(probe_subjects)
    right = left if reference_subjects is None else np.asarray(reference_subjects)
    matrix = np.asarray(scores)
    if matrix.shape != (len(left), len(right)) or matrix.dtype not in (np.float32, np.float64):
        raise InvalidArgument(
            f"scores: expected ({len(left)}, {len(right)}) float32 or float64, got {matrix.shape} {matrix.dtype}"
        )
    if np.isnan(matrix).any():
        raise InvalidArgument("scores: not a number; give -inf where a face was missed")
    people, codes = np.unique(np.concatenate([left, right]), return_inverse=True)
    ours, theirs = codes[: len(left)], codes[len(left) :]
    counted = np.triu(np.ones(matrix.shape, bool), 1) if symmetric else np.ones(matrix.shape, bool)
    same = ours[:, None] == theirs[None]
    row, column = np.nonzero(counted & same)
    order = np.argsort(matrix[row, column], kind="stable")
    mated, owners = matrix[row, column][order], ours[row][order]
    row, column = np.nonzero(counted & ~same)
    tail = _Top(_kept(len(row), reach), matrix.dtype)
    tail.add(matrix[row, column], np.stack([ours[row], theirs[column]], axis=1))
    counts = [np.bincount(side, minlength=len(people)) for side in (ours, theirs)]
    histogram = histogram_of(matrix, counted & ~same, ours, theirs, bins, len(people)) if bins else None
    return PairScores(mated, owners, *tail.sorted(), len(row), counts[0], counts[1], symmetric, histogram)


_Side = tuple[NDArray[np.floating[Any]], Indices, NDArray[np.bool_]]


def _compare(
    left: _Side,
    right: _Side,
    probes: NDArray[np.int64],
    references: NDArray[np.int64],
    reach: float,
    bins: int,
    *,
    symmetric: bool,
) -> PairScores:
    ordered = int(probes.sum()) * int(references.sum()) - int((probes * references).sum())
    total = ordered // 2 if symmetric else ordered
    tail = _Top(_kept(total, reach), left[0].dtype)
    spread = Binned(np.linspace(-1.0, 1.0, bins + 1), len(probes)) if bins else None
    mated: list[NDArray[np.floating[Any]]] = []
    mated_subjects: list[Indices] = []
    rows = max(1, _BLOCK // max(1, len(right[0])))
    for start in range(0, len(left[0]), rows):
        first = start if symmetric else 0
        scores = _block(left, right, start, start + rows, first)
        same = left[1][start : start + rows, None] == right[1][None, first:]
        other = ~same
        if symmetric:
            later = np.arange(scores.shape[1]) > np.arange(scores.shape[0])[:, None]
            same &= later
            other &= later
        row, column = np.nonzero(same)
        mated.append(scores[row, column])
        mated_subjects.append(left[1][start + row])
        if spread is not None:
            spread.add(scores, other, left[1][start : start + rows], right[1][first:])
        row, column = np.nonzero(other & (scores >= tail.floor))
        tail.add(scores[row, column], np.stack([left[1][start + row], right[1][first + column]], axis=1))
    top, top_subjects = tail.sorted()
    genuine, owners = np.concatenate(mated), np.concatenate(mated_subjects)
    order = np.argsort(genuine, kind="stable")
    histogram = None if spread is None else spread.histogram()
    return PairScores(genuine[order], owners[order], top, top_subjects, total, probes, references, symmetric, histogram)


def _kept(total: int, reach: float) -> int:
    """How many of the non-mated scores to keep."""
    if not 0 < reach <= 1:
        raise InvalidArgument(f"reach: expected a share in (0, 1], got {reach}")
    return min(total, max(_ALWAYS_KEPT, int(np.ceil(reach * total))))


def _block(left: _Side, right: _Side, start: int, stop: int, first: int) -> NDArray[np.floating[Any]]:
    scores: NDArray[np.floating[Any]] = left[0][start:stop] @ right[0][first:].T
    scores[left[2][start:stop]] = -np.inf
    scores[:, right[2][first:]] = -np.inf
    return scores


class _Top:
    """The ``size`` highest scores seen so far, in memory for about twice as many."""

    def __init__(self, size: int, dtype: np.dtype[Any]) -> None:
        self.size = size
        self.floor = -np.inf
        self._scores = [np.empty(0, dtype)]
        self._subjects = [np.empty((0, 2), np.intp)]
        self._held = 0

    def add(self, scores: NDArray[np.floating[Any]], subjects: Indices) -> None:
        self._scores.append(scores)
        self._subjects.append(subjects)
        self._held += len(scores)
        if self._held > 2 * self.size + _BLOCK:
            self._shrink()

    def sorted(self) -> tuple[NDArray[np.floating[Any]], Indices]:
        self._shrink()
        order = np.argsort(-self._scores[0], kind="stable")
        return self._scores[0][order], self._subjects[0][order]

    def _shrink(self) -> None:
        scores, subjects = np.concatenate(self._scores), np.concatenate(self._subjects)
        if len(scores) > self.size > 0:
            best = np.argpartition(-scores, self.size - 1)[: self.size]
            scores, subjects = scores[best], subjects[best]
            self.floor = float(scores.min())
        self._scores, self._subjects, self._held = [scores], [subjects], len(scores)


def _checked(
    templates: NDArray[np.floating[Any]], failed: NDArray[np.bool_] | None
) -> tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]:
    samples = np.asarray(templates)
    if samples.ndim != 2 or not len(samples) or samples.dtype not in (np.float32, np.float64):
        raise InvalidArgument(f"templates: expected (n, d) float32 or float64, got {samples.shape} {samples.dtype}")
    failures = np.zeros(len(samples), bool) if failed is None else np.asarray(failed, bool)
    if failures.shape != (len(samples),):
        raise InvalidArgument(f"failed: expected one flag a template, {len(samples)}, got shape {failures.shape}")
    samples = np.where(failures[:, None], samples.dtype.type(0), samples)
    if not np.all(np.isfinite(samples)):
        raise InvalidArgument("templates: not finite; mark samples without a face in `failed`")
    return samples, failures
