"""Utility: how well a face will be recognised, learnt from the recogniser's own scores.

A linear model of what every face has anyway (the feature that its template is made of, its length, and the measures of
`mien.quality.assess` with their squares) is fitted to the mean score of an image against its person's other images. It
costs a product with some 150 numbers a face. Learning utility from a recogniser's own scores is after Ou et al.,
"SDD-FIQA", CVPR 2021; that the length of a feature tells quality is after Meng et al., "MagFace", CVPR 2021.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument
from mien.quality.components import sigmoid_map
from mien.types import Array, Faces

__all__ = ["MEASURES", "Utility", "fit_utility", "load_utility"]

Values = NDArray[np.float64]

MEASURES = (
    "feature_norm",
    "score",
    "face_presence",
    "quality.sharpness",
    "quality.pitch",
    "quality.yaw",
    "quality.size",
    "quality.brightness",
    "quality.cut_off",
)
"""Columns of `Faces` that it looks at besides the template."""

_ENOUGH = 0.65  # scores above are all the same: how sure a match is does not matter
_FAR = 4.0  # standard deviations beyond which a measure counts no further
_FEATURE_WEIGHT = 0.4  # of the feature's numbers, for they are many
_RIDGE = 1.0
# Grave faults are too rare among photos of the web to be learnt; the unified quality knows them. All this was chosen
# by cross-validation over people (bench/quality.py): without it the partial area is a tenth larger.
_SAY = 0.5  # of the unified quality, in standard deviations of the fitted scores
_SOUND = (80.0, 100.0)


@dataclass(frozen=True, slots=True)
class Utility:
    """A fitted model, of one embedding space.

    Attributes:
        space: Of the templates.
        mean: (m,) of the measures and the feature's numbers among the images it was fitted to.
        spread: (m,) their standard deviations.
        weights: (k,) of the measures, their squares, and the feature's numbers, and last the constant.
        say: What a point of unified quality adds between 80 and 100.
        low: Prediction for the image at the fifth percentile of those it was fitted to, which scores 50.
        middle: That for the median image, which scores 88.
        fitted_to: What they were.
    """

    space: str
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    weights: tuple[float, ...]
    say: float
    low: float
    middle: float
    fitted_to: str

    def predict(self, faces: Faces) -> Values:
        """(n,) expected score against the same person's other images, less for faults; NaN where a measure is unknown.

        Raises:
            InvalidArgument: Faces without templates of this space, or without the measures.
        """
        if faces.space != self.space:
            raise InvalidArgument(f"faces: expected templates of {self.space}, got {faces.space}")
        rows = _rows(faces)
        fitted = _design(rows, np.array(self.mean), np.array(self.spread)) @ np.array(self.weights)
        return np.asarray(fitted + self.say * _soundness(faces))

    def score(self, faces: Faces) -> Array:
        """(n,) float32, 0 (useless) to 100: `predict` on OFIQ's sigmoid."""
        width = (self.middle - self.low) / 2
        return np.asarray(sigmoid_map(self.predict(faces), x0=self.low, w=width), np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        lists = {name: tuple(document[name]) for name in ("mean", "spread", "weights")}
        return cls(**{**document, **lists})


@cache
def load_utility(space: str) -> Utility | None:
    """The model that ships for an embedding space, None where none does."""
    file = files("mien.quality") / "utilities" / f"{space}.json"
    return Utility.from_dict(json.loads(file.read_text("utf-8"))) if file.is_file() else None


def fit_utility(faces: Faces, people: ArrayLike, *, fitted_to: str = "") -> Utility:
    """Fit a model to images of known people.

    Args:
        faces: One face an image, with templates and measures, as from `mien.recognition.Pipeline`.
        people: (n,) whose face each is; people with one image serve for nothing.
        fitted_to: What the images are.

    Raises:
        InvalidArgument: Fewer than ten people with two images, or columns missing.
    """
    keys = np.asarray(people)
    if keys.shape != (len(faces),):
        raise InvalidArgument(f"people: expected {len(faces)} rows, one a face, got {keys.shape}")
    _, codes, counts = np.unique(keys, return_inverse=True, return_counts=True)
    rows = _rows(faces)
    usable = (counts[codes] > 1) & np.isfinite(rows).all(axis=1)
    if len(np.unique(codes[usable])) < 10:
        raise InvalidArgument("people: expected at least ten with two images each")
    rows, codes = rows[usable], codes[usable]
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    assert faces.templates is not None
    targets = _targets(faces.templates[usable], codes)
    known = np.isfinite(targets)
    design = _design(rows, mean, spread)
    # A person of many images counts for more than one of few, and for less than all of them.
    importance = 1 / np.sqrt(counts[codes])
    weights = _ridge(design[known], targets[known], importance[known])
    fitted, sound = design @ weights, _soundness(faces)[usable]
    say = _SAY * float(fitted.std() / sound.std()) if sound.std() > 0 else 0.0
    low, middle = np.percentile(fitted + say * sound, [5, 50])
    assert faces.space is not None
    columns = (_rounded(column) for column in (mean, spread, weights, [say, low, middle]))
    means, spreads, factors, (say, low, middle) = columns
    return Utility(faces.space, tuple(means), tuple(spreads), tuple(factors), say, low, middle, fitted_to)


def _targets(templates: Array, codes: NDArray[np.intp]) -> Values:
    """(n,) mean score of each image against its person's others, no score counting for more than is enough."""
    targets = np.full(len(codes), np.nan)
    order = np.argsort(codes, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
        if len(rows) > 1:
            scores = np.minimum(templates[rows] @ templates[rows].T, _ENOUGH).astype(np.float64)
            np.fill_diagonal(scores, 0)
            targets[rows] = scores.sum(axis=1) / (len(rows) - 1)
    return targets


def _rows(faces: Faces) -> Values:
    """(n, m): the measures, and the features as they were before they were brought to unit length."""
    missing = [name for name in MEASURES if name != "score" and name not in faces.extra]
    if missing or faces.templates is None or faces.quality is None:
        raise InvalidArgument(f"faces: expected templates and measures, as from a pipeline; missing: {missing}")
    columns = {"score": faces.scores, **faces.extra}
    columns |= {name: np.abs(columns[name]) for name in ("quality.pitch", "quality.yaw")}
    columns["quality.size"] = np.log(np.maximum(columns["quality.size"], 1))
    measures = np.stack([np.asarray(columns[name], np.float64) for name in MEASURES], axis=1)
    features = faces.templates.astype(np.float64) * measures[:, :1]
    return np.concatenate([measures, features], axis=1)


def _soundness(faces: Faces) -> Values:
    """(n,) the unified quality, as far as it tells faults."""
    assert faces.quality is not None
    low, high = _SOUND
    return np.asarray(np.clip(faces.quality.astype(np.float64), low, high) - high)


def _design(rows: Values, mean: Values, spread: Values) -> Values:
    scaled = (rows - mean) / spread
    measures = np.clip(scaled[:, : len(MEASURES)], -_FAR, _FAR)
    features = _FEATURE_WEIGHT * scaled[:, len(MEASURES) :]
    return np.concatenate([measures, measures**2 - 1, features, np.ones((len(rows), 1))], axis=1)


def _ridge(design: Values, targets: Values, importance: Values) -> Values:
    penalty = _RIDGE * np.eye(design.shape[1])
    penalty[-1, -1] = 0
    weighted = design * importance[:, None]
    return np.asarray(np.linalg.solve(weighted.T @ design + penalty, weighted.T @ targets))


def _rounded(values: ArrayLike) -> list[float]:
    return [float(f"{value:.6g}") for value in np.asarray(values, np.float64)]
