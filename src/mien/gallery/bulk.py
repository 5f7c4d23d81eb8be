"""Many people at once: images are looked at by several processes, and enrolled by one.

What a process does depends on the images alone, and an enrolment of the same content changes nothing. So a run that was
killed is simply started again, a process that dies takes nothing with it, and no image is enrolled twice.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from mien.errors import InvalidArgument, MienError, NoImages, WorkerLost
from mien.gallery.enrolling import Enrolling
from mien.gallery.people import Enrolment, Refusal, parse_label, parse_purpose, parse_until
from mien.gallery.resolve import enrollee

if TYPE_CHECKING:
    import datetime as dt

    from mien.gallery.enrolment import Probe
    from mien.media import Source
    from mien.quality import Gate, Require
    from mien.recognition import Pipeline

__all__ = [
    "Bulk",
    "Job",
    "JobT",
    "Runner",
    "Task",
    "check_pipeline",
    "in_processes",
    "in_this_process",
    "lost",
    "runner",
]

SeenT = TypeVar("SeenT", covariant=True)

AHEAD = 3
"""People handed out for each process: it need not wait, and memory does not grow with the number of people."""

TRIES = 2
"""How often a person's images are looked at where a process dies over them."""


@dataclass(frozen=True, slots=True)
class Task:
    """A person whose images are to be looked at.

    Attributes:
        label: What people call them.
        sources: Their images.
        enrolled: Hashes of contents that need no second look.
        allow: Reasons that are no reason to refuse.
        wrong: Why none of it can be enrolled.
        gate: What is required beyond what every sample is asked; None for nothing more.
    """

    label: str
    sources: tuple[Source, ...]
    enrolled: frozenset[str]
    allow: tuple[str, ...]
    wrong: MienError | None = None
    gate: Gate | None = None

    def look(self, pipeline: Pipeline) -> list[Probe]:
        """What there is to be enrolled."""
        from mien.gallery.enrolment import look
        from mien.quality import Gate

        return look(self.sources, pipeline, self.enrolled, self.allow, Gate.of(self.gate))


class Job(Protocol[SeenT]):
    """Images that a process looks at, without the gallery; it can be sent to another one.

    Attributes:
        label: What to call it in messages.
        wrong: Why nobody need look.
    """

    @property
    def label(self) -> str:
        """As above."""

    @property
    def wrong(self) -> MienError | None:
        """As above."""

    def look(self, pipeline: Pipeline) -> SeenT:
        """What is seen in them."""


JobT = TypeVar("JobT", bound="Job[Any]")


class Runner(Protocol):
    """What looks at jobs, in any order, each at least once."""

    def __call__(self, jobs: Iterable[JobT], pipeline: Pipeline, /) -> Iterator[tuple[JobT, Any]]:
        """Jobs, and what was seen, or what is wrong with all of it."""


class Bulk(Enrolling):
    """Enrolment of many people."""

    def enroll_all(
        self,
        people: Iterable[tuple[str, Iterable[Source]]],
        *,
        workers: int | str = 1,
        purpose: str | None = None,
        until: str | dt.date | None = None,
        new: bool = False,
        allow: Collection[str] = (),
        require: Require = None,
    ) -> Iterator[Enrolment]:
        """Enrol many people, each as by `enroll`, as soon as their images were looked at.

        May be stopped and started again at any time: images that are samples already are passed over by their content.
        Nothing that is wrong with one person stops the others.

        Args:
            people: Labels, and the images of each; paths, where several processes are to look at them.
            workers: Processes that look at images; each loads the networks and has its share of the processors. More
                than one serve where a machine has many processors: the pipeline itself uses several. Or a Ray cluster:
                ``"ray://host:10001"``, or ``"ray://"`` on one of its nodes; every node has Mien, and sees the images
                under the same paths.
            purpose: See `enroll`.
            until: See `enroll`.
            new: See `enroll`; each is then somebody new, every time that it is run.
            allow: See `enroll`.
            require: See `enroll`.

        Yields:
            What came of each person. Where nobody could be enrolled at all, every image is refused with the reason.

        Raises:
            InvalidArgument: A purpose or day that cannot be, or several workers for a pipeline of the caller's own.
            StoreUnavailable: The Ray cluster cannot be reached, or ``pip install "mien[ray]"`` is missing.
            SpaceMismatch: The collection is pinned to another embedding space than the pipeline's.
            ModelError, StoreError: The models or the store failed; who came before is enrolled.
        """
        from mien.quality import Gate

        gate = Gate.of(require)
        expires, purpose = parse_until(until), parse_purpose(purpose)
        run = runner(workers)
        pipeline = self._pipeline()
        with self._store.reading(self.collection) as transaction:
            self._check_space(transaction, pipeline)
        tasks = (self._task(label, sources, new, expires, allow, gate) for label, sources in people)
        return self._committed(run(tasks, pipeline), new, purpose, expires)

    def _task(
        self,
        label: str,
        sources: Iterable[Source],
        new: bool,
        expires: dt.date | None,
        allow: Collection[str],
        gate: Gate,
    ) -> Task:
        images, enrolled = tuple(sources), set[str]()
        wrong: MienError | None = None
        try:
            label = parse_label(label)
            with self._store.reading(self.collection) as transaction:
                person = enrollee(transaction, label, new, None, expires)
                enrolled = transaction.contents(person.person_id) if person else set()
            if not images:
                wrong = NoImages(f"{label}: expected at least one image, got none")
        except MienError as error:
            wrong = error
        return Task(label, images, frozenset(enrolled), tuple(allow), wrong, gate)

    def _committed(
        self,
        looked: Iterator[tuple[Task, list[Probe] | MienError]],
        new: bool,
        purpose: str | None,
        expires: dt.date | None,
    ) -> Iterator[Enrolment]:
        for task, found in looked:
            if isinstance(found, MienError):
                yield _failed(task, found)
            else:
                yield self._enrol(task.label, found, new, None, task.allow, purpose, expires)


