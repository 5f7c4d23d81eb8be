"""What is known of one track: its best samples, and who it is decided to be."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np

from mien.recognition import fuse_track
from mien.types import Array, Decision
from mien.watch.events import TrackState

__all__ = ["Probe", "Subject"]

_SAMPLES = 16
# The first decision takes so many usable looks or so many seconds, each later one twice the looks of the one before:
# every decision is a chance for a stranger to be taken for somebody, so they are few and at points fixed beforehand.
_FIRST_POINT = 3
_FIRST_SECONDS = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What a track is searched with.

    Attributes:
        template: (d,) float32 of unit length.
        reasons: Why it may not be identified.
    """

    template: Array
    reasons: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Subject:
    """One track, over all its stays in view.

    Attributes:
        track_id: The track.
        started: Seconds at which this stay began.
        last_seen: Seconds at which it was last seen.
        frames: Frames in which it was detected in this stay.
        box: Where it was last seen.
        decision: Who it is decided to be; None before.
        probe: What the decision rests on.
    """

    track_id: int
    started: float
    last_seen: float
    box: tuple[float, float, float, float]
    frames: int = 0
    decision: Decision | None = None
    probe: Probe | None = None
    _templates: list[Array] = field(default_factory=list)
    _quality: list[float] = field(default_factory=list)
    _usable: int = 0
    _next_point: int = _FIRST_POINT
    _poor: Probe | None = None
    _unconfirmed: bool = False
    _barred: dict[str, float] = field(default_factory=dict)

    def state(self) -> TrackState:
        """As events are made of it."""
        return TrackState(
            self.track_id,
            self.started,
            self.last_seen,
            self.frames,
            self.box,
            self.decision,
            self.decision is not None,
        )

    def see(self, box: Array, timestamp: float, absence: float) -> None:
        """It is in this frame; after an absence of so many seconds a new stay begins."""
        if timestamp - self.last_seen >= absence:
            self.started, self.frames = timestamp, 0
        left, top, right, bottom = (float(side) for side in box)
        self.box, self.last_seen, self.frames = (left, top, right, bottom), timestamp, self.frames + 1

    def look(self, template: Array, quality: float, reasons: tuple[str, ...]) -> None:
        """Take in a sample; one with reasons against it counts only as long as there is no better."""
        if reasons:
            self._poor = Probe(template, reasons)
            return
        self._usable += 1
        self._templates.append(template)
        self._quality.append(quality)
        if len(self._quality) > _SAMPLES:
            worst = int(np.argmin(self._quality))
            del self._templates[worst], self._quality[worst]

    def due(self, timestamp: float) -> Probe | None:
        """What to decide by, where a decision point is reached."""
        waited = self.decision is None and timestamp - self.started >= _FIRST_SECONDS
        if self._usable >= self._next_point or (waited and self._usable):
            while self._next_point <= self._usable:
                self._next_point *= 2
            return Probe(fuse_track(np.stack(self._templates), np.array(self._quality)))
        return self._poor if waited else None

    def decide(self, decision: Decision, probe: Probe) -> None:
        """Take the decision of a decision point.

        A match is withdrawn only where two points in a row do not confirm it, or its person is known no more.
        """
        decision = self._allowed(decision)
        before = self.decision.person if self.decision is not None else None
        known = before is not None and any(c.person_id == before.person_id for c in decision.candidates)
        if known and not decision.match and not self._unconfirmed:
            self._unconfirmed = True
            return
        self.decision, self.probe, self._unconfirmed = decision, probe, False

    def renew(self, decision: Decision) -> None:
        """The same probe was searched anew: whatever is different comes from the gallery."""
        self.decision = self._allowed(decision)

    def yield_to(self, score: float) -> None:
        """Somebody else of the same frame is this person, with a higher score; nobody is in a frame twice."""
        assert self.decision is not None
        assert self.decision.person is not None
        self._barred[self.decision.person.person_id] = score
        self.decision = self._allowed(self.decision)

    def _allowed(self, decision: Decision) -> Decision:
        person = decision.person
        if person is None or decision.score > self._barred.get(person.person_id, -np.inf):
            return decision
        return dataclasses.replace(decision, match=False, reasons=(*decision.reasons, "same_person_twice"))
