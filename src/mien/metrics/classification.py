"""Classification: agreement of predicted with true classes, whose mistakes weigh the same whatever is frequent.

Of one thing the literature has several names: balanced accuracy is the unweighted average recall (UAR), macro-F1 the
unweighted F1 (UF1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument
from mien.metrics.bootstrap import interval_of

__all__ = [
    "accuracy",
    "balanced_accuracy",
    "bootstrap_by_subject",
    "calibration_error",
    "class_f1",
    "class_precision",
    "class_recall",
    "confusion",
    "macro_f1",
    "weighted_f1",
]

Values = NDArray[np.float64]


def confusion(truth: ArrayLike, predicted: ArrayLike, classes: int) -> NDArray[np.int64]:
    """(classes, classes) counts, a row a true class, a column a predicted one.

    Args:
        truth: (n,) classes from 0.
        predicted: (n,) classes from 0.
        classes: How many there are.

    Raises:
        InvalidArgument: No sample, columns of different lengths, or a class out of range.
    """
    rows, columns = _classes(truth, classes, "truth"), _classes(predicted, classes, "predicted")
    if rows.shape != columns.shape:
        raise InvalidArgument(f"expected columns of one length, got {len(rows)} and {len(columns)}")
    return np.bincount(rows * classes + columns, minlength=classes * classes).reshape(classes, classes)


def accuracy(table: ArrayLike) -> Values:
    """Share of samples told rightly, of one (c, c) confusion matrix or of (..., c, c) many.

    Raises:
        InvalidArgument: Not square, or negative.
    """
    counts = _table(table)
    return _ratio(np.trace(counts, axis1=-2, axis2=-1), counts.sum(axis=(-2, -1)))


def class_recall(table: ArrayLike) -> Values:
    """(..., c) share of each class's samples told rightly; NaN for a class that has none.

    Raises:
        InvalidArgument: As `accuracy`.
    """
    counts = _table(table)
    return _ratio(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(axis=-1))


def class_precision(table: ArrayLike) -> Values:
    """(..., c) share of the samples told to be of each class that are; NaN for a class that is never told.

    Raises:
        InvalidArgument: As `accuracy`.
    """
    counts = _table(table)
    return _ratio(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(axis=-2))


def class_f1(table: ArrayLike) -> Values:
    """(..., c) 2 TP / (2 TP + FP + FN); NaN for a class that neither occurs nor is told.

    Raises:
        InvalidArgument: As `accuracy`.
    """
    counts = _table(table)
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    return _ratio(2 * right, counts.sum(axis=-1) + counts.sum(axis=-2))


def balanced_accuracy(table: ArrayLike) -> Values:
    """Mean recall over the classes that occur (UAR).

    Raises:
        InvalidArgument: As `accuracy`.
    """
    return _mean(class_recall(table))


def macro_f1(table: ArrayLike) -> Values:
    """Mean F1 over the classes that occur or are told (UF1).

    Raises:
        InvalidArgument: As `accuracy`.
    """
    return _mean(class_f1(table))


def weighted_f1(table: ArrayLike) -> Values:
    """Mean F1, classes weighing as often as they occur.

    Raises:
        InvalidArgument: As `accuracy`.
    """
    counts = _table(table)
    occurrences = counts.sum(axis=-1)
    return _ratio((np.nan_to_num(class_f1(counts)) * occurrences).sum(axis=-1), occurrences.sum(axis=-1))


def calibration_error(probabilities: ArrayLike, truth: ArrayLike, *, bins: int = 15) -> float:
    """Expected calibration error: how far the confidence of the class that is told lies from its accuracy.

    Naeini, Cooper and Hauskrecht, AAAI 2015, in bins of equal width: the mean over samples of the difference of a bin's
    mean confidence and its accuracy.

    Args:
        probabilities: (n, c) of each class, each row of sum 1.
        truth: (n,) classes from 0.
        bins: How many.

    Raises:
        InvalidArgument: Shapes that do not fit, rows that are no distribution, or no bin.
    """
    rows = np.asarray(probabilities, np.float64)
    if rows.ndim != 2 or not len(rows) or bins < 1:
        raise InvalidArgument(f"expected (n, c) probabilities and a bin at least, got {rows.shape} and {bins}")
    labels = _classes(truth, rows.shape[1], "truth")
    if labels.shape != rows.shape[:1] or not ((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=1e-3)):
        raise InvalidArgument("expected a label a row, and rows that are at least 0 and of sum 1")
    confidence = rows.max(axis=1)
    right = rows.argmax(axis=1) == labels
    # Bins are closed above, as in the paper: a confidence of 1 is in the last.
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(place, confidence, bins) - np.bincount(place, right, bins)
    return float(np.abs(gaps).sum() / len(rows))


def bootstrap_by_subject(
    metric: Callable[[NDArray[np.int64]], Values],
    truth: ArrayLike,
    predicted: ArrayLike,
    subjects: ArrayLike,
    classes: int,
    *,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[float, float, float]:
    """A metric with an interval that draws subjects: samples of one person, or of one photograph, are no new evidence.

    Args:
        metric: Of (r, c, c) confusion matrices, such as `macro_f1`.
        truth: (n,) classes from 0.
        predicted: (n,) classes from 0.
        subjects: (n,) whose each sample is; the samples themselves where nothing recurs.
        classes: How many classes there are.
        replicates: Draws of subjects.
        confidence: Of the interval.
        seed: Of the draws.

    Returns:
        Value, lower and upper end.

    Raises:
        InvalidArgument: As `confusion`; or columns of different lengths, fewer than two subjects, or no draw.
    """
    whole = confusion(truth, predicted, classes)
    people, codes = np.unique(np.asarray(subjects), return_inverse=True)
    cells = _classes(truth, classes, "truth") * classes + _classes(predicted, classes, "predicted")
    if codes.shape != cells.shape or len(people) < 2 or replicates < 1:
        raise InvalidArgument(f"expected a subject a sample, two at least, and a draw, got {len(people)} subjects")
    by_subject = np.bincount(codes * classes**2 + cells, minlength=len(people) * classes**2).reshape(len(people), -1)
    drawn = np.random.default_rng(seed).multinomial(len(people), np.full(len(people), 1 / len(people)), replicates)
    values = metric((drawn @ by_subject).reshape(-1, classes, classes))
    return float(metric(whole)), *interval_of(values[np.isfinite(values)], confidence)


def _classes(values: ArrayLike, classes: int, name: str) -> NDArray[np.int64]:
    labels = np.asarray(values)
    if labels.ndim != 1 or not len(labels) or not np.issubdtype(labels.dtype, np.integer):
        raise InvalidArgument(f"{name}: expected a row of at least one whole number, got {labels.shape} {labels.dtype}")
    if labels.min() < 0 or labels.max() >= classes:
        raise InvalidArgument(f"{name}: expected classes 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
    return labels.astype(np.int64)


def _table(table: ArrayLike) -> NDArray[Any]:
    counts = np.asarray(table)
    if counts.ndim < 2 or counts.shape[-1] != counts.shape[-2] or not (counts >= 0).all():
        raise InvalidArgument(f"expected a square confusion matrix of counts, got shape {counts.shape}")
    return counts


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> Values:
    out = np.full(np.shape(whole), np.nan)
    return np.asarray(np.divide(part, whole, out=out, where=np.asarray(whole) > 0))


def _mean(values: Values) -> Values:
    known = np.isfinite(values)
    return _ratio(np.where(known, values, 0).sum(axis=-1), known.sum(axis=-1))
