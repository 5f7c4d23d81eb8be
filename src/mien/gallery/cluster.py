"""Images are looked at on a Ray cluster: tasks that a node takes with it when it dies are done again on another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from mien.errors import StoreUnavailable
from mien.gallery.bulk import AHEAD, TRIES, Runner, check_pipeline, lost

if TYPE_CHECKING:
    from mien.gallery.bulk import Job, JobT
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

    def run(jobs: Iterable[JobT], pipeline: Pipeline) -> Iterator[tuple[JobT, Any]]:
        check_pipeline(pipeline)
        _connect(ray, address)
        # Ray itself repeats what a node took with it; an image that kills its process is given up after some tries.
        look = ray.remote(num_cpus=1, max_retries=TRIES + 2)(_look)
        yield from _served(ray, look, iter(jobs), pipeline.space)

    return run


def _connect(ray: Any, address: str) -> None:  # noqa: ANN401 - a module
    try:
        where = "auto" if address == "ray://" else address
        ray.init(address=where, ignore_reinit_error=True, log_to_driver=False, logging_level="error")
    except (ConnectionError, RuntimeError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise StoreUnavailable(f"{address}: the Ray cluster cannot be reached ({first})") from error


def _served(ray: Any, look: Any, waiting: Iterator[JobT], space: str) -> Iterator[tuple[JobT, Any]]:  # noqa: ANN401
    running: dict[Any, JobT] = {}
    while True:
        # As nodes come and go, so does what the cluster can do at once.
        ahead = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        while len(running) < ahead and (job := next(waiting, None)) is not None:
            if job.wrong is not None:
                yield job, job.wrong
            else:
                running[look.remote(job, space)] = job
        if not running:
            return
        done, _ = ray.wait([*running], num_returns=1)
        for reference in done:
            job = running.pop(reference)
            try:
                yield job, ray.get(reference)
            except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError):
                yield job, lost(job)


def _look(job: Job[Any], space: str) -> Any:  # noqa: ANN401 - what the job sees
    from mien.recognition import pipeline_for

    return job.look(pipeline_for(space))
