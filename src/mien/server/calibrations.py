"""The calibrations that admins put to use: one a pipeline, for all of its collections, in the service's own file."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from mien.gallery.people import now
from mien.recognition import Calibration, load_calibration, pipeline_name, user_calibration_path
from mien.recognition.recognisers import DEFAULT
from mien.server.database import Database

__all__ = ["Calibrations", "Origin", "Source"]

Source: TypeAlias = Literal["file", "shipped"]

_HELD: ContextVar[dict[str, Calibration | None] | None] = ContextVar("mien_calibrations_held", default=None)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a calibration that was installed came from.

    Attributes:
        installed: When that was (UTC).
        key_id: Who installed it.
        collection: Whose job fitted it; None where a file was sent.
        job_id: Which job; None where a file was sent.
    """

    installed: dt.datetime
    key_id: str
    collection: str | None
    job_id: str | None


class Calibrations:
    """Which calibration each pipeline decides by: the one installed here, else this machine's, else the shipped one.

    What another process of the service installs is seen at once.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._connected = database.connected
        self._read: dict[str, tuple[str, Calibration | None]] = {}
        # A file of this machine is read once, as everywhere in the library.
        self._loaded = cache(_loaded)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within the context each pipeline decides by one calibration, whatever is installed meanwhile."""
        token = _HELD.set({})
        try:
            yield
        finally:
            _HELD.reset(token)

    def of(self, pipeline: str | None = None) -> Calibration | None:
        """What a pipeline decides by; None where nobody ever calibrated it.

        Args:
            pipeline: Its name; None for the default one.

        Raises:
            InvalidArgument, NotCalibrated: This machine's own file is none of the pipeline's.
        """
        pipeline = pipeline or pipeline_name(DEFAULT)
        held = _HELD.get()
        if held is None:
            return self.now(pipeline)
        if pipeline not in held:
            held[pipeline] = self.now(pipeline)
        return held[pipeline]

    def now(self, pipeline: str) -> Calibration | None:
        """As `of`, whatever is held."""
        known, calibration = self._read.get(pipeline, ("", None))
        query = "SELECT digest, CASE digest WHEN ? THEN NULL ELSE document END FROM calibration WHERE pipeline = ?"
        with self._connected() as connection:
            row = connection.execute(query, (known, pipeline)).fetchone()
        if row is None:
            return self.without(pipeline)
        digest, document = row
        if document is not None:
            calibration = Calibration.from_dict(json.loads(document))
            self._read[pipeline] = digest, calibration
        return calibration

    def without(self, pipeline: str) -> Calibration | None:
        """What a pipeline decides by while none is installed; raises as `of`."""
        return self._loaded(pipeline)[0]

    def source(self, pipeline: str) -> Source:
        """Where that comes from: ``"file"`` of this machine, or ``"shipped"``."""
        return self._loaded(pipeline)[1]

    def origin(self, pipeline: str) -> Origin | None:
        """Where the one that is installed came from; None where none is."""
        query = "SELECT installed, key_id, collection, job_id FROM calibration WHERE pipeline = ?"
        with self._connected() as connection:
            row = connection.execute(query, (pipeline,)).fetchone()
        return None if row is None else Origin(dt.datetime.fromisoformat(row[0]), *row[1:])

    def version(self) -> str:
        """A text that changes with whatever is installed or reset."""
        with self._connected() as connection:
            rows = connection.execute("SELECT digest FROM calibration ORDER BY pipeline").fetchall()
        return " ".join(digest for (digest,) in rows)

    def install(
        self,
        calibration: Calibration,
        key_id: str,
        collection: str | None,
        job_id: str | None,
        agreed: Callable[[], None],
    ) -> None:
        """Let its pipeline decide by a calibration from now on.

        Args:
            calibration: Which.
            key_id: See `Origin`, as the next ones.
            collection: Whose job.
            job_id: Which.
            agreed: Called while nobody else can change what is in use, or at which rates; what it raises is raised,
                and nothing is changed.
        """
        document = json.dumps(calibration.to_dict())
        digest = hashlib.sha256(document.encode()).hexdigest()
        row = (calibration.pipeline, document, digest, now().isoformat(), key_id, collection, job_id)
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            agreed()
            connection.execute("DELETE FROM calibration WHERE pipeline = ?", (calibration.pipeline,))
            connection.execute(
                "INSERT INTO calibration (pipeline, document, digest, installed, key_id, collection, job_id) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    def reset(self, pipeline: str, agreed: Callable[[], None]) -> None:
        """Let a pipeline decide by what it would without one that was installed; arguments as in `install`."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            agreed()
            connection.execute("DELETE FROM calibration WHERE pipeline = ?", (pipeline,))


def _loaded(pipeline: str) -> tuple[Calibration | None, Source]:
    own = os.path.exists(user_calibration_path(pipeline))  # noqa: PTH110 - as in load_calibration
    return load_calibration(pipeline), "file" if own else "shipped"
