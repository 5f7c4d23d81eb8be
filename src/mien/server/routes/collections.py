"""Collections."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from mien.gallery import Gallery
from mien.gallery.people import parse_label
from mien.server.access import EVERY, Access
from mien.server.documents import CollectionRecord, Collections, NewCollection
from mien.server.envelope import Refused
from mien.server.galleries import Galleries
from mien.server.routes.parts import PROBLEMS, Admin, InCollection, Reader, access, galleries

__all__ = ["router"]

router = APIRouter(
    prefix="/collections",
    tags=["collections"],
    responses={status: PROBLEMS[status] for status in (401, 403, 404, 422, 503)},
)


@router.get("")
def list_collections(key: Reader, opened: Annotated[Galleries, Depends(galleries)]) -> Collections:
    """The collections that the key may see."""
    found = (opened.of(key, name) for name in opened.names())
    return Collections(collections=[_record(opened, gallery) for gallery in found if gallery is not None])


@router.put("")
def make_collection(
    key: Admin,
    new: NewCollection,
    response: Response,
    known: Annotated[Access, Depends(access)],
    opened: Annotated[Galleries, Depends(galleries)],
) -> CollectionRecord:
    """Make a collection, or change whether enrolment in it needs a purpose."""
    name = parse_label(new.name)
    if not key.may(name):
        raise Refused(403, "forbidden", f"expected a key that is granted {name}, or every collection ({EVERY})")
    is_new = name not in opened.names()
    known.declare(name, consent_required=new.consent_required)
    response.status_code = 201 if is_new else 200
    gallery = opened.of(key, name)
    assert gallery is not None
    return _record(opened, gallery)


@router.get("/{collection}")
def show_collection(
    _: Reader, gallery: InCollection, opened: Annotated[Galleries, Depends(galleries)]
) -> CollectionRecord:
    """One collection."""
    return _record(opened, gallery)


def _record(opened: Galleries, gallery: Gallery) -> CollectionRecord:
    return CollectionRecord(
        name=gallery.collection,
        consent_required=opened.asks_for_consent(gallery.collection),
        people=gallery.size,
        space=gallery.space,
        revision=gallery.revision,
    )
