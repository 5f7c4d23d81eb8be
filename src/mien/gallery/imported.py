"""Names that other programs wrote into photos, brought to the faces they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien import media
from mien.errors import InputError, InvalidArgument, MienError
from mien.gallery.enrolment import Probe, take
from mien.gallery.people import parse_label
from mien.gallery.sources import content
from mien.types import Array, Faces

if TYPE_CHECKING:
    from mien.media import Region, Source
    from mien.recognition import Pipeline

__all__ = ["named_faces", "pair"]


@dataclass(frozen=True, slots=True)
class _Photo:
    """A photo with names, one label a region, on its way through the pipeline."""

    position: int
    name: str
    sha256: str
    regions: tuple[Region, ...]
    labels: tuple[str, ...]


def named_faces(
    sources: Iterable[Source], pipeline: Pipeline, on_error: Callable[[int, MienError], None] | None
) -> dict[str, list[Probe]]:
    """Probes of the faces that photos name, by name in order of appearance; constant memory but for templates.

    Photos without names are read, but not looked at.

    Args:
        sources: Photos.
        pipeline: Finds and embeds.
        on_error: See `mien.Gallery.import_names`.

    Returns:
        For each name a probe a photo: a sample, or the reasons why there is none.
    """
    found: dict[str, list[Probe]] = {}
    sent: list[_Photo] = []
    seen: set[str] = set()

    def feed() -> Iterator[Source]:
        for position, source in enumerate(sources):
            try:
                photo, readable = _read(position, source)
            except MienError as error:
                _report(on_error, position, error)
                continue
            if photo.sha256 in seen:
                for label in photo.labels:
                    _refuse(found, label, photo, "duplicate", "the same content was given before in this call")
            elif photo.regions:
                seen.add(photo.sha256)
                sent.append(photo)
                yield readable

    def failed(index: int, error: MienError) -> None:
        _report(on_error, sent[index].position, error)

    for index, _, faces in pipeline.find_all_indexed(feed(), on_error=failed):
        _assign(found, sent[index], faces, pipeline.artefact)
    return found


def _report(on_error: Callable[[int, MienError], None] | None, position: int, error: MienError) -> None:
    """What is wrong with one photo does not stop the others; what is wrong with the models or the store does."""
    if on_error is None or not isinstance(error, InputError | InvalidArgument):
        raise error
    on_error(position, error)


def _read(position: int, source: Source) -> tuple[_Photo, Source]:
    if isinstance(source, np.ndarray):
        raise InvalidArgument("import_names: expected photos as files or bytes, got an array, which bears no names")
    readable, sha256 = content(source)
    regions = media.regions(readable)
    labels = tuple(parse_label(region.name) for region in regions)
    return _Photo(position, media.source_name(source), sha256, regions, labels), readable


def _assign(found: dict[str, list[Probe]], photo: _Photo, faces: Faces, artefact: str) -> None:
    """Give each name of a photo its face, or the reason why it gets none."""
    rows = _rows(photo.regions, faces)
    times = Counter(label for label, row in zip(photo.labels, rows, strict=True) if row is not None)
    for region, label, row in zip(photo.regions, photo.labels, rows, strict=True):
        if row is not None and times[label] > 1:
            message = "several faces of the photo bear this name, and nobody is twice in one: correct the names"
            _refuse(found, label, photo, "named_twice", message)
        elif row is not None:
            probe = Probe(photo.name)
            take(probe, faces, row, photo.sha256, artefact, ())
            found.setdefault(label, []).append(probe)
        elif region.box is None:
            message = "the photo bears the name, but nothing says which face it means"
            _refuse(found, label, photo, "name_without_place", message)
        else:
            left, top, right, bottom = (round(edge) for edge in region.box)
            message = f"no face was found at {left},{top}-{right},{bottom}, where the name stands"
            _refuse(found, label, photo, "no_face_in_region", message)


def _rows(regions: Sequence[Region], faces: Faces) -> list[int | None]:
    """The face each region means; a name without a place means the only face of the photo, if it is the only name."""
    if len(regions) == 1 and regions[0].box is None:
        return [0 if len(faces) == 1 else None]
    placed = [row for row, region in enumerate(regions) if region.box is not None]
    boxes = np.array([regions[row].box for row in placed], np.float32).reshape(-1, 4)
    rows: list[int | None] = [None] * len(regions)
    for row, face in zip(placed, pair(boxes, faces.boxes), strict=True):
        rows[row] = face
    return rows


def pair(regions: Array, faces: Array) -> list[int | None]:
    """Which detected face each region means.

    Programs draw regions of all sizes around a face, so that overlap alone says little: the centre of each has to lie
    in the other. Of several pairs the ones that overlap most are taken, each region and each face once.

    Args:
        regions: (m, 4) left, top, right, bottom in pixels.
        faces: (n, 4) the same of detected faces.

    Returns:
        For each region the row of its face, or None.
    """
    chosen: list[int | None] = [None] * len(regions)
    if not (len(regions) and len(faces)):
        return chosen
    low = np.maximum(regions[:, None, :2], faces[None, :, :2])
    high = np.minimum(regions[:, None, 2:], faces[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = np.prod(regions[:, 2:] - regions[:, :2], axis=1)[:, None] + np.prod(faces[:, 2:] - faces[:, :2], axis=1)
    overlap = np.where(_inside(regions, faces) & _inside(faces, regions).T, shared / (areas - shared), 0.0)
    for flat in np.argsort(-overlap, axis=None, kind="stable"):
        region, face = divmod(int(flat), len(faces))
        if overlap[region, face] > 0 and chosen[region] is None and face not in chosen:
            chosen[region] = face
    return chosen


def _inside(boxes: Array, others: Array) -> NDArray[np.bool_]:
    """(m, n) bool: whether the centre of each box lies in each other."""
    centres = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    return np.asarray(((centres >= others[None, :, :2]) & (centres <= others[None, :, 2:])).all(axis=2))


def _refuse(found: dict[str, list[Probe]], label: str, photo: _Photo, reason: str, message: str) -> None:
    probe = Probe(photo.name)
    probe.refuse(reason, message)
    found.setdefault(label, []).append(probe)
