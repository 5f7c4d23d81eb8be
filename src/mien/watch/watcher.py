"""The engine: frames in, faces with tracks, decisions and events out, in constant memory."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien import quality
from mien.errors import MienError
from mien.faces import Looks, Sameness, Tracker
from mien.media import Frame, Video
from mien.recognition import Calibration, Pipeline
from mien.types import Decision, Faces, Image
from mien.watch.events import Event, EventLog, EventRules
from mien.watch.locating import Thumbnail, is_cut, located
from mien.watch.subject import Probe, Subject

__all__ = ["Decide", "WatchedFrame", "sameness", "watch"]

Decide: TypeAlias = Callable[[Sequence[Probe]], Sequence[Decision]]
"""Says who each track is, by what it is searched with."""

# Two faces of a video are one person's from the score that one in so many pairs of strangers reaches; a few hundred
# tracks are remembered, so that this is far from happening by chance.
_SAME_FMR = 1e-5
# Against what motion says, a template has to be so many times likelier of somebody else.
_DIFFERENT_ODDS = 100.0
# A decision is held against the gallery again after so many seconds: people are enrolled and erased meanwhile.
_RENEW_SECONDS = 1.0


class WatchedFrame(NamedTuple):
    """One frame of a video that is watched.

    Attributes:
        image: (height, width, 3) uint8, RGB, upright.
        timestamp: Seconds from the start of the file, or from the first frame of a live stream.
        faces: Its faces, each with ``track_id`` and ``decisions``: those of their tracks, with reason
            ``"undecided"`` before one is made.
        events: What happened with this frame. With a file's last frame, everybody who is still in view leaves; when a
            live stream ends, or an error ends the watch, there is no more frame and the callback alone is told.
    """

    image: Image
    timestamp: float
    faces: Faces
    events: tuple[Event, ...]


def watch(
    video: Video,
    pipeline: Pipeline,
    decide: Decide,
    *,
    calibration: Calibration | None,
    fpir: float,
    gate: quality.Gate = quality.OPEN,
    rules: EventRules | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Iterator[WatchedFrame]:
    """Watch a video: faces are found in every frame, each belongs to a track, and each track has one decision.

    Args:
        video: What to watch; the caller closes it.
        pipeline: Finds the faces and computes their templates.
        decide: Says who tracks are.
        calibration: Of the pipeline; None keeps tracks by motion alone.
        fpir: The rate that decisions are made at.
        gate: What a look must be beyond what every look is asked; one that falls short counts as a poor one.
        rules: When something is worth telling.
        on_event: Called with each event, before its frame is given out.
    """
    watcher = _Watcher(pipeline, decide, sameness(calibration), fpir, gate, rules or EventRules(), live=video.live)
    tell = on_event or (lambda _: None)
    pending: WatchedFrame | None = None
    try:
        for frame, faces, thumbnail in located(video, pipeline):
            if pending is not None:
                yield _told(pending, tell)
            pending = watcher.step(frame, faces, thumbnail)
            if video.live:
                # The next frame of a live stream may be long in coming.
                yield _told(pending, tell)
                pending = None
    except MienError:
        for event in watcher.close():
            tell(event)
        raise
    leaving = watcher.close()
    if pending is not None:
        yield _told(pending._replace(events=(*pending.events, *leaving)), tell)
        return
    for event in leaving:
        tell(event)


def sameness(calibration: Calibration | None) -> Sameness | None:
    """Which scores say that two faces of a video are one person's; None where nothing is known of images."""
    known = calibration.comparisons.get("image-image") if calibration is not None else None
    if calibration is None or known is None or not known.supported:
        return None
    same = calibration.verification_threshold("image-image", max(_SAME_FMR, known.supported[-1].fmr)).value
    slope, intercept = known.llr
    return Sameness(same, min(same, (-math.log(_DIFFERENT_ODDS) - intercept) / slope))


def _told(frame: WatchedFrame, tell: Callable[[Event], None]) -> WatchedFrame:
    for event in frame.events:
        tell(event)
    return frame


