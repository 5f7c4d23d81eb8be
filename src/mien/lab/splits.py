"""Splits that keep together what belongs together: a subject's images, copies of one image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument, LeakFound

__all__ = ["folds", "hold_out", "leave_one_out", "require_apart"]

Mask = NDArray[np.bool_]


def hold_out(groups: ArrayLike, labels: ArrayLike, share: float, seed: int = 0) -> Mask:
    """(n,) True for the rows held out: whole groups, about a share of each class.

    A group counts for the class of its first row.

    Args:
        groups: (n,) what stays together.
        labels: (n,) classes, so that rare ones are held out as often as others.
        share: Of the rows, above 0 and below 1.
        seed: Of the draw.

    Raises:
        InvalidArgument: A share outside its range, or columns of different lengths.
    """
    keys, classes = np.asarray(groups), np.asarray(labels)
    if not 0 < share < 1 or keys.shape != classes.shape or keys.ndim != 1:
        raise InvalidArgument(f"expected a share in (0, 1) and a label a row, got {share}, {keys.shape}")
    rng = np.random.default_rng(seed)
    _, first, codes, sizes = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    held = np.zeros(len(first), bool)
    for label in np.unique(classes[first]):
        members = rng.permutation(np.flatnonzero(classes[first] == label))
        reached = np.cumsum(sizes[members])
        held[members[reached <= round(share * reached[-1])]] = True
    return np.asarray(held[codes])


def folds(groups: ArrayLike, count: int, seed: int = 0) -> Iterator[Mask]:
    """(n,) True for the rows that each of some folds holds out: whole groups, drawn, each once.

    Raises:
        InvalidArgument: Fewer than two folds, or fewer groups than folds.
    """
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    people = int(codes.max()) + 1 if len(codes) else 0
    if not 2 <= count <= people:
        raise InvalidArgument(f"expected 2 to {people} folds, as many as groups at most, got {count}")
    fold = np.random.default_rng(seed).permutation(np.arange(people) % count)
    for index in range(count):
        yield fold[codes] == index


def leave_one_out(groups: ArrayLike) -> Iterator[Mask]:
    """(n,) True for the rows of each group in turn (leave one subject out)."""
    keys = np.asarray(groups)
    for group in np.unique(keys):
        yield keys == group


def require_apart(groups: ArrayLike, held: ArrayLike) -> None:
    """Refuse a split with a group on both sides.

    Raises:
        LeakFound: With how many groups.
    """
    keys, mask = np.asarray(groups), np.asarray(held, bool)
    shared = np.intersect1d(keys[mask], keys[~mask])
    if len(shared):
        raise LeakFound(
            f"expected sides that share no group, got {len(shared)} on both ({', '.join(map(str, shared[:3]))}); "
            "split by group",
            groups=len(shared),
        )
