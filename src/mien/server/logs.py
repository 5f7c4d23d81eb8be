"""The service's log: a line a request and a fault, and in it nothing of a face, a name or what was asked for."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

__all__ = ["Format", "install", "note"]

Format: TypeAlias = Literal["text", "json"]

_log = logging.getLogger("mien.server")


def note(fields: dict[str, Any]) -> None:
    """Log a request that was answered.

    Args:
        fields: ``request_id``, ``method``, ``route`` (a template), ``status``, ``ms``, and ``key``, the public part of
            the key that asked.
    """
    _log.info("request", extra={"fields": fields})


def install(form: Format) -> logging.Handler:
    """Log to stderr from now on, this service's lines and the warnings of what it is made of."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines(form))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    _log.setLevel(logging.INFO)
    return handler


class _Lines(logging.Formatter):
    def __init__(self, form: Format) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, Any] = dict(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0] is not None:
            # Where it failed, and as what; a message may quote what somebody sent.
            where = traceback.extract_tb(record.exc_info[2])
            fields["fault"] = record.exc_info[0].__name__
            fields["where"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in where]
        said = {"time": time, "level": record.levelname.lower(), "event": record.getMessage(), **fields}
        if self._form == "json":
            return json.dumps(said)
        rest = " ".join(f"{name}={value}" for name, value in said.items() if name not in {"time", "level", "event"})
        return f"{time} {record.levelname.lower()} {record.getMessage()} {rest}".rstrip()
