"""What happens in a collection, as it happens."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Send

from mien.server.access import ApiKey, Scope
from mien.server.documents.events import Kind
from mien.server.envelope import Refused
from mien.server.events import Event
from mien.server.feed import Feed, Follower
from mien.server.routes.parts import InCollection, Reader, Serving, problems
from mien.server.service import Service
from mien.server.sessions import cookie_name

__all__ = ["router"]

HEARTBEAT = 15.0
"""Seconds after which a stream of events says that it is alive."""
_LOOK = 1.0
"""Seconds between looks at whether the key may still read."""
_PATIENCE = 30.0
"""Seconds that a reader may take nothing."""

router = APIRouter(prefix="/collections/{collection}/events", tags=["events"], responses=problems(404))


class _EventStream(StreamingResponse):
    """Starlette's, with an end for readers that take nothing: nobody else would wait for them to go."""

    media_type = "text/event-stream"

    async def stream_response(self, send: Send) -> None:
        async def timely(message: Message) -> None:
            async with asyncio.timeout(_PATIENCE):
                await send(message)

        try:
            await super().stream_response(timely)
        except TimeoutError:
            return


@router.get(
    "",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Server-sent events"}},
)
async def follow_events(
    key: Reader,
    gallery: InCollection,
    service: Serving,
    request: Request,
    kind: Annotated[list[Kind], Query(description="kinds to tell of; all where none is named", max_length=50)] = [],  # noqa: B006 - never changed
    seconds: Annotated[float | None, Query(ge=0, le=86400, description="how long to tell; else without end")] = None,
    last_event_id: Annotated[str, Header(max_length=100, description="`id` of the event that was read last")] = "",
) -> StreamingResponse:
    """Server-sent events: each has an `id`, its kind as `event`, and a document as `data`.

    Who comes back with `Last-Event-ID` is told what happened since; where some of that is no longer kept, an event
    `missed` comes first. The stream ends when the key is revoked, expires, or is no longer signed in.
    """
    follower = service.feed.follow(gallery.collection, last_event_id or None)
    if follower is None:
        message = "too many read events at the same time; come back in 10 s"
        raise Refused(503, "busy", message, {"Retry-After": "10"})
    try:
        await run_in_threadpool(gallery.note_access, "follow", key.key_id)
    except BaseException:
        service.feed.leave(follower)
        raise
    told = _told(service.feed, follower, _may_read(service, key, gallery.collection, request), {*kind}, seconds)
    return _EventStream(told, headers={"X-Accel-Buffering": "no"})


def _may_read(service: Service, key: ApiKey, collection: str, request: Request) -> Callable[[], bool]:
    """Says whether whoever asked may still read."""
    token = None if "authorization" in request.headers else request.cookies.get(cookie_name(request))

    def check() -> bool:
        if service.stopping.is_set():
            return False
        session = service.sessions.holder(token, using=False) if token else None
        live = service.access.key(key.key_id) if token is None else session.key if session else None
        return live is not None and live.may(collection) and live.has(Scope.read)

    return check


async def _told(
    feed: Feed, follower: Follower, may_read: Callable[[], bool], kinds: set[str], seconds: float | None
) -> AsyncIterator[str]:
    try:
        yield "retry: 2000\n\n"
        if follower.missed:
            yield "event: missed\ndata: {}\n\n"
        said = begun = time.monotonic()
        while not follower.dropped:
            left = math.inf if seconds is None else begun + seconds - time.monotonic()
            news = await follower.next(max(0.0, min(_LOOK, left)))
            if (news is None and left <= 0) or not may_read():
                return
            if news is not None and (not kinds or news[1].kind in kinds):
                yield _encoded(*news)
                said = time.monotonic()
            elif time.monotonic() - said >= HEARTBEAT:
                yield ": alive\n\n"
                said = time.monotonic()
    finally:
        feed.leave(follower)


def _encoded(place: str, event: Event) -> str:
    # JSON of one line, with nothing but ASCII: a line's end would end the event.
    return f"id: {place}\nevent: {event.kind}\ndata: {json.dumps(event.to_dict())}\n\n"
