"""How well labels group the faces of one person: BCubed and pairwise precision, recall and F1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument

__all__ = ["BCubed", "bcubed", "pairwise"]


@dataclass(frozen=True, slots=True)
class BCubed:
    """Agreement of a clustering with the truth, each in [0, 1].

    Attributes:
        precision: How much of what is put together belongs together.
        recall: How much of what belongs together is put together.
        f1: Harmonic mean of both.
    """

    precision: float
    recall: float
    f1: float


def bcubed(labels_true: ArrayLike, labels_pred: ArrayLike) -> BCubed:
    """BCubed precision and recall: averages over faces, so that a person weighs as many as they have faces.

    Of one face, precision is the share of its cluster that is the same person, recall the share of the person's faces
    that are in its cluster; the face itself counts in both (Amigó et al., "A comparison of extrinsic clustering
    evaluation metrics based on formal constraints", 2009). O(n log n) time.

    Args:
        labels_true: (n,) labels of people, of any kind that sorts; n >= 1.
        labels_pred: (n,) labels of clusters; equal labels are one cluster, whatever they are, -1 as well.

    Raises:
        InvalidArgument: The labels are none, not as many, or no vectors.
    """
    person, found, both = _sizes(labels_true, labels_pred)
    return _scores(float(np.mean(both / found)), float(np.mean(both / person)))


def pairwise(labels_true: ArrayLike, labels_pred: ArrayLike) -> BCubed:
    """Precision and recall over pairs of faces: people with many faces weigh by the square of their number.

    Where no two faces are put together, precision is 1, and where none belong together, recall is.

    Args:
        labels_true: (n,) labels of people; n >= 1.
        labels_pred: (n,) labels of clusters.

    Raises:
        InvalidArgument: The labels are none, not as many, or no vectors.
    """
    person, found, both = (sizes.astype(float) - 1 for sizes in _sizes(labels_true, labels_pred))
    right = both.sum()
    return _scores(*(float(right / pairs.sum()) if pairs.sum() else 1.0 for pairs in (found, person)))


def _scores(precision: float, recall: float) -> BCubed:
    total = precision + recall
    return BCubed(precision, recall, 2 * precision * recall / total if total else 0.0)


def _sizes(
    labels_true: ArrayLike, labels_pred: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of each face, how many faces its person has, its cluster has, and both have in common; itself counts."""
    true, pred = np.asarray(labels_true), np.asarray(labels_pred)
    if true.ndim != 1 or true.shape != pred.shape or not len(true):
        raise InvalidArgument(f"labels: expected two vectors of one length, 1 or more, got {true.shape}, {pred.shape}")
    person, found = (np.unique(labels, return_inverse=True)[1] for labels in (true, pred))
    both = np.unique(person.astype(np.int64) * (int(found.max()) + 1) + found, return_inverse=True)[1]
    person, found, both = (np.bincount(labels)[labels] for labels in (person, found, both))
    return person, found, both
