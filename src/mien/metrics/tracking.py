"""Tracks against the truth: identity precision, recall and F1, and switches of identity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument

__all__ = ["IdentityF1", "TrackedFrame", "box_overlap", "identity_f1"]

TrackedFrame: TypeAlias = "tuple[ArrayLike, ArrayLike]"
"""One frame: (n,) whole numbers, which track each box is of, and (n, 4) boxes: left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class IdentityF1:
    """How well tracks keep to one person each (Ristani et al., ECCV 2016 workshops, arXiv:1609.01775).

    Each true track is paired with at most one found track, so that the boxes on which pairs agree are as many as can
    be; every other box is an error.

    Attributes:
        idf1: Harmonic mean of precision and recall; 1 where there was nothing to find and nothing was found.
        precision: Share of the found boxes that agree; NaN where none was found.
        recall: Share of the true boxes that agree; NaN where there are none.
        agreeing: Boxes on which pairs agree.
        found: Boxes found.
        true: Boxes there are.
        switches: How often a true track goes on under another found track than before (CLEAR MOT, Bernardin and
            Stiefelhagen 2008).
    """

    idf1: float
    precision: float
    recall: float
    agreeing: int
    found: int
    true: int
    switches: int


def identity_f1(truth: Sequence[TrackedFrame], found: Sequence[TrackedFrame], *, overlap: float = 0.5) -> IdentityF1:
    """Compare tracks with the truth, frame by frame.

    Args:
        truth: The true tracks, one entry a frame; frames without a box are entries, too.
        found: Those found, of the same frames.
        overlap: Least intersection over union at which two boxes are of one thing, above 0.

    Raises:
        InvalidArgument: Not as many frames, ids and boxes that do not fit, or an id twice in one frame.
    """
    from scipy.optimize import linear_sum_assignment

    if len(truth) != len(found):
        raise InvalidArgument(f"found: expected as many frames as there are of truth, {len(truth)}, got {len(found)}")
    if not 0 < overlap <= 1:
        raise InvalidArgument(f"overlap: expected a share above 0 and up to 1, got {overlap}")
    agree: Counter[tuple[int, int]] = Counter()
    seen: dict[int, int] = {}
    true_boxes = found_boxes = switches = 0
    for (true_ids, true), (found_ids, boxes) in zip(_parsed(truth), _parsed(found), strict=True):
        true_boxes, found_boxes = true_boxes + len(true_ids), found_boxes + len(found_ids)
        shared = box_overlap(true, boxes)
        near = [(int(true_ids[i]), int(found_ids[j])) for i, j in np.argwhere(shared >= overlap)]
        agree.update(near)
        switches += _follow(seen, true_ids, found_ids, np.where(shared >= overlap, shared, 0.0))
    rows = {name: row for row, name in enumerate(sorted({pair[0] for pair in agree}))}
    columns = {name: column for column, name in enumerate(sorted({pair[1] for pair in agree}))}
    counts = np.zeros((len(rows), len(columns)), np.int64)
    for (row, column), count in agree.items():
        counts[rows[row], columns[column]] = count
    agreeing = int(counts[linear_sum_assignment(counts, maximize=True)].sum())
    boxes_in_all = true_boxes + found_boxes
    return IdentityF1(
        idf1=2 * agreeing / boxes_in_all if boxes_in_all else 1.0,
        precision=agreeing / found_boxes if found_boxes else float("nan"),
        recall=agreeing / true_boxes if true_boxes else float("nan"),
        agreeing=agreeing,
        found=found_boxes,
        true=true_boxes,
        switches=switches,
    )


def box_overlap(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of every box with every other.

    Args:
        first: (n, 4), left, top, right, bottom.
        second: (m, 4).

    Returns:
        (n, m) float64 in [0, 1]; 0 for boxes without an area.
    """
    one = np.asarray(first, np.float64).reshape(-1, 1, 4)
    other = np.asarray(second, np.float64).reshape(1, -1, 4)
    low, high = np.maximum(one[..., :2], other[..., :2]), np.minimum(one[..., 2:], other[..., 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=-1)
    areas = [np.prod(np.clip(boxes[..., 2:] - boxes[..., :2], 0, None), axis=-1) for boxes in (one, other)]
    union = areas[0] + areas[1] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def _follow(
    seen: dict[int, int], true_ids: NDArray[np.int64], found_ids: NDArray[np.int64], shared: NDArray[np.float64]
) -> int:
    """Bring up to date under which found track each true one goes; how many have changed."""
    from scipy.optimize import linear_sum_assignment

    place = {int(name): column for column, name in enumerate(found_ids)}
    rows, columns = np.ones(len(true_ids), bool), np.ones(len(found_ids), bool)
    # Who can go on as before does, even where another box overlaps more.
    for row, name in enumerate(true_ids):
        column = place.get(seen.get(int(name), -1))
        if column is not None and shared[row, column] > 0 and columns[column]:
            rows[row] = columns[column] = False
    left, right = np.flatnonzero(rows), np.flatnonzero(columns)
    changed = 0
    # One more for any overlap at all: first as many pairs as can be, then the best of them.
    gain = shared[np.ix_(left, right)]
    for i, j in zip(*linear_sum_assignment(np.where(gain > 0, gain + len(true_ids), 0.0), maximize=True), strict=True):
        if gain[i, j] > 0:
            name, under = int(true_ids[left[i]]), int(found_ids[right[j]])
            changed += seen.get(name, under) != under
            seen[name] = under
    return changed


def _parsed(frames: Sequence[TrackedFrame]) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    for number, (ids, boxes) in enumerate(frames):
        names, corners = np.asarray(ids), np.asarray(boxes, np.float64)
        if names.size and not np.issubdtype(names.dtype, np.integer):
            raise InvalidArgument(f"frame {number}: expected whole numbers as track ids, got {names.dtype}")
        if names.ndim != 1 or corners.size != 4 * len(names):
            raise InvalidArgument(
                f"frame {number}: expected n ids and (n, 4) boxes, got {names.shape}, {corners.shape}"
            )
        if len(np.unique(names)) != len(names):
            raise InvalidArgument(f"frame {number}: a track is in a frame once, got ids {names.tolist()}")
        yield names.astype(np.int64), corners.reshape(-1, 4)