class _Watcher:
    """What is kept from frame to frame."""

    def __init__(
        self,
        pipeline: Pipeline,
        decide: Decide,
        same: Sameness | None,
        fpir: float,
        gate: quality.Gate,
        rules: EventRules,
        *,
        live: bool,
    ) -> None:
        self._pipeline = pipeline
        self._decide = decide
        self._gate = gate
        self._tracker = Tracker(same)
        self._rules = rules
        self._log = EventLog(rules)
        self._live = live
        self._undecided = _undecided(fpir)
        self._subjects: dict[int, Subject] = {}
        self._now = -math.inf
        self._renewed = -math.inf
        self._thumbnail: Thumbnail | None = None

    def step(self, frame: Frame, located: Faces, thumbnail: Thumbnail) -> WatchedFrame:
        self._now = max(self._now, frame.timestamp)
        cut = self._thumbnail is not None and is_cut(self._thumbnail, thumbnail)
        self._thumbnail = thumbnail
        described: list[tuple[NDArray[np.intp], Faces]] = []

        def look(rows: NDArray[np.intp]) -> Looks:
            (faces,) = self._pipeline.describe([frame.image], [located[rows]])
            described.append((rows, faces))
            assert faces.templates is not None
            return Looks(faces.templates, np.array([not reasons for reasons in quality.reasons(faces)], bool))

        tracked = self._tracker.update(located, self._now, look, cut=cut)
        for earlier in tracked.became:
            self._subjects.pop(earlier, None)
        visible = self._see(located, tracked.track_ids)
        for rows, faces in described:
            self._learn(tracked.track_ids[rows], faces)
        self._settle(visible)
        faces = self._with_decisions(located, tracked.track_ids)
        return WatchedFrame(frame.image, frame.timestamp, faces, self._events())

    def close(self) -> tuple[Event, ...]:
        """Everybody leaves."""
        return self._log.close(self._now, self._time()) if self._subjects else ()

    def _see(self, located: Faces, track_ids: NDArray[np.int64]) -> list[Subject]:
        visible = []
        for box, track_id in zip(located.boxes, track_ids.tolist(), strict=True):
            if track_id >= 0:
                subject = self._subjects.get(track_id)
                if subject is None:
                    subject = self._subjects[track_id] = Subject(track_id, self._now, self._now, (0, 0, 0, 0))
                subject.see(box, self._now, self._rules.absence_seconds)
                visible.append(subject)
        return visible

    def _learn(self, track_ids: NDArray[np.int64], faces: Faces) -> None:
        assert faces.templates is not None
        assert faces.quality is not None
        # What tracks are told apart by is asked no more than always: what is required concerns names alone.
        for row, (always, required) in enumerate(zip(quality.reasons(faces), self._gate.reasons(faces), strict=True)):
            if track_ids[row] >= 0:
                reasons = tuple(dict.fromkeys((*always, *required)))
                self._subjects[int(track_ids[row])].look(faces.templates[row], float(faces.quality[row]), reasons)

    def _settle(self, visible: Sequence[Subject]) -> None:
        due = [(subject, probe) for subject in visible if (probe := subject.due(self._now)) is not None]
        if due:
            for (subject, probe), decision in zip(due, self._decide([probe for _, probe in due]), strict=True):
                subject.decide(decision, probe)
        if self._now - self._renewed >= _RENEW_SECONDS:
            self._renewed = self._now
            settled = [(subject, subject.probe) for subject in visible if subject.probe is not None]
            if settled:
                for (subject, _), decision in zip(settled, self._decide([p for _, p in settled]), strict=True):
                    subject.renew(decision)
        _one_face_each(visible)

    def _with_decisions(self, located: Faces, track_ids: NDArray[np.int64]) -> Faces:
        decisions = [self._subjects[i].decision if i >= 0 else None for i in track_ids.tolist()]
        return dataclasses.replace(
            located,
            track_id=track_ids,
            timestamp=np.full(len(located), self._now),
            decisions=tuple(self._undecided if decision is None else decision for decision in decisions),
        )

    def _events(self) -> tuple[Event, ...]:
        remembered = self._tracker.remembered
        recent: dict[int, Subject] = {}
        for track_id, subject in list(self._subjects.items()):
            if self._now - subject.last_seen < self._rules.absence_seconds:
                recent[track_id] = subject
            elif track_id not in remembered:
                del self._subjects[track_id]
        return self._log.update(self._now, [subject.state() for subject in recent.values()], self._time())

    def _time(self) -> dt.datetime | None:
        return dt.datetime.now(dt.UTC) if self._live else None


def _one_face_each(visible: Sequence[Subject]) -> None:
    best: dict[str, Subject] = {}
    for subject in sorted(visible, key=lambda s: -s.decision.score if s.decision is not None else 0.0):
        person = subject.decision.person if subject.decision is not None else None
        if person is not None and best.setdefault(person.person_id, subject) is not subject:
            winner = best[person.person_id].decision
            assert winner is not None
            subject.yield_to(winner.score)


def _undecided(fpir: float) -> Decision:
    return Decision(
        match=False,
        score=-math.inf,
        threshold=math.inf,
        rate=fpir,
        rate_kind="fpir",
        interval=(0.0, 1.0),
        comparison="track-person/1",
        reasons=("undecided",),
    )
