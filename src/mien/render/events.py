"""Events as JSON, one document an event: schema ``mien.event/1``.

    schema      "mien.event/1"
    kind        "appeared", "recognised", "unknown" or "left"
    source      name of the video or stream
    timestamp   seconds from the start of the video, or of watching a live stream
    time        wall clock of a live stream, UTC, such as "2026-01-31T12:00:00.250+00:00"; null for a file
    track_id    the track it happened to
    person      label of the person the track is decided to be; null for unknown, and before a decision
    started     when the track was first seen, on the scale of timestamp
    ended       when it was last seen before this event, same scale
    frames      frames in which it was detected, so far
    box         left, top, right, bottom: pixels of the upright frame, where it was last seen
    decision    as in mien.faces/1; null before one was made

Fields may be added within version 1; none is removed or changes its meaning.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, Self

from mien.errors import UnwritableFile
from mien.media import write_failure
from mien.render.document import decision_to_dict
from mien.watch import Event

__all__ = ["EVENT_SCHEMA", "EventWriter", "event_to_dict"]

EVENT_SCHEMA = "mien.event/1"
"""Name and version of the document of an event."""


def event_to_dict(event: Event, source: str) -> dict[str, Any]:
    """An event as plain JSON values; the fields are listed at the top of this module.

    Args:
        event: What happened.
        source: What to call the video or stream, without credentials.
    """
    edges = zip(("left", "top", "right", "bottom"), event.box, strict=True)
    return {
        "schema": EVENT_SCHEMA,
        "kind": event.kind,
        "source": source,
        "timestamp": round(float(event.timestamp), 3),
        "time": None if event.time is None else event.time.isoformat(timespec="milliseconds"),
        "track_id": int(event.track_id),
        "person": event.person,
        "started": round(float(event.started), 3),
        "ended": round(float(event.ended), 3),
        "frames": int(event.frames),
        "box": {name: round(float(edge), 2) for name, edge in edges},
        "decision": None if event.decision is None else decision_to_dict(event.decision),
    }


class EventWriter:
    """Appends events to a file, one document a line, each there for a follower (``tail -f``) when `write` returns.

    The file is kept and continued where it is there already; a line that was cut off by a crash is ended first, so
    that it spoils none but itself.

    Args:
        path: Where to.
        source: What to call the video or stream.

    Raises:
        UnwritableFile: No such folder, no permission, or no room.
    """

    def __init__(self, path: str | os.PathLike[str], source: str) -> None:
        self.path = Path(path)
        self.source = source
        try:
            cut_off = _is_cut_off(self.path)
            self._file: BinaryIO = self.path.open("ab", buffering=0)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise self._unwritable(error) from error
        if cut_off:
            self._append(b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, events: Iterable[Event]) -> None:
        """Append events.

        Raises:
            UnwritableFile: No room; what was written before is kept.
        """
        for event in events:
            line = json.dumps(event_to_dict(event, self.source), allow_nan=False)
            self._append(line.encode("ascii") + b"\n")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _append(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: Exception) -> UnwritableFile:
        message = f"{self.path}: cannot be written: {write_failure(error)}; what was written before is kept"
        return UnwritableFile(message, path=str(self.path))


def _is_cut_off(path: Path) -> bool:
    if not path.is_file() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
