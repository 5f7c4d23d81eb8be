"""What is known of jobs, in the service's own file: what was asked for and how far it came; nothing of a face."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, TypeAlias, get_args

from mien.gallery.people import now
from mien.server.database import Database

__all__ = ["Job", "Kind", "Ledger", "State"]

Kind: TypeAlias = Literal["identify", "enroll", "watch", "evaluate", "calibrate"]
State: TypeAlias = Literal["uploading", "waiting", "running", "finished", "failed", "cancelled"]

MOST = 20
"""Jobs of a collection that are being sent, wait or run."""

_COLUMNS = (
    "job_id, collection, kind, options, key_id, run, state, created, changed, done, total, refused, code, problem"
)
_OPEN = "('uploading', 'waiting', 'running')"


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do.

    Attributes:
        job_id: Its key.
        collection: In which.
        kind: What.
        options: How; nothing of a face.
        key_id: Who asked for it.
        run: The process that has it.
        state: How far it is.
        created: When it was asked for (UTC).
        changed: When its state changed last (UTC).
        done: Images, or seconds of a video, that are done.
        total: Of so many; None where that is not known.
        refused: Images that did not serve; the result says why.
        code: What went wrong, for programs; None where nothing did.
        problem: The same for people.
    """

    job_id: str
    collection: str
    kind: Kind
    options: dict[str, Any]
    key_id: str
    run: str
    state: State
    created: dt.datetime
    changed: dt.datetime
    done: float
    total: float | None
    refused: int
    code: str | None
    problem: str | None

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in {"finished", "failed", "cancelled"}


class Ledger:
    """The jobs of a service, those of other processes among them.

    Args:
        database: Where they are noted.
        run: A word for this process.
    """

    def __init__(self, database: Database, run: str) -> None:
        self._connected = database.connected
        self._run = run

    def make(self, collection: str, kind: Kind, options: dict[str, Any], key_id: str) -> Job | None:
        """A job that waits for its files; None where too many wait or run."""
        job_id, time = secrets.token_hex(16), now()
        job = Job(job_id, collection, kind, options, key_id, self._run, "uploading", time, time, 0, None, 0, None, None)
        said = (json.dumps(options), key_id, self._run, "uploading", time.isoformat(), time.isoformat(), 0.0)
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            (many,) = connection.execute(
                f"SELECT count(*) FROM job WHERE collection = ? AND state IN {_OPEN}",  # noqa: S608
                (collection,),
            ).fetchone()
            if many >= MOST:
                return None
            row = (job_id, collection, kind, *said, None, 0, None, None)
            connection.execute(f"INSERT INTO job VALUES ({', '.join('?' * 14)})", row)  # noqa: S608
        return job

    def find(self, job_id: str, collection: str | None = None) -> Job | None:
        """A job of a collection, or of any; None where there is none."""
        found = self._select("job_id = ? AND collection = coalesce(?, collection)", (job_id, collection))
        return found[0] if found else None

    def of(self, collection: str, kinds: Iterable[Kind], limit: int) -> list[Job]:
        """The jobs of a collection, of some kinds, the newest first."""
        wanted = [*kinds]
        marks = ", ".join("?" for _ in wanted)
        return self._select(
            f"collection = ? AND kind IN ({marks}) ORDER BY created DESC, job_id LIMIT ?", (collection, *wanted, limit)
        )

    def within(self, collection: str) -> list[Job]:
        """Every job of a collection."""
        return self._select("collection = ?", (collection,))

    def over(self, before: dt.datetime) -> list[Job]:
        """Jobs that have been over since a time."""
        return self._select(f"state NOT IN {_OPEN} AND changed < ?", (before.isoformat(),))

    def counts(self) -> dict[tuple[str, ...], int]:
        """How many jobs are known, by kind and state."""
        with self._connected() as connection:
            rows = connection.execute("SELECT kind, state, count(*) FROM job GROUP BY kind, state").fetchall()
        return dict.fromkeys(product(get_args(Kind), get_args(State)), 0) | {
            (kind, state): n for kind, state, n in rows
        }

    def runs(self) -> set[str]:
        """Processes that have jobs which are not over."""
        with self._connected() as connection:
            return {run for (run,) in connection.execute(f"SELECT DISTINCT run FROM job WHERE state IN {_OPEN}")}  # noqa: S608

    def change(
        self, job_id: str, state: State, code: str | None = None, problem: str | None = None, *, before: State
    ) -> bool:
        """Give a job another state; False where it is not in the state that is expected."""
        row = (state, code, problem, now().isoformat(), job_id, before)
        with self._connected() as connection:
            return (
                connection.execute(
                    "UPDATE job SET state = ?, code = ?, problem = ?, changed = ? WHERE job_id = ? AND state = ?", row
                ).rowcount
                > 0
            )

    def interrupted(self, run: str) -> None:
        """Note that a process is gone, and with it the jobs that it had."""
        problem = "the service stopped before it was done; send it anew"
        with self._connected() as connection:
            connection.execute(
                f"UPDATE job SET state = 'failed', code = 'interrupted', changed = ?, problem = ? "  # noqa: S608
                f"WHERE state IN {_OPEN} AND run = ?",
                (now().isoformat(), problem, run),
            )

    def progress(self, job_id: str, done: float, total: float | None, refused: int) -> None:
        """Note how far a job is."""
        with self._connected() as connection:
            connection.execute(
                "UPDATE job SET done = ?, total = ?, refused = ? WHERE job_id = ?", (done, total, refused, job_id)
            )

    def note_people(self, job_id: str, people: Iterable[str]) -> None:
        """Note who is in the result of a job."""
        with self._connected() as connection:
            rows = [(job_id, person_id) for person_id in people]
            connection.executemany("INSERT OR IGNORE INTO job_person VALUES (?, ?)", rows)

    def erased(self, person_id: str) -> list[str]:
        """Jobs with somebody in their results who was erased; from now on it is known that these are gone."""
        problem = "its result went with a person who was erased"
        with self._connected() as connection:
            rows = connection.execute("SELECT job_id FROM job_person WHERE person_id = ?", (person_id,)).fetchall()
            connection.execute("DELETE FROM job_person WHERE person_id = ?", (person_id,))
            connection.executemany(
                "UPDATE job SET code = 'erased', problem = ? WHERE job_id = ?",
                [(problem, job_id) for (job_id,) in rows],
            )
        return [job_id for (job_id,) in rows]

    def remove(self, job_id: str) -> None:
        """Forget a job."""
        with self._connected() as connection:
            connection.execute("DELETE FROM job_person WHERE job_id = ?", (job_id,))
            connection.execute("DELETE FROM job WHERE job_id = ?", (job_id,))

    def _select(self, where: str, values: tuple[Any, ...]) -> list[Job]:
        with self._connected() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM job WHERE {where}", values).fetchall()  # noqa: S608
        return [_job(row) for row in rows]


def _job(row: tuple[Any, ...]) -> Job:
    job_id, collection, kind, options, key_id, run, state, created, changed, *rest = row
    times = dt.datetime.fromisoformat(created), dt.datetime.fromisoformat(changed)
    return Job(job_id, collection, kind, json.loads(options), key_id, run, state, *times, *rest)
