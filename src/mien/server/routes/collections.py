"""Collections."""

from __future__ import annotations

from fastapi import APIRouter, Response

from mien.gallery import Gallery
from mien.gallery.people import parse_label
from mien.server.access import EVERY
from mien.server.documents.collections import CollectionRecord, Collections, NewCollection
from mien.server.envelope import Refused
from mien.server.routes.parts import PROBLEMS, Admin, InCollection, Reader, Serving
from mien.server.service import Service

__all__ = ["router"]

router = APIRouter(
    prefix="/collections",
    tags=["collections"],
    responses={status: PROBLEMS[status] for status in (401, 403, 404, 422, 503)},
)


@router.get("")
def list_collections(key: Reader, service: Serving) -> Collections:
    """The collections that the key may see."""
    found = (service.galleries.of(key, name) for name in service.galleries.names())
    return Collections(collections=[_record(service, gallery) for gallery in found if gallery is not None])


@router.put("")
def make_collection(
    key: Admin,
    new: NewCollection,
    response: Response,
    service: Serving,
) -> CollectionRecord:
    """Make a collection, or change whether enrolment in it needs a purpose."""
    name = parse_label(new.name)
    if not key.may(name):
        raise Refused(403, "forbidden", f"expected a key that is granted {name}, or every collection ({EVERY})")
    is_new = name not in service.galleries.names()
    service.access.declare(name, consent_required=new.consent_required)
    response.status_code = 201 if is_new else 200
    gallery = service.galleries.of(key, name)
    assert gallery is not None
    return _record(service, gallery)


@router.get("/{collection}")
def show_collection(_: Reader, gallery: InCollection, service: Serving) -> CollectionRecord:
    """One collection."""
    return _record(service, gallery)


def _record(service: Service, gallery: Gallery) -> CollectionRecord:
    return CollectionRecord(
        name=gallery.collection,
        consent_required=service.galleries.asks_for_consent(gallery.collection),
        people=gallery.size,
        space=gallery.space,
        revision=gallery.revision,
    )
