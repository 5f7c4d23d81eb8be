"""A morph detector of one picture: local binary patterns and a linear machine, fitted without the people it judges.

After Raghavendra et al., "Detecting morphed face images" (BTAS 2016), in its simplest form: it stands for the family of
supervised detectors of texture, not for the best of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types import Array, Faces, Image

__all__ = ["judged_by_others", "patterns"]

_MARGIN = 0.05
_SIDE, _CELLS = 224, 4
_FOLDS = 5
_AROUND = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
_BITS = (np.arange(256)[:, None] >> np.arange(8)) & 1
_UNIFORM = np.abs(np.diff(_BITS, axis=1, append=_BITS[:, :1])).sum(axis=1) <= 2
_BINS = int(_UNIFORM.sum()) + 1
_BIN = np.where(_UNIFORM, np.cumsum(_UNIFORM) - 1, _BINS - 1)
"""By code: uniform patterns (Ojala et al., TPAMI 2002) have a bin each, all others one."""


def patterns(image: Image, face: Faces) -> Array:
    """Histograms of uniform patterns in the cells of a face, its box with 5 % at each side: (944,) float32."""
    left, top, right, bottom = face.boxes[0]
    across, down = _MARGIN * (right - left), _MARGIN * (bottom - top)
    low = np.clip([top - down, left - across], 0, None).astype(int)
    high = np.ceil([bottom + down, right + across]).astype(int)
    cut = image[low[0] : high[0], low[1] : high[1]]
    grey = cv2.resize(cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY), (_SIDE + 2, _SIDE + 2), interpolation=cv2.INTER_AREA)
    middle = grey[1:-1, 1:-1]
    code = np.zeros(middle.shape, np.uint8)
    for bit, (row, column) in enumerate(_AROUND):
        code |= (grey[row : row + _SIDE, column : column + _SIDE] >= middle).astype(np.uint8) << np.uint8(bit)
    side = _SIDE // _CELLS
    cells = _BIN[code].reshape(_CELLS, side, _CELLS, side).swapaxes(1, 2).reshape(_CELLS**2, -1)
    counts = [np.bincount(cell, minlength=_BINS) for cell in cells]
    return np.asarray(np.sqrt(np.concatenate(counts) / side**2), np.float32)


def judged_by_others(
    rows: Array, known: Array, attacks: NDArray[np.bool_], people: Sequence[tuple[str, ...]], seed: int
) -> NDArray[np.float64]:
    """Scores of pictures by machines that were fitted to others' pictures alone, the higher the more likely a morph.

    People are cut into five parts. Whoever is in a picture, one person or two, no part of theirs is fitted to; where
    several machines may judge, the mean counts, so that pictures of one and of two people are judged by as many others.

    Args:
        rows: (n, d) patterns to judge; NaN where there is no face, which gives NaN.
        known: (n, d) those of the same pictures as they were, which machines are fitted to.
        attacks: (n,) which are morphs.
        people: Who is in each.
        seed: Of the parts.
    """
    part_of = _parts(people, seed)
    parts = [{part_of[person] for person in shown} for shown in people]
    total, count = np.zeros(len(rows)), np.zeros(len(rows))
    whole = np.isfinite(known).all(axis=1)
    for held in combinations(range(_FOLDS), 2):
        fitted = np.array([not among & set(held) for among in parts]) & whole
        judged = np.array([among <= set(held) for among in parts]) & np.isfinite(rows).all(axis=1)
        machine = _fit(known[fitted], attacks[fitted])
        total[judged] += machine.decision_function(rows[judged])
        count[judged] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _parts(people: Sequence[tuple[str, ...]], seed: int) -> dict[str, int]:
    names = sorted({person for shown in people for person in shown})
    parts = np.random.default_rng(seed).permutation(len(names)) % _FOLDS
    return dict(zip(names, parts.tolist(), strict=True))


def _fit(rows: Array, attacks: NDArray[np.bool_]) -> Any:  # noqa: ANN401 - scikit-learn has no types
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    machine = LinearSVC(C=1e-3, class_weight="balanced", random_state=0)
    return make_pipeline(StandardScaler(), machine).fit(rows, attacks)
