"""Jobs: what takes longer than a request, one after the other, with the files that were sent for it.

Files lie in a private folder until the job is over. A process that was killed leaves a folder whose lock nobody holds,
which the next one removes. A result goes after a day, or with the first of its people who is erased.
"""

from __future__ import annotations

import datetime as dt
import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mien.errors import InvalidArgument, MienError, StoreError
from mien.gallery.people import now
from mien.server.database import Database
from mien.server.events import Bus, Event
from mien.server.ledger import Job, Kind, Ledger
from mien.server.results import Results
from mien.server.uploads import Upload, check_archive, failure, remove
from mien.server.vault import Vault

__all__ = ["Active", "Ended", "Jobs", "Outcome"]

_log = logging.getLogger("mien.server")

IDLE = 3600.0
"""Seconds after which a job whose files nobody sends any more is given up."""
_SWEEP = 60.0
_NOTED = 1.0
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job.

    Attributes:
        result: JSON.
        people: Keys of who is in it.
        report: A page of its own, HTML; None where there is none.
    """

    result: dict[str, Any]
    people: frozenset[str] = frozenset()
    report: bytes | None = None


class Ended(Exception):
    """A job is not wanted any more."""


@dataclass(eq=False)
class Active:
    """A job of this process that is not over.

    Attributes:
        job_id: Which.
        upload: Its files.
        cancelled: Set when it is not wanted any more.
        erased: People who were erased since it began.
        touched: When something was sent last.
        done: See `Job`, as the next ones.
        total: Of so many.
        refused: Images that did not serve.
    """

    job_id: str
    upload: Upload
    cancelled: threading.Event = field(default_factory=threading.Event)
    erased: set[str] = field(default_factory=set)
    touched: float = field(default_factory=time.monotonic)
    done: float = 0.0
    total: float | None = None
    refused: int = 0

    def told(self, error: MienError) -> str:
        """What to say of an error; where the files of a job lie is nobody's business."""
        return error.message.replace(f"{self.upload.folder}/", "").replace(str(self.upload.folder), "files")


