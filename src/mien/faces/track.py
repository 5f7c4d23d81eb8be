"""Tracks: which face of a frame goes on from which face of the frames before.

Motion and overlap carry a face from frame to frame. Where they leave a doubt (a new face, faces that meet, one that was
hidden, a cut), a template decides, and only there one is asked for, since a template costs as much as detection.
Faces whose overlap leaves no doubt are accepted first, and the rest is assigned as a whole (Kuhn 1955), detections of
a low score only to tracks that are there already (Zhang et al., ByteTrack, ECCV 2022).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.errors import InvalidArgument
from mien.metrics.tracking import box_overlap
from mien.types import Array, Faces

__all__ = ["Look", "Looks", "Sameness", "Tracked", "Tracker"]

_Rows: TypeAlias = "NDArray[np.intp]"


class Looks(NamedTuple):
    """What a closer look at some faces gives.

    Attributes:
        templates: (k, d) float32 of unit length.
        usable: (k,) bool, whether a face is good enough to go by.
    """

    templates: Array
    usable: NDArray[np.bool_]


Look: TypeAlias = Callable[[_Rows], Looks]
"""Takes rows of the frame's faces, gives their templates."""


@dataclass(frozen=True, slots=True)
class Sameness:
    """From which comparison score on templates speak for one person, and up to which against it.

    Attributes:
        same: At this score or above two faces are one person's.
        different: Below this score they are two people's. In between, motion decides.
    """

    same: float
    different: float


class Tracked(NamedTuple):
    """The tracks of one frame's faces.

    Attributes:
        track_ids: (n,) int64; -1 for a face of low score that continues no track.
        became: Tracks that turned out to be earlier ones: the id they had, and the one they have now.
    """

    track_ids: NDArray[np.int64]
    became: Mapping[int, int]


