"""What is remembered of the tracks of a video: when each was in view, its best look, and its decision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from mien.render.fragments import crop
from mien.render.timeline import TimelineRow
from mien.render.words import Verdict, verdict
from mien.types import Decision, Face, Image
from mien.watch import EventRules, WatchedFrame

__all__ = ["Presence", "Presences", "Spans", "rows"]

_MOST_TRACKS = 1000
_MOST_SPANS = 256
_BETTER = 1.15


class Spans:
    """When something was there: stretches of time, with gaps up to ``gap`` seconds bridged.

    Memory is bounded: where there are very many stretches, the gap that is bridged doubles.

    Args:
        gap: Longest gap in seconds within one stretch.
    """

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self.stretches: list[tuple[float, float]] = []

    def add(self, moment: float) -> None:
        """It is there at this moment, which is no earlier than any before."""
        if self.stretches and moment - self.stretches[-1][1] <= self._gap:
            self.stretches[-1] = (self.stretches[-1][0], moment)
            return
        self.stretches.append((moment, moment))
        while len(self.stretches) > _MOST_SPANS:
            self._gap *= 2
            self.stretches = _bridged(self.stretches, self._gap)


@dataclass(slots=True)
class Presence:
    """One track.

    Attributes:
        track_id: The track.
        spans: When it was in view.
        frames: Frames in which it was detected.
        decision: The latest.
        picture: Its best look, as a data URI of at most 128 x 128 pixels.
    """

    track_id: int
    spans: Spans
    frames: int = 0
    decision: Decision | None = None
    picture: str = ""
    _worth: float = 0.0

    @property
    def name(self) -> str:
        """The person it is decided to be, else what to call it."""
        match verdict(self.decision):
            case Verdict.MATCHED:
                assert self.decision is not None
                return self.decision.person.label if self.decision.person else "match"
            case Verdict.FOUND:
                return f"not decided, track {self.track_id}"
        return f"{verdict(self.decision)}, track {self.track_id}"

    def add(self, moment: float, image: Image, face: Face) -> None:
        """It is seen at this moment; its picture is kept where it is clearly better than the one before."""
        self.spans.add(moment)
        self.frames += 1
        self.decision = face.decision
        worth = _worth(face)
        if not self.picture or worth > _BETTER * self._worth:
            self.picture, self._worth = crop(image, face.box), worth


@dataclass(slots=True)
class Presences:
    """The tracks of a video, in memory that does not grow with its length: past 1,000 tracks, new ones are counted.

    Args:
        rules: How many frames make a track worth showing, and how long an absence ends a stretch in view.

    Attributes:
        frames: Frames so far.
        start: Timestamp of the first, None before it.
        end: Timestamp of the last.
        left_out: Tracks that are not remembered because there were too many.
    """

    rules: EventRules
    frames: int = 0
    start: float | None = None
    end: float = 0.0
    left_out: int = 0
    _tracks: dict[int, Presence] = field(default_factory=dict)
    _newest: int = -1

    def add(self, frame: WatchedFrame) -> None:
        """Take note of a frame."""
        self.frames += 1
        self.start = frame.timestamp if self.start is None else self.start
        self.end = frame.timestamp
        for face in frame.faces:
            track = self._track(face.track_id)
            if track is not None:
                track.add(frame.timestamp, frame.image, face)

    def shown(self) -> list[Presence]:
        """The tracks worth showing, by when they were first seen."""
        enough = [track for track in self._tracks.values() if track.frames >= self.rules.confirm_frames]
        return sorted(enough, key=lambda track: (track.spans.stretches[0][0], track.track_id))

    def _track(self, track_id: int) -> Presence | None:
        if track_id < 0 or track_id in self._tracks:
            return self._tracks.get(track_id)
        if len(self._tracks) >= _MOST_TRACKS:
            self._forget_glances()
        if len(self._tracks) >= _MOST_TRACKS:
            self.left_out += track_id > self._newest
            self._newest = max(self._newest, track_id)
            return None
        track = self._tracks[track_id] = Presence(track_id, Spans(self.rules.absence_seconds))
        return track

    def _forget_glances(self) -> None:
        """Let go of tracks that were too brief to be shown and are over."""
        over = self.end - self.rules.absence_seconds
        self._tracks = {
            track_id: track
            for track_id, track in self._tracks.items()
            if track.frames >= self.rules.confirm_frames or track.spans.stretches[-1][1] > over
        }


def rows(tracks: Iterable[Presence]) -> list[TimelineRow]:
    """The rows of a timeline: one a person, however many tracks they have, and one for each other track."""
    people: dict[str, list[Presence]] = {}
    for track in tracks:
        person = track.decision.person if track.decision is not None else None
        people.setdefault(person.person_id if person else f"track {track.track_id}", []).append(track)
    return [
        TimelineRow(
            together[0].name,
            verdict(together[0].decision),
            sorted(stretch for track in together for stretch in track.spans.stretches),
        )
        for together in people.values()
    ]


def _bridged(stretches: list[tuple[float, float]], gap: float) -> list[tuple[float, float]]:
    bridged = stretches[:1]
    for first, last in stretches[1:]:
        if first - bridged[-1][1] <= gap:
            bridged[-1] = (bridged[-1][0], last)
        else:
            bridged.append((first, last))
    return bridged


def _worth(face: Face) -> float:
    """How much there is to see of a face: large, surely a face, looking at the camera, within the picture."""
    width, height = face.image_size
    left, top, right, bottom = (float(edge) for edge in face.box)
    inside = max(0.0, min(right, width) - max(left, 0)) * max(0.0, min(bottom, height) - max(top, 0))
    whole = inside / max((right - left) * (bottom - top), 1e-6)
    eyes, nose = face.landmarks[:2], face.landmarks[2]
    apart = float(np.linalg.norm(eyes[1] - eyes[0]))
    turned = abs(float(nose[0] - eyes[:, 0].mean())) / apart if apart > 0 else 1.0
    frontal = max(0.1, 1 - turned) if np.isfinite(turned) else 0.5
    return face.size * face.score * frontal * whole**2
