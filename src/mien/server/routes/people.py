"""People of a collection."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Header, Query, Response, UploadFile

from mien.gallery import Gallery
from mien.gallery.people import Person
from mien.server.documents.people import Enrolled, Erased, PeoplePage, PersonChange, PersonRecord
from mien.server.envelope import Refused, not_found
from mien.server.routes.parts import PROBLEMS, InCollection, Operator, Reader, Serving, image

__all__ = ["router"]

router = APIRouter(prefix="/collections/{collection}/people", tags=["people"], responses=PROBLEMS)


@router.get("")
def list_people(
    _: Reader,
    gallery: InCollection,
    after: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> PeoplePage:
    """People in the order of enrolment, a page at a time."""
    page = gallery.page(after, limit=limit)
    return PeoplePage(people=[_record(person) for person in page.people], next=page.next, revision=page.revision)


@router.post("", status_code=201)
async def enroll(
    key: Operator,
    response: Response,
    gallery: InCollection,
    service: Serving,
    label: Annotated[str, Form(min_length=1, max_length=200)],
    images: list[UploadFile],
    purpose: Annotated[str | None, Form(max_length=1000, description="what the person agreed to")] = None,
    until: Annotated[str | None, Form(max_length=10, description="last day, such as 2027-01-01")] = None,
    person_id: Annotated[str | None, Form(max_length=32)] = None,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Enrolled:
    """Enrol a person, or add photos to one; what does not serve is refused with reasons, the rest is enrolled.

    200 where nothing was added. An `Idempotency-Key` that is sent again gets the first answer.
    """
    most = service.settings.max_images
    if len(images) > most:
        raise Refused(422, "too_many_images", f"images: expected at most {most}, got {len(images)}")
    if service.galleries.asks_for_consent(gallery.collection) and not (purpose or "").strip():
        message = "purpose: this collection enrols nobody without the purpose that they agreed to"
        raise Refused(422, "consent_required", message)
    sources = [await image(upload) for upload in images]

    def call() -> Enrolled:
        done = gallery.enroll(
            label, sources, purpose=purpose, until=until, person_id=person_id or None, request=idempotency_key
        )
        return Enrolled.model_validate(done.to_dict())

    enrolled = await service.work.run(call, key.key_id)
    response.status_code = 201 if enrolled.added else 200
    return enrolled


@router.get("/{person_id}")
def show_person(_: Reader, gallery: InCollection, person_id: str) -> PersonRecord:
    """One person."""
    return _record(_person(gallery, person_id))


@router.patch("/{person_id}")
def rename_person(_: Operator, gallery: InCollection, person_id: str, change: PersonChange) -> PersonRecord:
    """Give a person another label."""
    return _record(gallery.rename(_person(gallery, person_id).person_id, change.label))


@router.delete("/{person_id}")
def erase_person(_: Operator, gallery: InCollection, person_id: str, proof: bool = False) -> Erased:
    """Erase a person with every byte of their templates, and say how far they are gone."""
    erasure = gallery.erase(_person(gallery, person_id).person_id, proof=proof)
    return Erased.model_validate(erasure.to_dict())


def _person(gallery: Gallery, person_id: str) -> Person:
    """A person by key alone, never by label."""
    person = gallery.person(person_id)
    if person.person_id != person_id:
        raise not_found(f"person {person_id}")
    return person


def _record(person: Person) -> PersonRecord:
    return PersonRecord.model_validate(person.to_dict())