@dataclass(slots=True, eq=False)
class _Track:
    track_id: int
    box: NDArray[np.float64]
    first_seen: float
    last_seen: float
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))
    sum: NDArray[np.float64] | None = None
    looks: int = 0
    last_look: float = -math.inf
    doubtful: bool = False

    @property
    def template(self) -> NDArray[np.float64]:
        """(d,) of unit length; only of a track that was looked at."""
        assert self.sum is not None
        return np.asarray(self.sum / np.linalg.norm(self.sum))

    def predicted(self, timestamp: float) -> NDArray[np.float64]:
        return self.box + self.velocity * (timestamp - self.last_seen)

    def move(self, box: NDArray[np.float64], timestamp: float) -> None:
        passed = timestamp - self.last_seen
        if passed > 0:
            # An alpha-beta filter whose positions are taken as measured: boxes of faces hardly jitter.
            self.velocity += _VELOCITY_GAIN * ((box - self.box) / passed - self.velocity)
        self.box, self.last_seen = box, timestamp

    def is_due(self, timestamp: float) -> bool:
        """Whether it is time for another look."""
        if timestamp - self.last_seen > _HIDDEN:
            return True
        if self.doubtful:
            pause = _DOUBT_PAUSE
        elif self.looks < _FIRST_LOOKS:
            pause = _FIRST_PAUSE
        else:
            pause = min(_PAUSE * (self.looks // _FIRST_LOOKS), _LONGEST_PAUSE)
        return timestamp - self.last_look >= pause

    def learn(self, template: Array | None, timestamp: float) -> None:
        """Take in a look; a template of None is one of a face that is not good enough."""
        self.looks += 1
        self.last_look = timestamp
        if template is not None:
            self.doubtful = False
            self.sum = template.astype(np.float64) + (0 if self.sum is None else self.sum)


_VELOCITY_GAIN = 0.4
# Overlaps of a face with its predicted box: below the first there is no telling, from the second on no doubt, where
# the next best is less than half as much.
_OVERLAP = 0.1
_SURE_OVERLAP = 0.4
_RIVAL = 0.5
# With less than this a face has jumped or changed its size, as where two that cover each other were found as one and
# the other is found now: it is looked at.
_STEADY_OVERLAP = 0.65
# Templates: often at first, for the decision; then seldom, to see that it still is the same face.
_FIRST_LOOKS = 6
_FIRST_PAUSE = 0.08
_PAUSE = 0.5
_LONGEST_PAUSE = 2.0
# While faces meet, and until it is clear who is who.
_DOUBT_PAUSE = 0.15
# Who was not seen for so long may be somebody else now.
_HIDDEN = 0.3
# Where frames are seldom, a track outlasts so many of their intervals, up to so many seconds.
_INTERVALS = 1.5
_LONGEST_COAST = 3.0


class Tracker:
    """Tracks of one video, frame after frame; memory is bounded.

    Args:
        sameness: What comparison scores mean; None where that is not known: tracks are then kept by motion alone.
        start_score: Lowest detector score at which a face begins a track; one of less only continues a track.
        coast_seconds: For how long a track that is not seen is expected where its motion would have taken it; longer
            where frames are seldom.
        memory: How many tracks that are out of sight are remembered by their template.
        memory_seconds: For how long they are.
    """

    def __init__(
        self,
        sameness: Sameness | None = None,
        *,
        start_score: float = 0.75,
        coast_seconds: float = 0.5,
        memory: int = 256,
        memory_seconds: float = 600.0,
    ) -> None:
        self._sameness = sameness
        self._start_score = start_score
        self._coast = coast_seconds
        self._memory = memory
        self._memory_seconds = memory_seconds
        self._now = -math.inf
        self._next_id = 0
        self._active: list[_Track] = []
        self._lost: list[_Track] = []

    @property
    def remembered(self) -> frozenset[int]:
        """Tracks whose id may be given again."""
        return frozenset(track.track_id for track in (*self._active, *self._lost))

    def update(self, faces: Faces, timestamp: float, look: Look, *, cut: bool = False) -> Tracked:
        """Take in one frame.

        Args:
            faces: Its faces; boxes and scores are used.
            timestamp: Seconds; one that lies before the last frame's is taken as that one's.
            look: Gives templates of some of these faces; called at most once.
            cut: Whether the scene has changed, so that motion says nothing.

        Raises:
            InvalidArgument: A timestamp that is no number.
        """
        if not math.isfinite(timestamp):
            raise InvalidArgument(f"timestamp: expected seconds, got {timestamp}")
        before, self._now = self._now, max(self._now, timestamp)
        self._retire(max(self._coast, min(_INTERVALS * (self._now - before), _LONGEST_COAST)), cut=cut)
        frame = _Frame(faces, [track.predicted(self._now) for track in self._active])
        sure = self._sure(frame)
        self._ask(frame, sure, look)
        self._refute(frame, sure)
        self._assign(frame, sure)
        tracks = self._begin(frame, sure)
        became = self._recognise(frame, tracks)
        ids = [track.track_id if track is not None else -1 for track in tracks]
        return Tracked(np.array(ids, np.int64), became)

    def _retire(self, coast: float, *, cut: bool) -> None:
        active = []
        for track in self._active:
            if not cut and self._now - track.last_seen <= coast:
                active.append(track)
            elif track.sum is not None:
                self._lost.append(track)
        self._active = active
        kept = [track for track in self._lost if self._now - track.last_seen <= self._memory_seconds]
        self._lost = sorted(kept, key=lambda track: track.last_seen)[max(0, len(kept) - self._memory) :]

    def _sure(self, frame: _Frame) -> dict[int, _Track]:
        """Rows whose track is beyond doubt by overlap alone."""
        overlap = frame.overlap
        if not overlap.size:
            return {}
        row_of, track_of = overlap.argmax(1), overlap.argmax(0)
        rows_rival = np.sort(overlap, 1)[:, -2] if overlap.shape[1] > 1 else np.zeros(len(overlap))
        tracks_rival = np.sort(overlap, 0)[-2] if len(overlap) > 1 else np.zeros(overlap.shape[1])
        sure = {}
        for index, row in enumerate(row_of):
            best, rival = overlap[index, row], max(rows_rival[index], tracks_rival[row])
            self._active[index].doubtful |= bool(rival > _OVERLAP)
            if track_of[row] == index and best >= _SURE_OVERLAP and rival <= _RIVAL * best:
                sure[int(row)] = self._active[index]
                if best < _STEADY_OVERLAP:
                    frame.sudden.add(int(row))
        return sure

    def _ask(self, frame: _Frame, sure: Mapping[int, _Track], look: Look) -> None:
        rows = [
            row
            for row in range(len(frame.scores))
            if row not in sure or row in frame.sudden or sure[row].is_due(self._now)
        ]
        if rows:
            frame.looked(rows, look(np.array(rows, np.intp)))

    def _refute(self, frame: _Frame, sure: dict[int, _Track]) -> None:
        """Overlap was sure, but the template says that it is somebody else."""
        for row, track in list(sure.items()):
            template = frame.templates.get(row)
            if self._sameness is None or template is None or track.sum is None:
                continue
            if template @ track.template < self._sameness.different:
                del sure[row]

    def _assign(self, frame: _Frame, sure: dict[int, _Track]) -> None:
        """What is in doubt, as a whole: by template where there is one, by overlap where there is none."""
        from scipy.optimize import linear_sum_assignment

        taken = {track.track_id for track in sure.values()}
        rows = [row for row in range(len(frame.scores)) if row not in sure]
        tracks = [track for track in (*self._active, *self._lost) if track.track_id not in taken]
        if not rows or not tracks:
            return
        gain = self._gain(frame, rows, tracks)
        for i, j in zip(*linear_sum_assignment(gain, maximize=True), strict=True):
            if gain[i, j] > 0:
                sure[rows[j]] = tracks[i]

    def _gain(self, frame: _Frame, rows: Sequence[int], tracks: Sequence[_Track]) -> NDArray[np.float64]:
        """(tracks, rows): 0 where it cannot be, more than 1 where the templates are one person's."""
        gain = np.zeros((len(tracks), len(rows)))
        place = {track.track_id: index for index, track in enumerate(self._active)}
        for i, track in enumerate(tracks):
            if track.track_id in place:
                near = frame.overlap[place[track.track_id], rows]
                gain[i] = np.where(near > _OVERLAP, near, 0)
        sameness = self._sameness
        known = [i for i, track in enumerate(tracks) if track.sum is not None]
        seen = [j for j, row in enumerate(rows) if row in frame.templates]
        if sameness is None or not known or not seen:
            return gain
        scores = np.stack([tracks[i].template for i in known]) @ np.stack([frame.templates[rows[j]] for j in seen]).T
        part = np.ix_(known, seen)
        gain[part] = np.where(scores < sameness.different, 0, gain[part])
        gain[part] += np.where(scores >= sameness.same, 1 + scores, 0)
        return gain

    def _begin(self, frame: _Frame, found: Mapping[int, _Track]) -> list[_Track | None]:
        """Take the faces into their tracks, and begin a track for each that has none."""
        tracks: list[_Track | None] = []
        for row, box in enumerate(frame.boxes):
            track = found.get(row)
            if track is None and frame.scores[row] >= self._start_score:
                track = _Track(self._next_id, box, self._now, self._now)
                self._next_id += 1
                self._active.append(track)
            elif track is not None and track in self._lost:
                self._return(track, box)
            elif track is not None:
                track.move(box, self._now)
            tracks.append(track)
        return tracks

    def _recognise(self, frame: _Frame, tracks: list[_Track | None]) -> dict[int, int]:
        """Learn from the looks, and see whether a young track is one that was lost."""
        became = {}
        for row in frame.asked:
            track = tracks[row]
            if track is None:
                continue
            track.learn(frame.templates.get(row), self._now)
            earlier = self._earlier(track) if row in frame.templates and track.looks <= _FIRST_LOOKS else None
            if earlier is not None:
                became[track.track_id] = earlier.track_id
                self._active.remove(track)
                self._return(earlier, track.box)
                tracks[row] = earlier
        return became

    def _return(self, track: _Track, box: NDArray[np.float64]) -> None:
        """A track that was out of sight is back."""
        self._lost.remove(track)
        self._active.append(track)
        track.box, track.last_seen, track.velocity = box, self._now, np.zeros(4)

    def _earlier(self, track: _Track) -> _Track | None:
        # Faces that were in view together are not one person's.
        past = [other for other in self._lost if other.last_seen < track.first_seen]
        if self._sameness is None or not past:
            return None
        scores = np.stack([other.template for other in past]) @ track.template
        best = int(scores.argmax())
        return past[best] if scores[best] >= self._sameness.same else None


class _Frame:
    """One frame while it is worked on."""

    def __init__(self, faces: Faces, predicted: Sequence[NDArray[np.float64]]) -> None:
        self.boxes = faces.boxes.astype(np.float64)
        self.scores = faces.scores
        self.overlap = box_overlap(np.reshape(predicted, (-1, 4)), self.boxes)
        self.sudden: set[int] = set()
        self.asked: list[int] = []
        self.templates: dict[int, Array] = {}

    def looked(self, rows: list[int], looks: Looks) -> None:
        self.asked = rows
        self.templates = {row: looks.templates[i] for i, row in enumerate(rows) if looks.usable[i]}
