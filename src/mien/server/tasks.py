"""What jobs do: each a loop over a public method of the library, in pieces between which requests have their turn."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mien.errors import InvalidArgument, MienError, NoImages, RuntimeUnavailable
from mien.server.jobs import Active, Ended, Outcome
from mien.server.ledger import Job
from mien.server.uploads import unpack
from mien.server.work import Busy, Work

if TYPE_CHECKING:
    from mien.gallery import Gallery
    from mien.server.service import Service
    from mien.types import Faces
    from mien.watch import Event, WatchedFrame

__all__ = ["Task", "pause", "perform"]

ResultT = TypeVar("ResultT")

_TOGETHER = 2
"""Images of a job that are looked at at the same time."""
_PIECE = 0.25
"""Seconds of a video's work that a request may have to wait for."""


@dataclass(eq=False)
class Task:
    """A job that is being done.

    Attributes:
        service: For whom.
        job: Which.
        active: How far it is.
        gallery: The collection.
        failures: Images that did not serve, and why.
    """

    service: Service
    job: Job
    active: Active
    gallery: Gallery
    failures: list[dict[str, Any]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.active.upload.folder

    def proceed(self, done: float | None = None) -> None:
        """Go on, and note how far it is.

        Raises:
            Ended: It is not wanted any more.
        """
        if self.active.cancelled.is_set() or self.service.stopping.is_set():
            raise Ended
        if done is not None:
            self.active.done = done
            self.active.refused = len(self.failures)
            self.service.jobs.progress(self.active)

    def fail(self, source: str, error: MienError) -> None:
        """Leave an image out, and say why."""
        self.failures.append({"source": source, "reasons": [error.code], "message": self.active.told(error)})

    def name(self, path: Path) -> str:
        """What a file was called when it was sent."""
        return path.relative_to(self.folder).as_posix()

    def without_folder(self, document: dict[str, Any]) -> dict[str, Any]:
        """A document in which files are called as they were sent: where the service keeps them is nobody's business."""
        within = json.dumps(f"{self.folder}/")[1:-1]
        shown: dict[str, Any] = json.loads(json.dumps(document).replace(within, ""))
        return shown

    def queued(self, call: Callable[[Work, str], Any]) -> Any:  # noqa: ANN401 - what the call gives
        """Use the models when the job's turn comes.

        Raises:
            Ended: It is not wanted any more.
        """
        while True:
            self.proceed()
            try:
                return asyncio.run(call(self.service.work, f"job {self.job.job_id}"))
            except Busy:
                if self.service.work.closed:
                    raise Ended from None
                time.sleep(0.2)

    def run(self, call: Callable[[], ResultT]) -> ResultT:
        """What a call returns that uses the models, as `Work.run`."""
        result: ResultT = self.queued(lambda work, holder: work.run(call, holder))
        return result

    def looked(self, paths: list[Path]) -> list[Faces | MienError]:
        """The faces of some images, or what is wrong with them."""

        async def look(work: Work, holder: str) -> list[Faces | BaseException]:
            looks = (work.look(path, holder, self.gallery.pipeline) for path in paths)
            return [*await asyncio.gather(*looks, return_exceptions=True)]

        while True:
            found: list[Any] = self.queued(look)
            wrong = [one for one in found if isinstance(one, BaseException) and not isinstance(one, MienError)]
            if not wrong:
                return found
            if not isinstance(wrong[0], Busy):
                raise wrong[0]
            time.sleep(0.2)

    def images(self) -> list[Path]:
        """The images that were sent."""
        from mien import media

        paths = media.list_images(self.folder)
        self.active.total = len(paths)
        return paths


def perform(service: Service, job: Job, active: Active) -> Outcome:
    """Do a job.

    Raises:
        Ended: It was not wanted any more.
        MienError: It cannot be done.
    """
    with service.calibrations.held():
        return _done(Task(service, job, active, service.galleries.opened(job.collection)))


def _done(task: Task) -> Outcome:
    for path in [path for path in task.folder.iterdir() if path.suffix.lower() == ".zip"]:
        unpack(path, task.service.jobs.limit, task.folder, task.proceed)
        path.unlink()
    try:
        return {
            "identify": identify,
            "enroll": enroll,
            "watch": watch,
            "evaluate": evaluate,
            "calibrate": calibrate,
        }[task.job.kind](task)
    except NoImages as error:
        raise NoImages("files: expected images, got none that is one") from error


def pause(work: Work, longest: float = _PIECE) -> None:
    """Let requests go first that wait for the models, for a moment."""
    end = time.monotonic() + longest
    while work.waiting and time.monotonic() < end:
        time.sleep(0.005)


def identify(task: Task) -> Outcome:
    """Who is in each image."""
    from mien.render import faces_to_dict

    options, gallery = task.job.options, task.gallery
    fpir = options["fpir"] or task.service.galleries.rules(gallery.collection).fpir
    require = options.get("require")  # a job that an earlier version began has none
    images, people = [], set[str]()
    paths = task.images()
    for start in range(0, len(paths), _TOGETHER):
        batch = paths[start : start + _TOGETHER]
        for path, found in zip(batch, task.looked(batch), strict=True):
            if isinstance(found, MienError):
                task.fail(task.name(path), found)
                continue
            decided = gallery.decide(found, fpir=fpir, candidates=options["candidates"], require=require)
            task.service.metrics.decided("identify", decided.decisions)
            named = {one.person.person_id for one in decided.decisions or () if one.person}
            gallery.note_access("identify", task.job.key_id, named, faces=len(decided))
            listed = {other.person_id for one in decided.decisions or () for other in one.candidates}
            people |= named | listed
            images.append(faces_to_dict(decided, task.name(path)))
        task.proceed(start + len(batch))
    return Outcome({"fpir": fpir, "images": images, "refused": task.failures}, frozenset(people))


def enroll(task: Task) -> Outcome:
    """Enrol the people whose folders were sent."""
    people, options, done = _folders(task), task.job.options, 0
    crops = task.service.galleries.rules(task.gallery.collection).crops
    enrolments = task.gallery.enroll_all(
        people.items(), purpose=options["purpose"], until=options["until"], require=options.get("require")
    )
    enrolled: list[dict[str, Any]] = []
    for paths in people.values():

        def one(paths: list[Path] = paths) -> None:
            with task.gallery.acting(task.job.key_id):
                made = next(enrolments)
            if crops and made.added and made.person_id is not None:
                contents = [path.read_bytes() for path in paths]
                task.service.crops.keep(task.gallery, contents, task.gallery.samples(made.person_id))
            task.service.bus.enrolled(task.gallery.collection, made)
            enrolled.append(task.without_folder(made.to_dict()))
            task.failures += [{"label": made.label, **refused} for refused in enrolled[-1]["refused"]]

        task.run(one)
        done += len(paths)
        task.proceed(done)
    keys = frozenset(one["person_id"] for one in enrolled if one["person_id"])
    return Outcome({"people": enrolled, "refused": task.failures}, keys)


def watch(task: Task) -> Outcome:
    """Who was in a video, and when."""
    from mien import media
    from mien.watch import EventRules

    options, gallery = task.job.options, task.gallery
    fpir = options["fpir"] or task.service.galleries.rules(gallery.collection).fpir
    (path,) = [path for path in task.folder.iterdir() if path.is_file()]
    rules, seen = EventRules(**options["rules"]), _Seen()
    told: list[Event] = []
    with media.open_video(path, fps=options["fps"]) as video:
        task.active.total = video.duration
        frames = gallery.watch(video, fpir=fpir, require=options.get("require"), rules=rules, on_event=told.append)
        with contextlib.closing(frames):  # type: ignore[type-var]
            moment: float | None = 0.0
            while moment is not None:
                task.proceed(moment)
                moment = task.run(lambda: seen.advance(frames, rules.absence_seconds))
        damaged = video.damaged
        task.active.done = video.duration or task.active.done
    if damaged:
        task.failures.append({"source": path.name, "reasons": ["damaged"], "message": damaged})
        task.active.refused = 1
    return _watched(task, fpir, told, seen)


def evaluate(task: Task) -> Outcome:
    """Error rates of a pipeline on the folders of people that were sent."""
    from mien.evaluation import evaluate_identification, evaluate_verification
    from mien.render import evaluation_to_dict, write_evaluation_report

    evaluation = (evaluate_identification if task.job.options["task"] == "identification" else evaluate_verification)(
        "folder", task.folder, calibration=task.service.calibrations.of(), progress=_courteous(task)
    )
    page, report = task.folder / ".report.html", None
    with contextlib.suppress(RuntimeUnavailable):  # plots need an extra
        # Without pictures and names: it shows nobody.
        write_evaluation_report(page, evaluation, pictures=False)
        report = page.read_bytes()
    for row, reason in evaluation.samples.reasons.items():
        source = evaluation.samples.records[row].capture
        task.failures.append({"source": source, "reasons": [reason], "message": reason})
    task.active.refused = len(task.failures)
    return Outcome({"evaluation": evaluation_to_dict(evaluation), "refused": task.failures}, report=report)


def calibrate(task: Task) -> Outcome:
    """Thresholds of every rate, fitted to the people whose folders were sent."""
    from mien.recognition import refit

    calibration = refit(
        task.folder,
        pipeline=task.gallery.pipeline(),
        name=task.job.options["name"],
        progress=_courteous(task),
        on_error=lambda source, error: task.fail(task.name(Path(source)), error),
    )
    task.active.refused = len(task.failures)
    return Outcome({"calibration": calibration.to_dict(), "refused": task.failures})


def _courteous(task: Task) -> Callable[[int, int], None]:
    """Told of progress, it lets requests go first."""

    def progress(done: int, total: int) -> None:
        task.active.total = total
        task.proceed(done)
        pause(task.service.work)

    return progress


def _folders(task: Task) -> dict[str, list[Path]]:
    """Images by the outermost folder that they are in; those in none are nobody's."""
    people: dict[str, list[Path]] = {}
    for path in task.images():
        parts = path.relative_to(task.folder).parts
        if len(parts) == 1:
            task.fail(path.name, InvalidArgument(f"{path.name}: expected a folder with the name of a person around it"))
        else:
            people.setdefault(parts[0], []).append(path)
    if not people:
        raise InvalidArgument("files: expected a folder of images a person: PERSON/IMAGE")
    return people


@dataclass
class _Track:
    spans: Any
    frames: int = 0
    decision: Any = None


@dataclass
class _Seen:
    """The tracks of a video, and when they were in view."""

    tracks: dict[int, _Track] = field(default_factory=dict)
    frames: int = 0

    def advance(self, frames: Iterator[WatchedFrame], gap: float) -> float | None:
        """Watch for a moment; the time of the last frame, None where there is no more."""
        from mien.render.presence import Spans

        end = time.monotonic() + _PIECE
        for frame in frames:
            self.frames += 1
            for face in frame.faces:
                if face.track_id is not None and face.track_id >= 0:
                    track = self.tracks.setdefault(int(face.track_id), _Track(Spans(gap)))
                    track.spans.add(frame.timestamp)
                    track.frames += 1
                    track.decision = face.decision
            if time.monotonic() > end:
                return frame.timestamp
        return None


def _watched(task: Task, fpir: float, told: list[Event], seen: _Seen) -> Outcome:
    from mien.render import decision_to_dict, event_to_dict

    source = next(path.name for path in task.folder.iterdir() if path.is_file())
    told_of = {event.track_id for event in told}
    tracks = [
        {
            "track_id": number,
            "person": None
            if track.decision is None or track.decision.person is None
            else {"person_id": track.decision.person.person_id, "label": track.decision.person.label},
            "frames": track.frames,
            "spans": [[round(first, 3), round(last, 3)] for first, last in track.spans.stretches],
            "decision": None if track.decision is None else decision_to_dict(track.decision),
        }
        for number, track in sorted(seen.tracks.items())
        if number in told_of
    ]
    decisions = [track.decision for track in seen.tracks.values() if track.decision is not None]
    named = {one.person.person_id for one in decisions if one.person}
    task.gallery.note_access("watch", task.job.key_id, named, tracks=len(tracks))
    listed = {other.person_id for one in decisions for other in one.candidates}
    result = {
        "source": source,
        "fpir": fpir,
        "frames": seen.frames,
        "tracks": tracks,
        "events": [event_to_dict(event, source) for event in told],
        "refused": task.failures,
    }
    return Outcome(result, frozenset(named | listed))
