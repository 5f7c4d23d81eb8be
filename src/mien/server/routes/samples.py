"""Samples of people: with what somebody is known."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Response, UploadFile

from mien.gallery import Person
from mien.server.documents.base import Day, Purpose, Required
from mien.server.documents.people import Enrolled, Erased, Move, PersonRecord, Rejection, SampleRecord, Samples
from mien.server.envelope import Refused, not_found
from mien.server.routes.changing import (
    FaceId,
    PersonId,
    RequestKey,
    check_consent,
    once,
    person,
    records,
    sample,
)
from mien.server.routes.parts import Enroller, InCollection, Operator, Reader, Serving, problems
from mien.server.routes.people import enrolled

__all__ = ["router"]

router = APIRouter(prefix="/collections/{collection}", tags=["samples"], responses=problems(404))

_PERSON = "/people/{person_id}/samples"
_SAMPLE = f"{_PERSON}/{{face_id}}"


@router.get(_PERSON)
def list_samples(key: Reader, gallery: InCollection, person_id: PersonId) -> Samples:
    """The samples of a person, the first enrolled first."""
    person(gallery, person_id)
    found = gallery.samples(person_id)
    gallery.note_access("read", key.key_id, [person_id], samples=len(found))
    return Samples(person_id=person_id, samples=records(gallery, found))


@router.post(_PERSON, status_code=201, responses={200: {"model": Enrolled}, **problems(400, 404, 409)})
async def add_samples(
    key: Enroller,
    response: Response,
    gallery: InCollection,
    service: Serving,
    person_id: PersonId,
    images: list[UploadFile],
    request: RequestKey,
    purpose: Annotated[Purpose | None, Form()] = None,
    until: Annotated[Day | None, Form()] = None,
    require: Annotated[Required | None, Form()] = None,
) -> Enrolled:
    """Add photos of a person; what does not serve is refused with reasons. 200 where nothing was added."""
    known = await service.work.decide(lambda: person(gallery, person_id))
    check_consent(service, gallery, purpose, known)
    done = await enrolled(service, gallery, key, known.label, images, purpose, until, person_id, require, request)
    response.status_code = 201 if done.added else 200
    return done


@router.delete(_SAMPLE)
def erase_sample(
    key: Operator,
    gallery: InCollection,
    service: Serving,
    person_id: PersonId,
    face_id: FaceId,
    proof: bool = False,
) -> Erased:
    """Erase one sample with every byte of its template and picture; the person stays."""
    sample(gallery, person_id, face_id)
    with gallery.acting(key.key_id):
        erasure = gallery.erase_sample(face_id, proof=proof)
    service.bus.publish("person.changed", gallery.collection, person_id=person_id)
    told = [name for name in erasure.elsewhere if key.may(name)]
    return Erased.model_validate({**erasure.to_dict(), "elsewhere": told})


@router.get(
    f"{_SAMPLE}/crop",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}, "description": "A JPEG"}},
)
def show_crop(key: Reader, gallery: InCollection, service: Serving, person_id: PersonId, face_id: FaceId) -> Response:
    """The picture of a sample, where the collection keeps them."""
    found = sample(gallery, person_id, face_id)
    picture = service.crops.open(gallery, found)
    if picture is None:
        raise not_found(f"crop of sample {face_id}")
    gallery.note_access("crop", key.key_id, [person_id])
    return Response(picture, media_type="image/jpeg")


@router.get(
    "/faces/{face_id}/crop",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}, "description": "A JPEG"}},
)
def show_unnamed_crop(key: Reader, gallery: InCollection, service: Serving, face_id: FaceId) -> Response:
    """The picture of an unnamed face, or of a sample, where the collection keeps them."""
    found = gallery.face(face_id)
    picture = service.crops.open(gallery, found)
    if picture is None:
        raise not_found(f"crop of face {face_id}")
    gallery.note_access("crop", key.key_id, [found.person_id] if found.person_id else [])
    return Response(picture, media_type="image/jpeg")


@router.post("/faces/{face_id}/move", responses=problems(400, 404, 409))
def move_face(
    key: Operator, gallery: InCollection, service: Serving, face_id: FaceId, to: Move, request: RequestKey
) -> PersonRecord:
    """Give a face, a sample or an unnamed one, to a person by hand; it is not the one's who had it."""

    def change() -> Person:
        person(gallery, to.person_id)
        return gallery.move(face_id, to.person_id)

    return once(service, gallery, key, request, f"move {face_id} {to.person_id}", change)


@router.post("/faces/{face_id}/reject", responses=problems(400, 404, 409))
def reject_face(
    key: Operator, gallery: InCollection, service: Serving, face_id: FaceId, who: Rejection
) -> SampleRecord:
    """Say that a face is not this person's; a sample becomes unnamed, and is not suggested as theirs again."""
    if (who.person_id is None) == (who.suggestion_id is None):
        raise Refused(422, "invalid_request", "expected a person_id or a suggestion_id, got both or neither")
    if who.person_id is not None:
        person(gallery, who.person_id)
    with gallery.acting(key.key_id):
        face = gallery.reject(face_id, who.person_id or who.suggestion_id or "")
    if who.person_id is not None:
        service.bus.publish("person.changed", gallery.collection, person_id=who.person_id)
    (record,) = records(gallery, [face])
    return record
