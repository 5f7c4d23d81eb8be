"""`Events`: what happens in the collection, as it happens, and who else is told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mien.client.documents import Deliveries, DeliveryRecord, WebhookMade, WebhookRecord, Webhooks
from mien.client.part import Part
from mien.client.transport import path_of
from mien.errors import ServiceError

__all__ = ["Event", "Events"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        kind: Such as ``"person.enrolled"``; ``"missed"`` where some of what happened is not kept any more.
        place: Where it stands, to go on from; None of ``"missed"``.
        document: The event as the service tells it: ``event_id``, ``time``, ``data`` ...
    """

    kind: str
    place: str | None
    document: dict[str, Any]


class Events(Part):
    """Events and webhooks; every method raises `mien.errors.ServiceError`."""

    def events(
        self, kinds: Iterable[str] = (), *, seconds: float | None = None, after: str | None = None
    ) -> Iterator[Event]:
        """What happens from now on, as it happens; a connection that is lost is made anew, and nothing told twice.

        Args:
            kinds: Kinds of events; all where none is named.
            seconds: How long to listen; without end where it is None.
            after: Place of the last event that is known, to be told what happened since.
        """
        end = None if seconds is None else time.monotonic() + seconds
        named = [*kinds] or None
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            headers = {"Last-Event-ID": after} if after is not None else {}
            path = path_of("collections", self.collection, "events")
            query = {"kind": named, "seconds": left}
            for event in _told(self._transport.lines(path, query=query, headers=headers)):
                after = event.place or after
                yield event
            if end is not None and time.monotonic() >= end - _CLOSE:
                return
            time.sleep(_PAUSE)

    def webhooks(self) -> list[WebhookRecord]:
        """Those of the collection, without their secrets."""
        answer: Webhooks = self._transport.ask("GET", self._webhooks())
        return answer["webhooks"]

    def make_webhook(self, url: str, kinds: Iterable[str] = (), *, names: bool = False) -> WebhookMade:
        """Tell an address of what happens from now on; the ``secret`` that bodies are signed with is told this once.

        Args:
            url: The address, ``https://``.
            kinds: Kinds of events; all where none is named.
            names: Tell it names of people besides their keys.
        """
        document = {"url": url, "kinds": [*kinds], "names": names}
        answer: WebhookMade = self._transport.ask("POST", self._webhooks(), document=document)
        return answer

    def webhook(self, webhook_id: str) -> WebhookRecord:
        """One of them."""
        answer: WebhookRecord = self._transport.ask("GET", self._webhooks(webhook_id))
        return answer

    def enable_webhook(self, webhook_id: str, *, enabled: bool = True) -> WebhookRecord:
        """Tell it what happens from now on, or no more."""
        document = {"enabled": enabled}
        answer: WebhookRecord = self._transport.ask(
            "PATCH", self._webhooks(webhook_id), document=document, repeatable=True
        )
        return answer

    def remove_webhook(self, webhook_id: str) -> None:
        """Remove it with all that it was to be told."""
        self._transport.ask("DELETE", self._webhooks(webhook_id))

    def ping_webhook(self, webhook_id: str) -> DeliveryRecord:
        """Tell it a ``webhook.ping``; what came of it stands among its deliveries."""
        answer: DeliveryRecord = self._transport.ask("POST", self._webhooks(webhook_id, "ping"))
        return answer

    def deliveries(self, webhook_id: str, *, state: str | None = None, limit: int = 100) -> list[DeliveryRecord]:
        """What it was told, is to be told, or was not told in the end, the newest first.

        Args:
            webhook_id: Which webhook.
            state: ``"pending"``, ``"delivered"`` or ``"dead"`` alone.
            limit: How many at most.
        """
        query = {"state": state, "limit": limit}
        answer: Deliveries = self._transport.ask("GET", self._webhooks(webhook_id, "deliveries"), query=query)
        return answer["deliveries"]

    def redeliver(self, webhook_id: str, delivery_id: str) -> DeliveryRecord:
        """Try a dead letter anew."""
        path = self._webhooks(webhook_id, "deliveries", delivery_id, "redeliver")
        answer: DeliveryRecord = self._transport.ask("POST", path)
        return answer

    def _webhooks(self, *below: str) -> str:
        return path_of("collections", self.collection, "webhooks", *below)


_PAUSE = 1.0
_CLOSE = 0.1
"""Seconds: between connections, and how far the service's clock may be before this one's."""


def _told(lines: Iterator[str]) -> Iterator[Event]:
    """Events of a stream, as the standard for server-sent events reads them; what begins with a colon is none."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            try:
                document = json.loads(fields["data"])
            except ValueError:
                message = "expected events with a JSON document, got something else"
                raise ServiceError(message, code="no_envelope", status=200, request_id=None) from None
            yield Event(fields.get("event", "message"), fields.get("id"), document)
            fields = {}
        else:
            fields = {}
