"""Images are looked at on a Ray cluster: tasks that a node takes with it when it dies are done again on another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from mien.errors import StoreUnavailable
from mien.gallery.bulk import AHEAD, TRIES, Looked, Runner, Task, check_pipeline, lost

if TYPE_CHECKING:
    from mien.gallery.enrolment import Probe
    from mien.recognition import Pipeline

__all__ = ["on_ray"]


def on_ray(address: str) -> Runner:
    """A runner that hands tasks to a Ray cluster.

    Args:
        address: ``"ray://host:10001"``, or ``"ray://"`` for the cluster that this machine is a node of.

    Raises:
        StoreUnavailable: Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise StoreUnavailable('workers: a Ray cluster needs ray: pip install "mien[ray]"') from error

    def run(tasks: Iterable[Task], pipeline: Pipeline) -> Iterator[Looked]:
        check_pipeline(pipeline)
        _connect(ray, address)
        # Ray itself repeats what a node took with it; an image that kills its process is given up after some tries.
        look = ray.remote(num_cpus=1, max_retries=TRIES + 2)(_look)
        yield from _served(ray, look, iter(tasks), pipeline.space)

    return run


def _connect(ray: Any, address: str) -> None:  # noqa: ANN401 - a module
    try:
        where = "auto" if address == "ray://" else address
        ray.init(address=where, ignore_reinit_error=True, log_to_driver=False, logging_level="error")
    except (ConnectionError, RuntimeError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise StoreUnavailable(f"{address}: the Ray cluster cannot be reached ({first})") from error


def _served(ray: Any, look: Any, waiting: Iterator[Task], space: str) -> Iterator[Looked]:  # noqa: ANN401
    running: dict[Any, Task] = {}
    while True:
        # As nodes come and go, so does what the cluster can do at once.
        ahead = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        while len(running) < ahead and (task := next(waiting, None)) is not None:
            if task.wrong is not None:
                yield task, task.wrong
            else:
                running[look.remote(task, space)] = task
        if not running:
            return
        done, _ = ray.wait([*running], num_returns=1)
        for reference in done:
            task = running.pop(reference)
            try:
                yield task, ray.get(reference)
            except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError):
                yield task, lost(task)


def _look(task: Task, space: str) -> list[Probe]:
    from mien.gallery.enrolment import look
    from mien.recognition import pipeline_for

    return look(task.sources, pipeline_for(space), task.enrolled, task.allow)
