"""Streams that are watched all the time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from mien.gallery.people import parse_label
from mien.server.documents.events import EventRecord, Events
from mien.server.documents.jobs import Rules
from mien.server.documents.streams import NewStream, StreamChange, StreamRecord, Streams
from mien.server.envelope import Refused, not_found
from mien.server.routes.parts import Admin, InCollection, Reader, Serving, problems
from mien.server.service import Service
from mien.server.streams import Stream

__all__ = ["router"]

MOST = 100
"""Streams of a collection, watched or not."""

router = APIRouter(prefix="/collections/{collection}/streams", tags=["streams"], responses=problems(404))

StreamId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]


@router.get("")
def list_streams(_: Reader, gallery: InCollection, service: Serving) -> Streams:
    """The streams of a collection, and how they are."""
    return Streams(streams=[_record(service, one) for one in service.streams.of(gallery.collection)])


@router.post("", status_code=201, responses=problems(400, 404, 409))
def make_stream(_: Admin, gallery: InCollection, service: Serving, new: NewStream) -> StreamRecord:
    """Watch a camera from now on, for the people of a collection, and tell of it as events."""
    name = parse_label(new.name)
    if len(service.streams.of(gallery.collection)) >= MOST:
        raise Refused(409, "too_many_streams", f"expected at most {MOST} streams of a collection; remove one")
    rules = new.rules.model_dump()
    made = service.streams.make(
        gallery.collection, name, new.url, new.fps, rules, enabled=new.enabled, require=new.require
    )
    if made is None:
        raise _full(service)
    return _record(service, made)


@router.get("/{stream_id}")
def show_stream(_: Reader, gallery: InCollection, service: Serving, stream_id: StreamId) -> StreamRecord:
    """One stream, and how it is."""
    return _record(service, _stream(service, gallery.collection, stream_id))


@router.patch("/{stream_id}", responses=problems(400, 404, 409))
def change_stream(
    _: Admin, gallery: InCollection, service: Serving, stream_id: StreamId, change: StreamChange
) -> StreamRecord:
    """Watch it, or watch it no more; that holds after a restart, too."""
    if not service.streams.enable(_stream(service, gallery.collection, stream_id), enabled=change.enabled):
        raise _full(service)
    return _record(service, _stream(service, gallery.collection, stream_id))


@router.delete("/{stream_id}", status_code=204)
def remove_stream(_: Admin, gallery: InCollection, service: Serving, stream_id: StreamId) -> None:
    """Watch it no more, and forget it."""
    service.streams.remove(_stream(service, gallery.collection, stream_id))


@router.get("/{stream_id}/events")
def list_stream_events(
    key: Reader,
    gallery: InCollection,
    service: Serving,
    stream_id: StreamId,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Events:
    """What happened of late before a camera, the newest first, as far as the process remembers that watches it."""
    _stream(service, gallery.collection, stream_id)
    found = service.feed.recent(gallery.collection, lambda event: event.data.get("stream_id") == stream_id, limit)
    gallery.note_access("list", key.key_id, events=len(found))
    return Events(events=[EventRecord.model_validate(one.to_dict()) for one in found])


def _stream(service: Service, collection: str, stream_id: str) -> Stream:
    found = service.streams.find(collection, stream_id)
    if found is None:
        raise not_found(f"stream {stream_id}")
    return found


def _full(service: Service) -> Refused:
    most = service.streams.most
    return Refused(
        409, "too_many_streams", f"expected at most {most} streams that are watched; see mien serve --max-streams"
    )


def _record(service: Service, stream: Stream) -> StreamRecord:
    return StreamRecord(
        stream_id=stream.stream_id,
        name=stream.name,
        source=stream.shown,
        fps=stream.fps,
        rules=Rules.model_validate(stream.rules),
        enabled=stream.enabled,
        created=stream.created.isoformat(),
        state=stream.state,
        since=stream.since.isoformat(),
        problem=stream.problem,
        require=stream.require,
        fpir=service.galleries.rules(stream.collection).fpir,
    )
