"""The only result types: `Faces`, its row `Face`, and what was decided about it, `Decision` and `Candidate`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument

__all__ = ["Array", "Candidate", "Decision", "Face", "Faces", "Image"]

Array: TypeAlias = NDArray[np.float32]
"""Numbers: float32, of the shape that is said beside it."""
Image: TypeAlias = NDArray[np.uint8]
"""An image: (height, width, 3) uint8, RGB, upright."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known person who might be the one in the image.

    Attributes:
        person_id: Key of the person in the gallery.
        label: What people call them; need not be unique.
        score: Comparison score: cosine similarity in [-1, 1].
        samples: How many face samples the person is enrolled with.
    """

    person_id: str
    label: str
    score: float
    samples: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one face, and at which error rate.

    Attributes:
        match: Whether the score reached the threshold and nothing forbade a match.
        score: Best comparison score (cosine similarity), ``-inf`` where there was nothing to compare.
        threshold: Lowest score that is a match, ``inf`` where no calibration fits.
        rate: The error rate asked for.
        rate_kind: ``"fmr"`` (one comparison) or ``"fpir"`` (a search of this gallery).
        interval: 95 % interval of the rate at this threshold, (low, high).
        comparison: Comparison type, such as ``"image-image"`` or ``"image-person/2-4"``.
        llr: Natural logarithm of the score's likelihood ratio, mated to non-mated; None where uncalibrated.
        reasons: Why the decision deserves less trust or could not be a match: ``"too_small"``, ``"uncalibrated"``...
        candidates: Known people, best first (identification only).
        calibration: Name of the calibration, None where none fits.
    """

    match: bool
    score: float
    threshold: float
    rate: float
    rate_kind: str
    interval: tuple[float, float]
    comparison: str
    llr: float | None = None
    reasons: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    calibration: str | None = None

    def __bool__(self) -> bool:
        return self.match

    @property
    def person(self) -> Candidate | None:
        """The known person this face is decided to be, None for ``unknown``."""
        return self.candidates[0] if self.match and self.candidates else None


def _empty_extra() -> Mapping[str, NDArray[Any]]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """The faces of one image, one frame or one track: a struct of arrays, one row a face.

    Indexing with an int gives a `Face`; with a slice, a mask or indices gives `Faces`.

    Attributes:
        boxes: (n, 4) float32, left, top, right, bottom in pixels of the upright image; may reach beyond its border.
        scores: (n,) float32, detector confidence in [0, 1].
        landmarks: (n, 5, 2) float32, x and y in pixels: the eye on the image's left, the one on its right,
            tip of the nose, corner of the mouth on the image's left, and on its right.
        image_size: Width and height of the image in pixels.
        image_index: (n,) int64, position of the image among those given.
        timestamp: (n,) float64, seconds from the start of the video, NaN for photos.
        track_id: (n,) int64, -1 outside a track.
        templates: (n, d) float32 of unit length, or None before embedding.
        space: Name of the templates' embedding space.
        quality: (n,) float32, 0 (useless) to 100, or None before assessment.
        decisions: One `Decision` a face, or None before one was asked for.
        extra: What a method adds, each an array of n rows.
    """

    boxes: Array
    scores: Array
    landmarks: Array
    image_size: tuple[int, int]
    image_index: NDArray[np.int64]
    timestamp: NDArray[np.float64]
    track_id: NDArray[np.int64]
    templates: Array | None = None
    space: str | None = None
    quality: Array | None = None
    decisions: tuple[Decision, ...] | None = None
    extra: Mapping[str, NDArray[Any]] = field(default_factory=_empty_extra)

    @classmethod
    def of(
        cls,
        boxes: ArrayLike,
        scores: ArrayLike,
        landmarks: ArrayLike,
        image_size: tuple[int, int],
        *,
        image_index: int = 0,
        timestamp: float = float("nan"),
        extra: Mapping[str, NDArray[Any]] | None = None,
    ) -> Self:
        """Faces of one image from what a detector says; shapes as in the class."""
        scores = np.asarray(scores, np.float32).reshape(-1)
        n = len(scores)
        return cls(
            boxes=np.asarray(boxes, np.float32).reshape(n, 4),
            scores=scores,
            landmarks=np.asarray(landmarks, np.float32).reshape(n, 5, 2),
            image_size=image_size,
            image_index=np.full(n, image_index, np.int64),
            timestamp=np.full(n, timestamp, np.float64),
            track_id=np.full(n, -1, np.int64),
            extra=extra or {},
        )

    def __post_init__(self) -> None:
        n = len(self.scores)
        shapes = {"boxes": (n, 4), "scores": (n,), "landmarks": (n, 5, 2)}
        shapes |= dict.fromkeys(("image_index", "timestamp", "track_id"), (n,))
        for name, shape in shapes.items():
            _check_shape(name, getattr(self, name), shape)
        for name in ("templates", "quality", "decisions"):
            column = getattr(self, name)
            if column is not None and len(column) != n:
                raise InvalidArgument(f"{name}: expected {n} rows, one a face, got {len(column)}")
        if (self.templates is None) != (self.space is None):
            raise InvalidArgument("templates and their embedding space come together: give both or neither")
        for name, column in self.extra.items():
            if len(column) != n:
                raise InvalidArgument(f"extra[{name!r}]: expected {n} rows, one a face, got {len(column)}")
        for name in ("boxes", "scores", "landmarks", "image_index", "timestamp", "track_id", "templates", "quality"):
            column = getattr(self, name)
            if column is not None:
                object.__setattr__(self, name, _read_only(column))
        frozen = {name: _read_only(column) for name, column in self.extra.items()}
        object.__setattr__(self, "extra", MappingProxyType(frozen))

    def __reduce__(self) -> tuple[type[Faces], tuple[Any, ...]]:
        # A mapping proxy cannot be pickled, and faces travel between processes.
        values = [getattr(self, column.name) for column in dataclasses.fields(self)]
        return type(self), (*values[:-1], dict(self.extra))

    def __len__(self) -> int:
        return len(self.scores)

    @overload
    def __getitem__(self, key: int) -> Face: ...
    @overload
    def __getitem__(self, key: slice | NDArray[np.bool_] | NDArray[np.integer] | list[int]) -> Faces: ...
    def __getitem__(self, key: int | slice | NDArray[np.bool_] | NDArray[np.integer] | list[int]) -> Face | Faces:
        if isinstance(key, int | np.integer):
            index = int(key) + (len(self) if key < 0 else 0)
            if not 0 <= index < len(self):
                raise IndexError(f"face {key} of {len(self)}")
            return Face(self, index)
        rows = np.arange(len(self))[key]
        return dataclasses.replace(
            self,
            boxes=self.boxes[rows],
            scores=self.scores[rows],
            landmarks=self.landmarks[rows],
            image_index=self.image_index[rows],
            timestamp=self.timestamp[rows],
            track_id=self.track_id[rows],
            templates=None if self.templates is None else self.templates[rows],
            quality=None if self.quality is None else self.quality[rows],
            decisions=None if self.decisions is None else tuple(self.decisions[i] for i in rows),
            extra={name: column[rows] for name, column in self.extra.items()},
        )

    def __iter__(self) -> Iterator[Face]:
        return (Face(self, index) for index in range(len(self)))

    def __repr__(self) -> str:
        width, height = self.image_size
        return f"<Faces: {len(self)} in {width}x{height}>"

    @property
    def sizes(self) -> Array:
        """(n,) float32: geometric mean of each box's width and height, in pixels."""
        extent = np.clip(self.boxes[:, 2:] - self.boxes[:, :2], 0, None)
        return np.asarray(np.sqrt(extent[:, 0] * extent[:, 1]), np.float32)

    @property
    def largest(self) -> Face | None:
        """The face with the largest box, None where there is none."""
        return self[int(np.argmax(self.sizes))] if len(self) else None

    def largest_first(self, most: int) -> tuple[Faces, Faces]:
        """The largest faces, at most so many, and the others; both in the order of these faces."""
        if len(self) <= most:
            return self, self[:0]
        rank = np.argsort(-self.sizes, kind="stable")
        return self[np.sort(rank[:most])], self[np.sort(rank[most:])]


