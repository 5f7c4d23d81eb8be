"""Addresses of the page's views."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Query
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from mien.gallery import Contains, Gallery, Person
from mien.gallery.people import today
from mien.server.envelope import not_found
from mien.server.page import signing
from mien.server.page.pages import FOLDER, STATIC, Here, PageRoute, ThePage, away
from mien.server.page.strings import WORDS, reasons

__all__ = ["install"]

_PEOPLE = 60

router = APIRouter(route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse)


class _Kept(StaticFiles):
    """Files that a browser asks for once: another version has other addresses."""

    def file_response(self, *args: object, **more: object) -> Response:
        answer = super().file_response(*args, **more)  # type: ignore[arg-type]
        answer.headers["cache-control"] = "public, max-age=31536000, immutable"
        return answer


def install(app: FastAPI) -> None:
    """Add the page to the service."""
    app.include_router(signing.router)
    app.include_router(router)
    app.mount(STATIC, _Kept(directory=FOLDER / "static"))


@router.get("/favicon.ico")
def icon() -> FileResponse:
    """For browsers that ask for it without being told to."""
    return FileResponse(FOLDER / "static" / "mien.svg", media_type="image/svg+xml")


@router.get("/")
def begin(page: ThePage) -> Response:
    """To the collection that is there; where there is none, how to get one."""
    names = page.collections()
    if names:
        return away(f"/collections/{quote(names[0], safe='')}/recognise")
    return page.of("welcome", collection=None)


@router.get("/collections/{collection}/recognise")
def recognise(page: ThePage, gallery: Here) -> Response:
    """Who is in a photo."""
    return page.of(
        "recognise",
        collection=gallery.collection,
        said=_said("faces", "enrol"),
        people=gallery.size,
        consent=page.service.galleries.asks_for_consent(gallery.collection),
        today=today(),
    )


@router.get("/collections/{collection}/live")
def live(page: ThePage, gallery: Here) -> Response:
    """Who is before the browser's camera."""
    return page.of("live", collection=gallery.collection, said=_said("faces", "camera", "live"))


@router.get("/collections/{collection}/enrol")
def enrol(page: ThePage, gallery: Here, person: Annotated[str, Query(max_length=32)] = "") -> Response:
    """Somebody new, or more photos of somebody."""
    return page.of(
        "enrol",
        collection=gallery.collection,
        said=_said("camera", "enrol"),
        person=_person(gallery, person) if person else None,
        consent=page.service.galleries.asks_for_consent(gallery.collection),
        most=page.service.settings.max_images,
        today=today(),
    )


@router.get("/collections/{collection}/people")
def people(
    page: ThePage,
    gallery: Here,
    query: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[str | None, Query(max_length=200)] = None,
    merge: Annotated[str, Query(max_length=32)] = "",
) -> Response:
    """Everybody, or those whose name has something in it; or who else somebody is."""
    query = query.strip()
    listed = gallery.page(after, limit=_PEOPLE, where=Contains("label", query) if query else None)
    kept = _person(gallery, merge) if merge else None
    return page.of(
        "people",
        collection=gallery.collection,
        said=_said("people"),
        people=[one for one in listed.people if kept is None or one.person_id != kept.person_id],
        next=listed.next,
        after=after,
        query=query,
        size=gallery.size,
        merge=kept,
    )


@router.get("/collections/{collection}/people/{person_id}")
def person(page: ThePage, gallery: Here, person_id: str) -> Response:
    """One person."""
    found = _person(gallery, person_id)
    return page.of(
        "person",
        collection=gallery.collection,
        said=_said("person", "levels"),
        person=found,
        samples=gallery.samples(found.person_id),
    )


def _person(gallery: Gallery, person_id: str) -> Person:
    """A person by key alone, never by label."""
    found = gallery.person(person_id)
    if found.person_id != person_id:
        raise not_found(f"person {person_id}")
    return found


def _said(*parts: str) -> dict[str, object]:
    """What a view's scripts say."""
    return {"reasons": reasons(), "common": WORDS["common"], **{part: WORDS[part] for part in parts}}
