"""What happened."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import Field

from mien.server.documents.base import Document

__all__ = ["EventRecord", "Events", "Kind"]

Kind: TypeAlias = Annotated[str, Field(pattern=r"^[a-z]{1,40}\.[a-z]{1,40}$")]
"""A subject and a past participle, such as `person.enrolled`."""


class EventRecord(Document):
    """Something that happened; see `mien.server.events.Event`."""

    event_id: str
    kind: str
    collection: str | None
    time: str
    data: dict[str, Any]


class Events(Document):
    """Of late, the newest first."""

    events: list[EventRecord]
