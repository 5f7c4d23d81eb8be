"""`Streams`: cameras that the service watches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.client.documents import EventRecord, StreamRecord
from mien.client.documents import Events as EventList
from mien.client.documents import Streams as StreamList
from mien.client.part import Part
from mien.client.transport import path_of

__all__ = ["Streams"]


class Streams(Part):
    """Cameras; every method raises `mien.errors.ServiceError`."""

    def streams(self) -> list[StreamRecord]:
        """Those of the collection, and how they are."""
        answer: StreamList = self._transport.ask("GET", self._streams())
        return answer["streams"]

    def make_stream(
        self,
        name: str,
        url: str,
        *,
        fps: float | None = 5,
        rules: Mapping[str, Any] | None = None,
        enabled: bool = True,
        require: str | None = None,
    ) -> StreamRecord:
        """Watch a camera from now on, and tell of it as events.

        Args:
            name: What to call it.
            url: ``rtsp://...``, with user and password where it needs them; they are shown to nobody.
            fps: Frames a second that are looked at, at most; None for all.
            rules: When something is worth telling; names and meanings as in `mien.watch.EventRules`.
            enabled: False to watch it later.
            require: What a look at somebody must be for a name, such as ``"quality=medium"``.
        """
        document: dict[str, Any] = {"name": name, "url": url, "fps": fps, "enabled": enabled, "require": require}
        if rules is not None:
            document["rules"] = dict(rules)
        answer: StreamRecord = self._transport.ask("POST", self._streams(), document=document)
        return answer

    def stream(self, stream_id: str) -> StreamRecord:
        """One of them, and how it is."""
        answer: StreamRecord = self._transport.ask("GET", self._streams(stream_id))
        return answer

    def enable_stream(self, stream_id: str, *, enabled: bool = True) -> StreamRecord:
        """Watch it, or watch it no more; that holds after a restart, too."""
        document = {"enabled": enabled}
        answer: StreamRecord = self._transport.ask(
            "PATCH", self._streams(stream_id), document=document, repeatable=True
        )
        return answer

    def remove_stream(self, stream_id: str) -> None:
        """Watch it no more, and forget it."""
        self._transport.ask("DELETE", self._streams(stream_id))

    def stream_events(self, stream_id: str, *, limit: int = 100) -> list[EventRecord]:
        """What happened of late before a camera, the newest first; `events` tells as it happens."""
        query = {"limit": limit}
        answer: EventList = self._transport.ask("GET", self._streams(stream_id, "events"), query=query)
        return answer["events"]

    def _streams(self, *below: str) -> str:
        return path_of("collections", self.collection, "streams", *below)
