"""From photos and videos to what each face seems to express."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mien import media, models
from mien.errors import MienError
from mien.expression.recognizer import CLASSES, ExpressionRecognizer
from mien.faces import Detector, Landmarker, Looks, Tracker, align
from mien.media.image import decode
from mien.types import Array, Faces, Image

__all__ = ["ExpressionReader", "Reading", "Timeline"]

# Where refined landmarks lie in FER2013's own crops of 48 pixels: medians over its training images.
_REFERENCE: Array = np.array([[15.1, 18.3], [32.5, 18.4], [23.3, 28.3], [16.6, 37.3], [30.6, 37.4]], np.float32)
_SIDE = 48

_MOST_TRACKS = 200
_MOST_BINS = 512


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One photo or frame.

    Attributes:
        index: Position among the photos given, or of the frame.
        image: (H, W, 3) uint8 RGB.
        faces: Its faces; ``extra["expression"]`` is (n, 7) float32, probabilities of `CLASSES`.
    """

    index: int
    image: Image
    faces: Faces


class ExpressionReader:
    """Finds faces and reads their apparent expression; nobody is recognised, and no template is made.

    Args:
        recognizer: What reads the crops, the small model by default.
    """

    def __init__(self, recognizer: ExpressionRecognizer | None = None) -> None:
        self._recognizer = recognizer or ExpressionRecognizer()

    def read(self, source: media.Source) -> Faces:
        """The faces of one image, with ``extra["expression"]``.

        Args:
            source: Path, bytes, file object, or (H, W, 3) uint8 RGB array.

        Raises:
            UnreadableImage, ImageTooLarge: As `mien.media.read`.
        """
        return self._photo(source, 0).faces

    def read_all(
        self, sources: Iterable[media.Source], *, on_error: Callable[[int, MienError], None] | None = None
    ) -> Iterator[Reading]:
        """The faces of many images, in order and in constant memory.

        Args:
            sources: As for `read`.
            on_error: Called with position and error of an image that cannot be read; without it, it is raised.
        """
        for index, source in enumerate(sources):
            try:
                yield self._photo(source, index)
            except MienError as error:
                if on_error is None:
                    raise
                on_error(index, error)

    def watch(self, frames: Iterable[media.Frame]) -> Iterator[Reading]:
        """The faces of each frame, with ``track_id`` and ``extra["expression"]``; tracks are held by motion alone.

        Args:
            frames: As `mien.media.open_video` gives them.
        """
        detector, _ = _finders()
        tracker = Tracker()
        before: Faces | None = None
        for frame in frames:
            found = detector.follow(frame.image, before) if before is not None and len(before) else None
            # A look at the whole frame now and then: following sees nobody who comes in.
            if found is None or frame.index % 5 == 0:
                (found,) = detector.detect([frame.image], [frame.index])
            before = found
            tracks = tracker.update(found, frame.timestamp, _no_look).track_ids
            moment = np.full(len(found), frame.timestamp)
            tracked = dataclasses.replace(found, track_id=tracks, timestamp=moment)
            (faces,) = self.describe([frame.image], [tracked])
            yield Reading(frame.index, frame.image, faces)

    def describe(self, images: Sequence[Image], located: Sequence[Faces]) -> list[Faces]:
        """Faces that were located, with refined landmarks and ``extra["expression"]``.

        Args:
            images: (H, W, 3) uint8 RGB, of any sizes.
            located: The faces of each.
        """
        _, landmarker = _finders()
        found = landmarker.refine(images, located)
        crops = [
            align(image, faces.landmarks, reference=_REFERENCE, size=_SIDE)
            for image, faces in zip(images, found, strict=True)
        ]
        answers = self._recognizer.predict(np.concatenate(crops)) if crops else np.empty((0, len(CLASSES)))
        ends = np.cumsum([len(faces) for faces in found])
        return [
            dataclasses.replace(faces, extra={**faces.extra, "expression": answers[end - len(faces) : end]})
            for faces, end in zip(found, ends, strict=True)
        ]

    def _photo(self, source: media.Source, index: int) -> Reading:
        photo = decode(source)
        detector, _ = _finders()
        (found,) = detector.detect([photo.image], [index])
        if not photo.orientation_recorded:
            found = detector.retry_turned(photo.image, found, index)
        (faces,) = self.describe([photo.image], [found])
        return Reading(index, photo.image, faces)


@dataclass(slots=True)
class Timeline:
    """Mean probabilities of each track over time, in memory that does not grow with the video's length.

    Time is cut into bins; where a video has more than 512, bins are joined two by two. Past 200 tracks, new ones are
    counted and left out.

    Attributes:
        seconds: Width of a bin.
        tracks: (b, 8) float64 by track: sums of the seven probabilities in each bin, and how many faces they are of.
        left_out: Tracks that are not remembered.
    """

    seconds: float = 0.25
    tracks: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    left_out: int = 0
    _refused: int = -1

    def add(self, faces: Faces) -> None:
        """Take in the faces of a frame; those outside tracks are left out."""
        for track, moment, answer in zip(faces.track_id, faces.timestamp, faces.extra["expression"], strict=True):
            if track < 0 or not self._known(int(track)):
                continue
            while (place := int(max(moment, 0.0) / self.seconds)) >= _MOST_BINS:
                self._halve()
            self.tracks[int(track)][place] += (*answer, 1.0)

    def means(self, track: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Middles in seconds (b,) and mean probabilities (b, 7) of the bins in which a track was seen."""
        table = self.tracks[track]
        seen = np.flatnonzero(table[:, -1])
        return np.asarray((seen + 0.5) * self.seconds, np.float64), table[seen, :-1] / table[seen, -1:]

    def _known(self, track: int) -> bool:
        if track in self.tracks:
            return True
        if len(self.tracks) < _MOST_TRACKS:
            self.tracks[track] = np.zeros((_MOST_BINS, len(CLASSES) + 1))
            return True
        if track > self._refused:
            self._refused, self.left_out = track, self.left_out + 1
        return False

    def _halve(self) -> None:
        self.seconds *= 2
        for track, table in self.tracks.items():
            joined = np.zeros_like(table)
            joined[: _MOST_BINS // 2] = table[::2] + table[1::2]
            self.tracks[track] = joined


def _no_look(rows: NDArray[np.intp]) -> Looks:
    """Templates would tell who is who; here motion has to do."""
    return Looks(np.zeros((len(rows), 1), np.float32), np.zeros(len(rows), bool))


@cache
def _finders() -> tuple[Detector, Landmarker]:
    return Detector(models.open_session("yunet-2023mar")), Landmarker(models.open_session("face-mesh-468"))
