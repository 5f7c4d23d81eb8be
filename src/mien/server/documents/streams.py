"""Streams that are watched."""

from __future__ import annotations

from pydantic import Field

from mien.server.documents.base import Document, Label, Required
from mien.server.documents.jobs import Rules

__all__ = ["NewStream", "StreamChange", "StreamRecord", "Streams"]


class NewStream(Document):
    """A stream to be watched."""

    name: Label
    url: str = Field(
        min_length=1,
        max_length=2000,
        description="rtsp, rtsps, http or https, with user and password where it needs them: they are sealed, and "
        "shown to nobody",
    )
    fps: float | None = Field(default=5, gt=0, le=1000, description="frames a second that are looked at, at most")
    rules: Rules = Rules()
    enabled: bool = True
    require: Required | None = None


class StreamChange(Document):
    """Whether it is watched."""

    enabled: bool


class StreamRecord(Document):
    """A stream."""

    stream_id: str
    name: str
    source: str = Field(description="its address without user, password and query")
    fps: float | None
    rules: Rules
    enabled: bool = Field(description="whether it is watched, also after a restart")
    created: str
    state: str = Field(
        description="`stopped`, `connecting`, `watching`, `waiting` (to connect again) or `failed` (tried again later)"
    )
    since: str
    problem: str | None
    require: str | None = Field(description="what a look at somebody must be for a name")
    fpir: float = Field(description="at which it is decided who somebody is: the collection's")


class Streams(Document):
    """The streams of a collection."""

    streams: list[StreamRecord]