class Jobs:
    """The jobs of a service.

    Args:
        database: Where they are noted.
        vault: Seals results.
        bus: Tells how they ended.
        folder: Where files and results lie.
        limit: Bytes that the files of a job may have.
        hours: How long results are kept.
        work: Does a job; called in a thread of its own.

    Attributes:
        limit: As above.
        results: What came of those that are over.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        bus: Bus,
        folder: Path,
        *,
        limit: int,
        hours: float,
        work: Callable[[Job, Active], Outcome],
    ) -> None:
        self._run = secrets.token_hex(8)
        self._ledger = Ledger(database, self._run)
        self._bus, self._work, self._folder, self._hours = bus, work, folder, hours
        self.limit = limit
        self.results = Results(folder / "results", vault)
        self._own = folder / f"run-{self._run}"
        self._held = FileLock(folder / f"run-{self._run}.lock", thread_local=False)
        self._active: dict[str, Active] = {}
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._noted = 0.0
        bus.listen(self._listen)

    def start(self) -> None:
        """Remove what processes left that were killed, and begin.

        Raises:
            StoreFull, StoreUnavailable: The folder cannot be made.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held.acquire(timeout=0)
        except OSError as error:
            raise failure(error) from error
        self._sweep()
        self._thread = threading.Thread(target=self._serve, name="mien-jobs", daemon=True)
        self._thread.start()

    def close(self, timeout: float) -> None:
        """End what runs, and remove the files of all jobs."""
        if self._thread is None:
            return
        for active in [*self._active.values()]:
            active.cancelled.set()
        self._waiting.put(None)
        self._thread.join(timeout)
        self._ledger.interrupted(self._run)
        remove(self._own)
        self._held.release()
        Path(self._held.lock_file).unlink(missing_ok=True)

    def make(self, collection: str, kind: Kind, options: dict[str, Any], key_id: str) -> Job | None:
        """A job that waits for its files; None where too many wait or run."""
        job = self._ledger.make(collection, kind, options, key_id)
        if job is not None:
            self._active[job.job_id] = Active(job.job_id, Upload(self._own / job.job_id, self.limit))
        return job

    def find(self, collection: str, job_id: str) -> Job | None:
        """A job of a collection; None where there is none."""
        return self._ledger.find(job_id, collection)

    def of(self, collection: str, kinds: list[Kind], limit: int = 100) -> list[Job]:
        """The jobs of a collection, of some kinds, the newest first."""
        return self._ledger.of(collection, kinds, limit)

    def counts(self) -> dict[tuple[str, ...], int]:
        """How many jobs are known, by kind and state."""
        return self._ledger.counts()

    def files(self, job: Job) -> Upload:
        """Where the files of a job go.

        Raises:
            InvalidArgument: It takes none any more, or another process has it.
        """
        active = self._active.get(job.job_id)
        if job.state == "uploading" and active is None:
            raise InvalidArgument(f"job {job.job_id}: another process has it, where it was begun; send its files there")
        if job.state != "uploading" or active is None:
            raise InvalidArgument(f"job {job.job_id}: expected one that waits for files, got one that is {job.state}")
        active.touched = time.monotonic()
        return active.upload

    def submit(self, job: Job) -> Job:
        """All files are there: do it when its turn comes.

        Raises:
            InvalidArgument: No file, or a zip file that is none or holds what it should not; it waits for files still.
        """
        upload = self.files(job)
        if not len(upload):
            raise InvalidArgument(f"job {job.job_id}: expected files, got none")
        archives = [path for path in upload.folder.iterdir() if path.suffix.lower() == ".zip"]
        for path in archives:
            check_archive(path, self.limit)
        if job.kind == "watch" and (len(upload) != 1 or archives):
            raise InvalidArgument(f"job {job.job_id}: expected one video, got {len(upload)} files")
        if not self._ledger.change(job.job_id, "waiting", before="uploading"):
            raise InvalidArgument(f"job {job.job_id}: expected one that waits for files")
        self._waiting.put(job.job_id)
        return self._now(job)

    def cancel(self, job: Job) -> Job:
        """End a job; one that runs ends soon."""
        active = self._active.get(job.job_id)
        if active is not None:
            active.cancelled.set()
        if any(self._ledger.change(job.job_id, "cancelled", before=state) for state in ("uploading", "waiting")):
            self._over(job.job_id)
            self._tell(self._now(job))
        return self._now(job)

    def remove(self, job: Job) -> None:
        """Remove a job that is over, with what came of it."""
        self.results.remove(job.job_id)
        self._ledger.remove(job.job_id)

    def remove_all(self, collection: str, timeout: float) -> bool:
        """End and remove every job of a collection, with what came of it; False where one does not end in that time.

        Args:
            collection: Which.
            timeout: Seconds.
        """
        end = time.monotonic() + timeout
        while running := [job for job in self._ledger.within(collection) if not job.ended]:
            if time.monotonic() > end:
                return False
            for job in running:
                self.cancel(job)
            time.sleep(_PAUSE)
        for job in self._ledger.within(collection):
            self.remove(job)
        return True

    def progress(self, active: Active, *, last: bool = False) -> None:
        """Note how far a job is, once a second."""
        if last or time.monotonic() - self._noted >= _NOTED:
            self._noted = time.monotonic()
            self._ledger.progress(active.job_id, active.done, active.total, active.refused)

    def _serve(self) -> None:
        while True:
            try:
                job_id = self._waiting.get(timeout=_SWEEP)
            except queue.Empty:
                job_id = ""
            try:
                if job_id is None:
                    return
                if job_id:
                    self._do(job_id)
                self._sweep()
            except (MienError, OSError) as error:
                _log.error("jobs wait", extra={"fields": {"problem": getattr(error, "code", type(error).__name__)}})

    def _do(self, job_id: str) -> None:
        active = self._active.get(job_id)
        if active is None or not self._ledger.change(job_id, "running", before="waiting"):
            return
        job = self._ledger.find(job_id)
        assert job is not None
        try:
            outcome = self._work(job, active)
            self._keep(active, outcome)
        except Ended:
            self._ledger.change(job_id, "cancelled", before="running")
        except MienError as error:
            self._ledger.change(job_id, "failed", error.code, active.told(error), before="running")
        except Exception as error:
            _log.error("fault", extra={"fields": {"job": job_id}}, exc_info=error)
            self._ledger.change(job_id, "failed", "fault", "a fault in mien; its log has more", before="running")
        finally:
            self._over(job_id)
        self._tell(self._now(job))

    def _keep(self, active: Active, outcome: Outcome) -> None:
        self.progress(active, last=True)
        self._ledger.note_people(active.job_id, outcome.people)
        self.results.keep(active.job_id, outcome.result, outcome.report)
        self._ledger.change(active.job_id, "finished", before="running")
        for person_id in active.erased & outcome.people:
            self._erased(person_id)

    def _listen(self, event: Event) -> None:
        if event.kind != "person.erased":
            return
        person_id = str(event.data.get("person_id"))
        for active in [*self._active.values()]:
            active.erased.add(person_id)
        try:
            self._erased(person_id)
        except StoreError as error:
            _log.error("results of jobs stay", extra={"fields": {"problem": error.code}})

    def _erased(self, person_id: str) -> None:
        for job_id in self._ledger.erased(person_id):
            self.results.remove(job_id)

    def _sweep(self) -> None:
        """Forget what has been over for long, what nobody sends, and what killed processes left."""
        for lock in self._folder.glob("run-*.lock"):
            if lock.stem != self._own.name and _is_free(lock):
                remove(lock.with_suffix(""))
                lock.unlink(missing_ok=True)
        for run in self._ledger.runs():
            if not (self._folder / f"run-{run}.lock").exists():
                self._ledger.interrupted(run)
        for job in self._ledger.over(now() - dt.timedelta(hours=self._hours)):
            self.remove(job)
        for active in [*self._active.values()]:
            idle = time.monotonic() - active.touched > IDLE
            told = "not_sent", "its files never came, or were never started"
            if idle and self._ledger.change(active.job_id, "failed", *told, before="uploading"):
                self._over(active.job_id)

    def _over(self, job_id: str) -> None:
        self._active.pop(job_id, None)
        remove(self._own / job_id)

    def _tell(self, job: Job) -> None:
        self._bus.publish(f"job.{job.state}", job.collection, job_id=job.job_id, job=job.kind, refused=job.refused)

    def _now(self, job: Job) -> Job:
        return self._ledger.find(job.job_id) or job


def _is_free(lock: Path) -> bool:
    """Whether the process that held a lock is gone."""
    try:
        with FileLock(lock, timeout=0):
            return True
    except (Timeout, OSError):
        return False
