"""Events: who came, was recognised, stayed unknown, and left."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from mien.errors import InvalidArgument
from mien.types import Decision

__all__ = ["Event", "EventKind", "EventLog", "EventRules", "TrackState"]

EventKind: TypeAlias = Literal["appeared", "recognised", "unknown", "left"]


@dataclass(frozen=True, slots=True)
class EventRules:
    """When something is worth telling.

    Attributes:
        confirm_frames: Frames in which a track must be detected before it is told of, 1 or more; a face seen more
            briefly is never told of, though it stays in the frames' `Faces`.
        absence_seconds: A track that is not seen for so long has left; above 0.
        cooldown_seconds: A person (or unknown track) who is back within so long of having left is not told of again:
            neither that they are back, nor that they leave once more; the time then runs anew. 0 or more.
        emit_unknown: Whether people who are not in the gallery are told of. Where they are not, nobody is told of
            before being recognised.

    Raises:
        InvalidArgument: A rule outside what it may be.
    """

    confirm_frames: int = 3
    absence_seconds: float = 2.0
    cooldown_seconds: float = 30.0
    emit_unknown: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.confirm_frames, bool) or not isinstance(self.confirm_frames, int) or self.confirm_frames < 1:
            raise InvalidArgument(f"confirm_frames: expected a whole number of 1 or more, got {self.confirm_frames!r}")
        if not 0 < self.absence_seconds < math.inf:
            raise InvalidArgument(f"absence_seconds: expected seconds above 0, got {self.absence_seconds!r}")
        if not 0 <= self.cooldown_seconds < math.inf:
            raise InvalidArgument(f"cooldown_seconds: expected 0 or more seconds, got {self.cooldown_seconds!r}")


@dataclass(frozen=True, slots=True)
class TrackState:
    """What is known of one track at a frame.

    Attributes:
        track_id: The track; somebody who had left and is re-identified bears it again.
        started: Seconds at which it was first seen, of this stay: a track that had left and is back starts anew.
        last_seen: Seconds at which it was last seen, same scale.
        frames: Frames in which it was detected since ``started``.
        box: Left, top, right, bottom in pixels of the upright frame, where it was last seen.
        decision: The track's decision as it stands; before one is made None, or one of reason ``"undecided"``.
        decided: Whether the decision is made.
    """

    track_id: int
    started: float
    last_seen: float
    frames: int
    box: tuple[float, float, float, float]
    decision: Decision | None = None
    decided: bool = False


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


@dataclass(slots=True)
class _Stay:
    """A track in view, and what is settled about it: told, or known from before and not worth telling again."""

    state: TrackState
    returned: bool = False
    confirmed: bool = False
    told: bool = False
    person: str | None = None
    unknown: bool = False


@dataclass(slots=True)
class _Cooling:
    """A track or person who left not long ago."""

    until: float
    person: str | None
    unknown: bool


@dataclass(slots=True)
class EventLog:
    """Turns the tracks of one frame after the other into events.

    Of each stay of a track that is told of: ``appeared`` once, at its frame number ``confirm_frames``; ``recognised``
    when it is decided to be a person, and again only where that changes to another person; ``unknown`` at most once;
    ``left`` once. Whoever is in view already under another track, or is back within the cooldown, is not told of
    again. Memory is that of the tracks in view and of those that left within the cooldown.

    Args:
        rules: When something is worth telling.
    """

    rules: EventRules = field(default_factory=EventRules)
    _now: float = field(default=-math.inf, init=False)
    _stays: dict[int, _Stay] = field(default_factory=dict, init=False)
    _cooling: dict[int | str, _Cooling] = field(default_factory=dict, init=False)  # by end; track_id or person_id

    def update(
        self, timestamp: float, tracks: Sequence[TrackState], time: dt.datetime | None = None
    ) -> tuple[Event, ...]:
        """What happened with a frame.

        Args:
            timestamp: Of the frame, seconds; never before that of the last frame.
            tracks: Every track seen within the last ``absence_seconds``.
            time: Wall clock, UTC, of a live stream.

        Returns:
            Those who left, then what is new of each track, in the order given.

        Raises:
            InvalidArgument: A timestamp that goes back or is no number; nothing was changed.
        """
        self._advance(timestamp)
        new = {state.track_id: state for state in tracks if not (self._goes_on(state) or self._is_absent(state))}
        gone = [stay for key, stay in self._stays.items() if key in new or self._is_absent(stay.state)]
        events = [event for stay in gone for event in self._leave(stay, time)]
        self._stays |= {key: self._arrival(state) for key, state in new.items()}
        events += [event for stay in self._stays.values() for event in self._news(stay, time)]
        return tuple(events)

    def close(self, timestamp: float, time: dt.datetime | None = None) -> tuple[Event, ...]:
        """Everybody who is still in view leaves, and the log may begin with another video.

        Args:
            timestamp: Of the last frame, seconds.
            time: Wall clock, UTC, of a live stream.

        Raises:
            InvalidArgument: A timestamp that goes back or is no number; nothing was changed.
        """
        self._advance(timestamp)
        events = [event for stay in list(self._stays.values()) for event in self._leave(stay, time)]
        self._cooling.clear()
        self._now = -math.inf
        return tuple(events)

    def _advance(self, timestamp: float) -> None:
        if not (math.isfinite(timestamp) and timestamp >= self._now):
            raise InvalidArgument(f"timestamp: expected seconds, {self._now:g} or later, got {timestamp}")
        self._now = timestamp
        over = []
        for key, cooling in self._cooling.items():
            if cooling.until > timestamp:
                break
            over.append(key)
        for key in over:
            del self._cooling[key]

    def _goes_on(self, state: TrackState) -> bool:
        """Whether a state is of a stay that is known, which then takes it."""
        stay = self._stays.get(state.track_id)
        if stay is None or stay.state.started != state.started:
            return False
        stay.state = state
        return True

    def _arrival(self, state: TrackState) -> _Stay:
        before = self._cooling.get(state.track_id)
        if before is None:
            return _Stay(state)
        return _Stay(state, returned=True, person=before.person, unknown=before.unknown)

    def _is_absent(self, state: TrackState) -> bool:
        return self._now - state.last_seen >= self.rules.absence_seconds

    def _leave(self, stay: _Stay, time: dt.datetime | None) -> Iterator[Event]:
        del self._stays[stay.state.track_id]
        if stay.confirmed:
            for key in (stay.state.track_id, stay.person):
                if key is not None and self.rules.cooldown_seconds > 0:
                    self._cooling.pop(key, None)  # the order of the dict is that of the ends
                    self._cooling[key] = _Cooling(self._now + self.rules.cooldown_seconds, stay.person, stay.unknown)
        if stay.told:
            yield self._event("left", stay, time)

    def _news(self, stay: _Stay, time: dt.datetime | None) -> Iterator[Event]:
        if stay.state.frames < self.rules.confirm_frames:
            return
        if not stay.confirmed:
            self._confirm(stay)
            if stay.told:
                yield self._event("appeared", stay, time)
        kind = self._settle(stay)
        if kind is None:
            return
        if not stay.told:
            stay.told = True
            yield self._event("appeared", stay, time)
        yield self._event(kind, stay, time)

    def _confirm(self, stay: _Stay) -> None:
        stay.confirmed = True
        person = _person(stay.state)
        known = stay.returned or (person is not None and self._is_known(person, stay))
        stay.told = self.rules.emit_unknown and not known

    def _settle(self, stay: _Stay) -> Literal["recognised", "unknown"] | None:
        """Take note of a decision; which event it is, None where it is no news."""
        if not stay.state.decided:
            return None
        person = _person(stay.state)
        if person is None:
            news = not stay.unknown and self.rules.emit_unknown
            stay.unknown = True
            return "unknown" if news else None
        news = person != stay.person and not self._is_known(person, stay)
        stay.person = person
        return "recognised" if news else None

    def _is_known(self, person: str, stay: _Stay) -> bool:
        """Whether a person is told of already: in view under another track, or back within the cooldown."""
        return person in self._cooling or any(
            other is not stay and other.person == person for other in self._stays.values()
        )

    def _event(self, kind: EventKind, stay: _Stay, time: dt.datetime | None) -> Event:
        state = stay.state
        return Event(
            kind=kind,
            track_id=state.track_id,
            timestamp=self._now,
            started=state.started,
            ended=state.last_seen,
            frames=state.frames,
            box=state.box,
            decision=state.decision if state.decided else None,
            time=time,
        )


def _person(state: TrackState) -> str | None:
    decided = state.decision.person if state.decided and state.decision is not None else None
    return None if decided is None else decided.person_id
