"""Where the faces of each frame are: full looks often enough to see who comes, and looks around known faces between."""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mien import models
from mien.media import Frame, Video
from mien.recognition import Pipeline
from mien.types import Faces, Image

__all__ = ["Located", "Thumbnail", "is_cut", "located"]

Thumbnail: TypeAlias = "NDArray[np.int16]"

# Seconds between full looks, at most: so long may somebody be in view unnoticed, while others are.
_FULL_LOOK_SECONDS = 0.15
_BATCH = 4
# Frames of a batch together, so that memory does not depend on how large they are.
_BATCH_BYTES = 16_000_000
# Mean difference of two frames' thumbnails, in grey levels of 255, from which on it is another scene.
_CUT = 40
_THUMBNAIL = (32, 18)


class Located(NamedTuple):
    """A frame, the places of its faces, and (18, 32) grey levels that tell one scene from another."""

    frame: Frame
    faces: Faces
    thumbnail: Thumbnail


def is_cut(before: Thumbnail, after: Thumbnail) -> bool:
    """Whether two frames show different scenes."""
    return float(np.abs(after - before).mean()) > _CUT


def located(video: Video, pipeline: Pipeline) -> Iterator[Located]:
    """Frames with the places of their faces, in order: of a live stream one by one, of a file a few batches ahead."""
    if video.live:
        last: Located | None = None
        full = -math.inf
        for frame in video:
            last, full = _locate(frame, last, full, pipeline)
            yield last
        return
    pending: deque[Future[list[Located]]] = deque()
    workers = models.available_threads()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="mien-watch")
    try:
        for batch in _batches(video):
            pending.append(pool.submit(_locate_all, batch, pipeline))
            if len(pending) > workers:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _locate_all(batch: Sequence[Frame], pipeline: Pipeline) -> list[Located]:
    results: list[Located] = []
    full = -math.inf
    for frame in batch:
        result, full = _locate(frame, results[-1] if results else None, full, pipeline)
        results.append(result)
    return results


def _locate(frame: Frame, last: Located | None, full: float, pipeline: Pipeline) -> tuple[Located, float]:
    """One frame after another, and when the last full look was."""
    thumbnail = _thumbnail(frame.image)
    recent = abs(frame.timestamp - full) < _FULL_LOOK_SECONDS
    if last is not None and recent and not is_cut(last.thumbnail, thumbnail):
        same_size = frame.image.shape == last.frame.image.shape
        faces = pipeline.follow(frame.image, last.faces) if same_size and len(last.faces) else None
        if faces is not None:
            faces = dataclasses.replace(faces, image_index=np.full(len(faces), frame.index))
            return Located(frame, faces, thumbnail), full
    (faces,) = pipeline.locate([frame.image], [frame.index])
    return Located(frame, faces, thumbnail), frame.timestamp


def _batches(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    rest = iter(frames)
    for first in rest:
        size = max(1, min(_BATCH, _BATCH_BYTES // first.image.nbytes))
        yield list(islice(chain([first], rest), size))


def _thumbnail(image: Image) -> Thumbnail:
    small = np.asarray(cv2.resize(image, _THUMBNAIL, interpolation=cv2.INTER_AREA))
    return np.asarray(small.mean(2), np.int16)
