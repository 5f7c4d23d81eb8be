"""The comparisons that went wrong most: the most alike of two people, the least alike of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.types import Array

__all__ = ["Mistake", "least_alike", "mated_rows", "most_alike"]

_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True)
class Mistake:
    """Two samples by their rows, and their comparison score."""

    first: int
    second: int
    score: float


def mated_rows(subjects: NDArray[Any]) -> NDArray[np.intp]:
    """(m, 2) rows of every two samples of one person.

    Args:
        subjects: (n,) whose each sample is.
    """
    order = np.argsort(subjects, kind="stable")
    starts = np.flatnonzero(subjects[order][1:] != subjects[order][:-1]) + 1
    groups = np.split(order, starts)
    pairs = [group[np.stack(np.triu_indices(len(group), 1), axis=1)] for group in groups]
    return np.concatenate([np.empty((0, 2), np.intp), *pairs])


def least_alike(templates: Array, subjects: NDArray[Any], failed: NDArray[np.bool_], count: int) -> tuple[Mistake, ...]:
    """The ``count`` mated comparisons of the lowest scores, the lowest first; faces that were missed left out.

    Args:
        templates: (n, d) float32 of unit length.
        subjects: (n,) whose each is.
        failed: (n,) True where no face was found.
        count: How many at most.
    """
    rows = mated_rows(subjects)
    rows = rows[~failed[rows].any(axis=1)]
    scores = np.einsum("nd,nd->n", templates[rows[:, 0]], templates[rows[:, 1]])
    order = np.argsort(scores, kind="stable")[:count]
    return tuple(Mistake(int(a), int(b), float(s)) for (a, b), s in zip(rows[order], scores[order], strict=True))


def most_alike(templates: Array, subjects: NDArray[Any], failed: NDArray[np.bool_], count: int) -> tuple[Mistake, ...]:
    """The ``count`` non-mated comparisons of the highest scores, the highest first; arguments as in `least_alike`."""
    best: list[Mistake] = []
    rows = max(1, _BLOCK // len(templates))
    for start in range(0, len(templates), rows):
        block = templates[start : start + rows] @ templates[start:].T
        later = np.arange(block.shape[1]) > np.arange(block.shape[0])[:, None]
        other = subjects[start : start + rows, None] != subjects[None, start:]
        found = ~failed[start : start + rows, None] & ~failed[None, start:]
        block[~(later & other & found)] = -np.inf
        top = np.argpartition(-block, min(count, block.size - 1), axis=None)[:count]
        for row, column in zip(*np.unravel_index(top, block.shape), strict=True):
            if np.isfinite(block[row, column]):
                best.append(Mistake(int(start + row), int(start + column), float(block[row, column])))
        best = sorted(best, key=lambda mistake: (-mistake.score, mistake.first, mistake.second))[:count]
    return tuple(best)