def runner(workers: int | str) -> Runner:
    """Who looks at images: this process, several, or a cluster; see `Bulk.enroll_all`."""
    if isinstance(workers, str):
        if not workers.startswith("ray://"):
            raise InvalidArgument(f"workers: expected a number or ray://host:port, got {workers!a}")
        from mien.gallery.cluster import on_ray

        return on_ray(workers)
    if workers < 1:
        raise InvalidArgument(f"workers: expected at least 1, got {workers}")
    return in_this_process if workers == 1 else in_processes(workers)


def _failed(task: Task, error: MienError) -> Enrolment:
    from mien import media

    refused = tuple(Refusal(media.source_name(source), (error.code,), error.message) for source in task.sources)
    nobody = (Refusal(task.label, (error.code,), error.message),)
    return Enrolment(None, task.label, (), (), refused or nobody, checked=False)


def in_this_process(jobs: Iterable[JobT], pipeline: Pipeline) -> Iterator[tuple[JobT, Any]]:
    """Look at jobs one after the other."""
    for job in jobs:
        yield job, job.wrong or job.look(pipeline)


def in_processes(workers: int) -> Runner:
    """A runner that has so many processes look at jobs."""

    def run(jobs: Iterable[JobT], pipeline: Pipeline) -> Iterator[tuple[JobT, Any]]:
        check_pipeline(pipeline)
        waiting, tries = iter(jobs), dict[JobT, int]()
        again: list[JobT] = []
        while True:
            with _pool(workers, pipeline.space) as pool:
                running: dict[Future[Any], JobT] = {}
                try:
                    yield from _served(pool, waiting, again, running, workers * AHEAD)
                except BrokenExecutor:
                    for job in running.values():
                        tries[job] = tries.get(job, 1) + 1
                    again = [job for job in running.values() if tries[job] <= TRIES]
                    given_up = [job for job in running.values() if tries[job] > TRIES]
                else:
                    return
            yield from ((job, lost(job)) for job in given_up)

    return run


def _served(
    pool: ProcessPoolExecutor,
    waiting: Iterator[JobT],
    again: list[JobT],
    running: dict[Future[Any], JobT],
    ahead: int,
) -> Iterator[tuple[JobT, Any]]:
    """Hand out jobs and take back what was seen; ``running`` holds those that are out."""
    while True:
        while len(running) < ahead:
            job = again.pop() if again else next(waiting, None)
            if job is None:
                break
            if job.wrong is not None:
                yield job, job.wrong
            else:
                running[pool.submit(_look, job)] = job
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            # A pool that broke fails here, with the job still among those to be looked at again.
            found = future.result()
            yield running.pop(future), found


def check_pipeline(pipeline: Pipeline) -> None:
    """Refuse a pipeline that another process cannot load by the name of its space."""
    from mien.recognition import pipeline_for

    if pipeline_for(pipeline.space).name != pipeline.name:
        raise InvalidArgument(
            f"workers: expected a recogniser that processes can load by name, got a pipeline of your own "
            f"({pipeline.name}); use one worker"
        )


def lost(job: Job[Any]) -> WorkerLost:
    """What to say of a person over whose images processes died."""
    return WorkerLost(
        f"{job.label}: the process that looked at these images died {TRIES} times, perhaps for want of memory; "
        "take them alone, or with fewer workers"
    )


def _pool(workers: int, space: str) -> ProcessPoolExecutor:
    # Not forked: the networks' library and the store's connections do not survive that.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, _start, (space, workers, context.Value("i", 0)))


_SPACE = ""


def _start(space: str, workers: int, counter: object) -> None:
    """What a process begins with: its share of the processors, and the pipeline."""
    globals()["_SPACE"] = space
    with counter.get_lock():  # type: ignore[attr-defined]
        number, counter.value = counter.value, counter.value + 1  # type: ignore[attr-defined]
    if hasattr(os, "sched_setaffinity"):
        processors = sorted(os.sched_getaffinity(0))
        share = [*islice(processors, number % workers, None, workers)]
        os.sched_setaffinity(0, share or processors)


def _look(job: Job[SeenT]) -> SeenT:
    from mien.recognition import pipeline_for

    return job.look(pipeline_for(_SPACE))
