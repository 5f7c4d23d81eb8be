"""Captures of a protocol brought through a pipeline once: templates, quality, and what could not be acquired."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from mien.datasets import Record
from mien.errors import InvalidArgument, MienError, NoImages
from mien.media import MAX_BYTES
from mien.media.source import load
from mien.recognition import Pipeline
from mien.types import Array, Face, Faces

__all__ = ["Choice", "Samples", "embed"]

Choice: TypeAlias = Literal["central", "largest"]
"""Which face of an image is its subject's: the one nearest to the centre, as published sets are cut, or the largest."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What became of every capture of a set.

    Attributes:
        records: (n) the captures, in the set's order.
        templates: (n, d) float32 of unit length; zeros where nothing was acquired.
        failed: (n,) True where nothing was acquired.
        quality: (n,) 0 (useless) to 100; NaN where nothing was acquired.
        boxes: (n, 4) left, top, right, bottom in pixels; NaN where nothing was acquired.
        reasons: By row of a capture that failed, why.
        sha256: Of the captures' names and files, hexadecimal.
    """

    records: tuple[Record, ...]
    templates: Array
    failed: NDArray[np.bool_]
    quality: Array
    boxes: Array
    reasons: Mapping[int, str]
    sha256: str

    @property
    def people(self) -> NDArray[np.str_]:
        """(n,) whose captures they are.

        Raises:
            InvalidArgument: The set does not say.
        """
        names = [record.person for record in self.records]
        if None in names:
            raise InvalidArgument("expected captures of known people; this set only says which pairs are mated")
        return np.array(names)


def embed(
    records: Iterable[Record],
    pipeline: Pipeline,
    *,
    face: Choice = "central",
    progress: Callable[[int], None] | None = None,
) -> Samples:
    """Find one face in every capture and embed it; memory grows by a template a capture.

    An image that cannot be read is a failure to acquire like one without a face: leaving it out would flatter.

    Args:
        records: Captures; each is read once.
        pipeline: What finds and embeds the faces.
        face: Which face is the subject's where there are several.
        progress: Called with the number of captures done.

    Raises:
        NoImages: There is no capture.
        InvalidArgument: No such choice of face.
    """
    if face not in get_args(Choice):
        raise InvalidArgument(f"face: expected one of {', '.join(get_args(Choice))}, got {face!r}")
    read: list[Record] = []
    digest = hashlib.sha256()
    reasons: dict[int, str] = {}
    found: dict[int, Face] = {}

    def failed(index: int, error: MienError) -> None:
        reasons[index] = error.message

    for index, _, faces in pipeline.find_all_indexed(_sources(records, read, digest), on_error=failed):
        chosen = _chosen(faces, face)
        if chosen is None:
            reasons[index] = "no face"
        else:
            found[index] = chosen
        if progress is not None:
            progress(index + 1)
    if not read:
        raise NoImages("expected at least one capture, got none", source="")
    return _gathered(tuple(read), found, reasons, digest.hexdigest(), pipeline.dimension)


def _gathered(
    records: tuple[Record, ...], found: Mapping[int, Face], reasons: Mapping[int, str], sha256: str, dimension: int
) -> Samples:
    rows = list(found)
    templates = np.zeros((len(records), dimension), np.float32)
    quality = np.full(len(records), np.nan, np.float32)
    boxes = np.full((len(records), 4), np.nan, np.float32)
    for row in rows:
        face = found[row]
        assert face.template is not None
        templates[row], boxes[row] = face.template, face.box
        quality[row] = np.nan if face.quality is None else face.quality
    missing = np.ones(len(records), bool)
    missing[rows] = False
    return Samples(records, templates, missing, quality, boxes, dict(sorted(reasons.items())), sha256)


def _sources(records: Iterable[Record], read: list[Record], digest: hashlib._Hash) -> Iterator[bytes | Path]:
    """The files' bytes, hashed on their way; where one cannot be read, its path, so that the reader tells why."""
    for record in records:
        read.append(record)
        try:
            content = load(record.source, MAX_BYTES)
        except MienError:
            assert isinstance(record.source, Path)
            yield record.source
            continue
        digest.update(f"{record.capture}\0{record.person}\0".encode("utf-8", "surrogatepass"))
        digest.update(hashlib.sha256(content).digest())
        yield bytes(content)


def _chosen(faces: Faces, face: Choice) -> Face | None:
    if not len(faces) or face == "largest":
        return faces.largest
    middle = np.array(faces.image_size) / 2
    distance = np.abs(faces.boxes.reshape(-1, 2, 2).mean(axis=1) - middle).sum(axis=1)
    return faces[int(np.argmin(distance))]
