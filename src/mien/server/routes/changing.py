"""What routes have in common that change who is in a collection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeAlias

from fastapi import Depends, Header, Path

from mien.gallery import FaceRecord, Gallery, Person
from mien.server.access import ApiKey
from mien.server.documents.people import PersonRecord, SampleRecord
from mien.server.envelope import Refused, not_found
from mien.server.routes.parts import Holder
from mien.server.service import Service

__all__ = ["FaceId", "PersonId", "RequestKey", "SuggestionId", "check_consent", "once", "person", "records", "sample"]

PersonId: TypeAlias = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
FaceId: TypeAlias = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
SuggestionId: TypeAlias = Annotated[str, Path(pattern="^[0-9a-f]{8}$")]


def _request(
    key: Holder,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern="^[!-~]+$",
            description="a key of the caller's for this request: sent again, it is answered and not done again",
        ),
    ] = None,
) -> str | None:
    # What one key asked for is nobody else's business: two that choose the same word do not meet.
    return None if idempotency_key is None else f"{key.key_id}/{idempotency_key}"


RequestKey: TypeAlias = Annotated[str | None, Depends(_request)]


def person(gallery: Gallery, person_id: str) -> Person:
    """A person by key alone, never by label."""
    found = gallery.person(person_id)
    if found.person_id != person_id:
        raise not_found(f"person {person_id}")
    return found


def sample(gallery: Gallery, person_id: str, face_id: str) -> FaceRecord:
    """A sample of a person."""
    for found in gallery.samples(person(gallery, person_id).person_id):
        if found.face_id == face_id:
            return found
    raise not_found(f"sample {face_id}")


def records(gallery: Gallery, faces: list[FaceRecord]) -> list[SampleRecord]:
    """Faces as JSON."""
    cropped = gallery.cropped(faces)
    return [
        SampleRecord(
            face_id=face.face_id,
            person_id=face.person_id,
            source=face.source,
            sha256=face.sha256,
            box=None if face.box is None else dict(zip(("left", "top", "right", "bottom"), face.box, strict=True)),
            quality=face.quality,
            created=face.created.isoformat(),
            crop=face.face_id in cropped,
        )
        for face in faces
    ]


def check_consent(service: Service, gallery: Gallery, purpose: str | None, known: Person | None = None) -> None:
    """Let nobody become known in a collection that asks for consent without it.

    Args:
        service: Knows what the collection asks for.
        gallery: The collection.
        purpose: What the person agreed to now.
        known: Who gets the faces, where they are known: they may have consented before.
    """
    if not service.galleries.asks_for_consent(gallery.collection) or (purpose or "").strip():
        return
    if known is None or known.given is None:
        message = "purpose: this collection enrols nobody without the purpose that they agreed to"
        raise Refused(422, "consent_required", message)


def once(
    service: Service,
    gallery: Gallery,
    key: ApiKey,
    request: str | None,
    asked: str,
    change: Callable[[], Person],
    *,
    merged: str | None = None,
) -> PersonRecord:
    """Do a change, noted with who asked for it, and told; a request that was answered before gets the same answer.

    Args:
        service: Tells of it.
        gallery: Where.
        key: Who asks.
        request: See `RequestKey`.
        asked: What is asked for.
        change: Does it, and returns whom it concerned; see `mien.Gallery.once`.
        merged: Who is gone by it, having become the same person.
    """
    with gallery.acting(key.key_id):
        done, is_new = (change().to_dict(), True) if request is None else gallery.once(request, asked, change)
    record = PersonRecord.model_validate(done)
    if not is_new:
        gallery.note_access("read", key.key_id, [record.person_id])
        return record
    if merged is not None:
        service.bus.publish("person.merged", gallery.collection, person_id=record.person_id, other_id=merged)
    service.bus.publish("person.changed", gallery.collection, person_id=record.person_id, label=record.label)
    return record