def _read_only(column: NDArray[Any]) -> NDArray[Any]:
    view = column.view()
    view.flags.writeable = False
    return view


def _check_shape(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise InvalidArgument(f"{name}: expected shape {shape}, got {array.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One row of `Faces`, read-only; attributes are the columns' singulars."""

    faces: Faces
    index: int

    @property
    def box(self) -> Array:
        """(4,) float32: left, top, right, bottom in pixels."""
        return np.asarray(self.faces.boxes[self.index])

    @property
    def score(self) -> float:
        """Detector confidence in [0, 1]."""
        return float(self.faces.scores[self.index])

    @property
    def landmarks(self) -> Array:
        """(5, 2) float32: see `Faces.landmarks`."""
        return np.asarray(self.faces.landmarks[self.index])

    @property
    def size(self) -> float:
        """Geometric mean of the box's width and height, in pixels."""
        return float(self.faces.sizes[self.index])

    @property
    def image_size(self) -> tuple[int, int]:
        """Width and height of the image in pixels."""
        return self.faces.image_size

    @property
    def image_index(self) -> int:
        """Position of the image among those given."""
        return int(self.faces.image_index[self.index])

    @property
    def timestamp(self) -> float:
        """Seconds from the start of the video, NaN for photos."""
        return float(self.faces.timestamp[self.index])

    @property
    def track_id(self) -> int:
        """Track the face belongs to, -1 outside a track."""
        return int(self.faces.track_id[self.index])

    @property
    def template(self) -> Array | None:
        """(d,) float32 of unit length, None before embedding."""
        return None if self.faces.templates is None else self.faces.templates[self.index]

    @property
    def space(self) -> str | None:
        """Embedding space of the template."""
        return self.faces.space

    @property
    def quality(self) -> float | None:
        """0 (useless) to 100, None before assessment."""
        return None if self.faces.quality is None else float(self.faces.quality[self.index])

    @property
    def decision(self) -> Decision | None:
        """What was decided, None before a decision was asked for."""
        return None if self.faces.decisions is None else self.faces.decisions[self.index]

    @property
    def person(self) -> str | None:
        """Label of the person this face is decided to be; None for unknown, and before a decision."""
        decision = self.decision
        return decision.person.label if decision is not None and decision.person is not None else None

    @property
    def extra(self) -> dict[str, NDArray[Any]]:
        """This face's row of each extra column."""
        return {name: np.asarray(column[self.index]) for name, column in self.faces.extra.items()}

    def __repr__(self) -> str:
        left, top, right, bottom = (round(float(v)) for v in self.box)
        return f"<Face {self.index}: {left},{top}-{right},{bottom} score {self.score:.2f}>"
