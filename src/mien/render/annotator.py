"""Faces drawn into the frames of a video: outlines that do not tremble, labels that stay put."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from mien.render.annotation import draw
from mien.types import Array, Face, Faces, Image

__all__ = ["Annotator"]

_CALM = 0.3  # share of a small movement that is followed at once; the rest is taken for the detector's trembling
_FAST = 0.1  # movement between two frames, as a share of the face's size, that is followed entirely
_RESIZE = 0.15  # change of size below which letters and lines keep theirs
_FORGET = 60  # frames after which a track that is not seen is forgotten


@dataclass(slots=True)
class _Held:
    """What is held of a track from frame to frame."""

    frame: int
    box: Array
    size: float
    way: int | None = None


class Annotator:
    """Annotates the frames of one video, one after the other.

    As `mien.render.annotate`; besides, an outline follows its track without trembling, lettering keeps its size until
    the face has clearly changed its own, and a label stays on its side of the face unless another is much better.
    Faces outside tracks are drawn as they are. Memory is that of the tracks of the last frames.
    """

    def __init__(self) -> None:
        self._frame = 0
        self._held: dict[int, _Held] = {}

    def annotate(self, image: Image, faces: Faces) -> Image:
        """Draw the faces of the next frame into a copy of it.

        Args:
            image: (height, width, 3) uint8 RGB.
            faces: Its faces, with ``track_id``.

        Returns:
            (height, width, 3) uint8 RGB, a new array.
        """
        self._frame += 1
        held = [self._hold(face) for face in faces]
        boxes = [face.box if h is None else h.box for face, h in zip(faces, held, strict=True)]
        steady = dataclasses.replace(faces, boxes=np.asarray(boxes, np.float32).reshape(len(faces), 4))
        sizes = np.array([face.size if h is None else h.size for face, h in zip(faces, held, strict=True)], np.float32)
        canvas, ways = draw(image, steady, sizes, [None if h is None else h.way for h in held])
        for track, way in zip(held, ways, strict=True):
            if track is not None:
                track.way = way if way is not None else track.way
        self._held = {key: track for key, track in self._held.items() if self._frame - track.frame < _FORGET}
        return canvas

    def _hold(self, face: Face) -> _Held | None:
        if face.track_id < 0 or not np.isfinite(face.box).all():
            return None
        track = self._held.get(face.track_id)
        if track is None:
            track = self._held[face.track_id] = _Held(self._frame, face.box, face.size)
            return track
        follows = self._frame - track.frame == 1
        track.box = _followed(track.box, face) if follows else face.box
        track.frame = self._frame
        if abs(face.size - track.size) > _RESIZE * track.size:
            track.size = face.size
        return track


def _followed(before: Array, face: Face) -> Array:
    moved = face.box - before
    share = min(1.0, _CALM + float(np.abs(moved).max()) / max(_FAST * face.size, 1e-6) * (1 - _CALM))
    return np.asarray(before + share * moved, np.float32)
