"""Events: who came, was recognised, stayed unknown, and left."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mien.types import Decision

__all__ = ["Event", "EventKind", "EventRules"]

EventKind: TypeAlias = Literal["appeared", "recognised", "unknown", "left"]


@dataclass(frozen=True, slots=True)
class EventRules:
    """When something is worth telling.

    Attributes:
        confirm_frames: Frames in which a track must be detected before it is told of; a face seen more briefly is
            never told of, though it stays in the frames' `Faces`.
        absence_seconds: A track that is not seen for so long has left.
        cooldown_seconds: A person (or unknown track) who is back within so long of having left is not told of again.
        emit_unknown: Whether people who are not in the gallery are told of.
    """

    confirm_frames: int = 3
    absence_seconds: float = 2.0
    cooldown_seconds: float = 30.0
    emit_unknown: bool = True


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to one track.

    Attributes:
        kind: ``"appeared"`` (a face is there, confirmed), ``"recognised"`` (the track is decided to be a known person),
            ``"unknown"`` (enough was seen to decide, and it is nobody of the gallery), ``"left"``.
        track_id: The track.
        timestamp: Seconds from the start of the video, or of watching a live stream, of the frame that made it happen.
        started: When the track was first seen, same scale.
        ended: When it was last seen before this event, same scale.
        frames: Frames in which it was detected, so far.
        box: Left, top, right, bottom in pixels of the upright frame, where it was last seen.
        decision: The track's decision as it stands; None before one was made.
        time: Wall clock, UTC, of a live stream; None for a file.
    """

    kind: EventKind
    track_id: int
    timestamp: float
    started: float
    ended: float
    frames: int
    box: tuple[float, float, float, float]
    decision: Decision | None = None
    time: dt.datetime | None = None

    @property
    def person(self) -> str | None:
        """Label of the person the track is decided to be; None for unknown, and before a decision."""
        decided = self.decision.person if self.decision is not None else None
        return None if decided is None else decided.label
