"""People of a collection."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Response, UploadFile

from mien.gallery import Gallery, Person
from mien.server.access import ApiKey
from mien.server.documents.base import Day, Id, Label, Purpose, Rate, Required
from mien.server.documents.faces import Comparison
from mien.server.documents.people import (
    Consent,
    Enrolled,
    Erased,
    Merge,
    PeoplePage,
    PersonChange,
    PersonRecord,
    Split,
)
from mien.server.routes.changing import PersonId, RequestKey, check_consent, once, person
from mien.server.routes.parts import (
    Enroller,
    Identifier,
    InCollection,
    Operator,
    Reader,
    Serving,
    image,
    problems,
    several_images,
)
from mien.server.service import Service

__all__ = ["enrolled", "router"]

router = APIRouter(prefix="/collections/{collection}/people", tags=["people"], responses=problems(404))


@router.get("")
def list_people(
    key: Reader,
    gallery: InCollection,
    after: Annotated[str | None, Query(max_length=200, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> PeoplePage:
    """People in the order of enrolment, a page at a time."""
    page = gallery.page(after, limit=limit)
    gallery.note_access("list", key.key_id, people=len(page.people))
    people = [PersonRecord.model_validate(one.to_dict()) for one in page.people]
    return PeoplePage(people=people, next=page.next, revision=page.revision)


@router.post("", status_code=201, responses={200: {"model": Enrolled}, **problems(400, 404, 409)})
async def enroll(
    key: Enroller,
    response: Response,
    gallery: InCollection,
    service: Serving,
    label: Annotated[Label, Form()],
    images: list[UploadFile],
    request: RequestKey,
    purpose: Annotated[Purpose | None, Form()] = None,
    until: Annotated[Day | None, Form()] = None,
    person_id: Annotated[Id | None, Form(description="whom to add to, where several bear the label")] = None,
    require: Annotated[Required | None, Form()] = None,
) -> Enrolled:
    """Enrol a person, or add photos to one; what does not serve is refused with reasons, the rest is enrolled.

    200 where nothing was added.
    """
    check_consent(service, gallery, purpose)
    done = await enrolled(service, gallery, key, label, images, purpose, until, person_id, require, request)
    response.status_code = 201 if done.added else 200
    return done


async def enrolled(
    service: Service,
    gallery: Gallery,
    key: ApiKey,
    label: str,
    images: list[UploadFile],
    purpose: str | None,
    until: str | None,
    person_id: str | None,
    require: str | None,
    request: str | None,
) -> Enrolled:
    """Enrol images that were sent, and keep crops where the collection keeps them."""
    sources = await several_images(service, images)
    crops = service.galleries.rules(gallery.collection).crops

    def call() -> Enrolled:
        with gallery.acting(key.key_id):
            done = gallery.enroll(
                label, sources, purpose=purpose, until=until, person_id=person_id, require=require, request=request
            )
        if crops and done.added and done.person_id is not None:
            contents = [source.getvalue() for source in sources]
            service.crops.keep(gallery, contents, gallery.samples(done.person_id))
        service.bus.enrolled(gallery.collection, done)
        return Enrolled.model_validate(done.to_dict())

    return await service.work.run(call, key.key_id)


@router.get("/{person_id}")
def show_person(key: Reader, gallery: InCollection, person_id: PersonId) -> PersonRecord:
    """One person."""
    found = person(gallery, person_id)
    gallery.note_access("read", key.key_id, [person_id])
    return PersonRecord.model_validate(found.to_dict())


@router.patch("/{person_id}", responses=problems(400, 404))
def rename_person(
    key: Operator, gallery: InCollection, service: Serving, person_id: PersonId, change: PersonChange
) -> PersonRecord:
    """Give a person another label."""
    person(gallery, person_id)
    return once(service, gallery, key, None, "", lambda: gallery.rename(person_id, change.label))


@router.delete("/{person_id}")
def erase_person(
    key: Operator, gallery: InCollection, service: Serving, person_id: PersonId, proof: bool = False
) -> Erased:
    """Erase a person with every byte of their templates and pictures, and say how far they are gone."""
    person(gallery, person_id)
    with gallery.acting(key.key_id):
        erasure = gallery.erase(person_id, proof=proof)
    service.bus.publish("person.erased", gallery.collection, person_id=person_id)
    told = [name for name in erasure.elsewhere if key.may(name)]
    return Erased.model_validate({**erasure.to_dict(), "elsewhere": told})


@router.put("/{person_id}/consent", responses=problems(400, 404))
def record_consent(
    key: Operator, gallery: InCollection, service: Serving, person_id: PersonId, said: Consent
) -> PersonRecord:
    """Record a consent given now, in place of an earlier one."""
    person(gallery, person_id)
    return once(service, gallery, key, None, "", lambda: gallery.consent(person_id, said.purpose, until=said.until))


@router.post("/{person_id}/merge", responses=problems(400, 404, 409))
def merge_people(
    key: Operator,
    gallery: InCollection,
    service: Serving,
    person_id: PersonId,
    other: Merge,
    request: RequestKey,
) -> PersonRecord:
    """Give a person the samples of another who turned out to be the same, and who is removed."""

    def change() -> Person:
        person(gallery, person_id)
        person(gallery, other.person_id)
        return gallery.merge(person_id, other.person_id, force=other.force)

    asked = f"merge {person_id} {other.model_dump_json()}"
    return once(service, gallery, key, request, asked, change, merged=other.person_id)


@router.post("/{person_id}/split", status_code=201, responses=problems(400, 404, 409))
def split_person(
    key: Operator, gallery: InCollection, service: Serving, person_id: PersonId, off: Split, request: RequestKey
) -> PersonRecord:
    """Make somebody new of some of a person's samples; their consent is not recorded as given."""

    def change() -> Person:
        person(gallery, person_id)
        return gallery.split(person_id, off.samples, off.label)

    return once(service, gallery, key, request, f"split {person_id} {off.model_dump_json()}", change)


@router.post("/{person_id}/verify", responses=problems(400, 404, 409))
async def verify_person(
    key: Identifier,
    gallery: InCollection,
    service: Serving,
    person_id: PersonId,
    image_file: Annotated[UploadFile, File(alias="image")],
    fmr: Annotated[Rate | None, Form(description="false match rate to decide at; else the collection's")] = None,
) -> Comparison:
    """Whether the largest face of an image is this person's, at a stated false match rate."""
    await service.work.decide(lambda: person(gallery, person_id))
    rate = fmr or service.galleries.rules(gallery.collection).fmr
    faces = await service.work.look(await image(image_file), key.key_id, gallery.pipeline)

    def call() -> Comparison:
        from mien.render import decision_to_dict

        decision = gallery.confirm(faces, person_id, fmr=rate)
        gallery.note_access("verify", key.key_id, [person_id], faces=len(faces))
        return Comparison.model_validate({**decision_to_dict(decision), "space": gallery.space})

    return await service.work.decide(call)
