"""`Jobs`: what takes long is begun, given files, waited for, and read."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien.client.documents import JobFile, JobRecord, JobResult
from mien.client.documents import Jobs as JobList
from mien.client.part import Part
from mien.client.transport import Upload, opened, path_of
from mien.errors import InvalidArgument

__all__ = ["Jobs"]

ENDED = frozenset({"finished", "failed", "cancelled"})
"""States that no job leaves."""


class Jobs(Part):
    """Jobs over folders and videos; every method raises `mien.errors.ServiceError`.

    A job is begun, given its files, started, and waited for::

        job = client.begin_identify(fpir=0.01)
        client.send_folder(job["job_id"], "holidays/")
        client.start_job(job["job_id"])
        if client.wait(job["job_id"])["state"] == "finished":
            images = client.result(job["job_id"])["result"]["images"]
    """

    def begin_identify(
        self, *, fpir: float | None = None, candidates: int = 1, require: str | None = None
    ) -> JobRecord:
        """Who is in each of many images; files are images, or a zip file of them.

        Args:
            fpir: As in `identify`.
            candidates: As in `identify`.
            require: As in `identify`.
        """
        return self._begin("identify", {"fpir": fpir, "candidates": candidates, "require": require})

    def begin_enroll(
        self, *, purpose: str | None = None, until: str | dt.date | None = None, require: str | None = None
    ) -> JobRecord:
        """Enrol many people; files are ``PERSON/IMAGE``, or a zip file of such.

        Args:
            purpose: What all of them agreed to.
            until: Last day on which they are identified.
            require: As in `enroll`.
        """
        last = None if until is None else str(until)
        return self._begin("enroll", {"purpose": purpose, "until": last, "require": require})

    def begin_watch(
        self,
        *,
        fpir: float | None = None,
        fps: float | None = None,
        rules: Mapping[str, Any] | None = None,
        require: str | None = None,
    ) -> JobRecord:
        """Who is in a video, and when.

        Args:
            fpir: False positive identification rate to decide at; the collection's where it is None.
            fps: Frames a second that are looked at, at most.
            rules: When something is worth telling; names and meanings as in `mien.watch.EventRules`.
            require: What a look at somebody must be for a name, as in `identify`.
        """
        told = {} if rules is None else {"rules": dict(rules)}
        return self._begin("watch", {"fpir": fpir, "fps": fps, "require": require, **told})

    def begin_evaluate(self, *, task: str = "verification") -> JobRecord:
        """Error rates on images of people, ``PERSON/IMAGE``; the task is ``"verification"`` or ``"identification"``."""
        return self._begin("evaluate", {"task": task})

    def begin_calibrate(self, *, name: str | None = None) -> JobRecord:
        """Thresholds fitted to images of people, ``PERSON/IMAGE``; see `install_calibration`.

        Args:
            name: What decisions call them; the collection and the time where it is None.
        """
        return self._begin("calibrate", {"name": name})

    def send_file(self, job_id: str, source: Upload, name: str | None = None) -> JobFile:
        """Give a job a file, which is read while it is sent.

        Args:
            job_id: Which job.
            source: A path, bytes, or an open file.
            name: What to call it, such as ``"Ada/1.jpg"``; None for its own name.

        Raises:
            UnreadableImage: There is no such file.
        """
        with opened(source) as (own, body):
            answer: JobFile = self._transport.put(self._jobs(job_id, "files", *(name or own).split("/")), body)
        return answer

    def send_folder(self, job_id: str, folder: str | os.PathLike[str]) -> list[JobFile]:
        """Give a job every file in a folder and those below it, by their paths in it; hidden ones stay.

        Raises:
            InvalidArgument: No such folder, or nothing in it.
        """
        root = Path(folder)
        found = [path for path in sorted(root.rglob("*")) if path.is_file()]
        found = [path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts)]
        if not found:
            raise InvalidArgument(f"{root}: expected a folder with files in it")
        return [self.send_file(job_id, path, path.relative_to(root).as_posix()) for path in found]

    def start_job(self, job_id: str) -> JobRecord:
        """All files are there."""
        answer: JobRecord = self._transport.ask("POST", self._jobs(job_id, "start"))
        return answer

    def wait(self, job_id: str, *, seconds: float | None = None, every: float = 1.0) -> JobRecord:
        """The job, when it is finished, failed or cancelled.

        Args:
            job_id: Which job, which was started.
            seconds: How long to wait at most; without end where it is None.
            every: Seconds between questions.

        Raises:
            TimeoutError: It goes on.
        """
        end = None if seconds is None else time.monotonic() + seconds
        while (job := self.job(job_id))["state"] not in ENDED:
            if end is not None and time.monotonic() + every > end:
                raise TimeoutError(f"job {job_id}: {job['state']} after {seconds:g} seconds")
            time.sleep(every)
        return job

    def jobs(self, *, limit: int = 100) -> list[JobRecord]:
        """Those that the key might have begun, the newest first."""
        answer: JobList = self._transport.ask("GET", self._jobs(), query={"limit": limit})
        return answer["jobs"]

    def job(self, job_id: str) -> JobRecord:
        """One job, and how far it is."""
        answer: JobRecord = self._transport.ask("GET", self._jobs(job_id))
        return answer

    def cancel_job(self, job_id: str) -> JobRecord:
        """End it soon; what it did stays."""
        answer: JobRecord = self._transport.ask("POST", self._jobs(job_id, "cancel"))
        return answer

    def remove_job(self, job_id: str) -> None:
        """Remove a job that is over, and what came of it."""
        self._transport.ask("DELETE", self._jobs(job_id))

    def result(self, job_id: str) -> JobResult:
        """What came of a job that is finished."""
        answer: JobResult = self._transport.ask("GET", self._jobs(job_id, "result"))
        return answer

    def report(self, job_id: str) -> bytes:
        """The report of an evaluation, an HTML page."""
        return self._transport.fetch(self._jobs(job_id, "report"))

    def _begin(self, kind: str, document: Mapping[str, Any]) -> JobRecord:
        answer: JobRecord = self._transport.ask("POST", self._jobs(kind), document=document)
        return answer

    def _jobs(self, *below: str) -> str:
        return path_of("collections", self.collection, "jobs", *below)
