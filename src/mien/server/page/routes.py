"""Addresses of the page's views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Query
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from mien.gallery import Contains, Gallery, Person
from mien.gallery.people import today
from mien.recognition import search_curve
from mien.server.access import FASTEST, Scope
from mien.server.calibrating import pipeline_of
from mien.server.envelope import not_found
from mien.server.page import reports, results, signing
from mien.server.page.comparing import offer
from mien.server.page.pages import FOLDER, STATIC, VIEWS, Here, Page, PageRoute, ThePage, away, rates, said
from mien.server.page.plot import HEIGHT, WIDTH, plot
from mien.server.routes.audit import check_grant
from mien.server.webhooks import Delivery

__all__ = ["install"]

_PEOPLE = 60
_GROUPS = 50
_CROPS = 12
_LINES = 100
_TOLD = 50

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
    app.include_router(reports.router)
    app.include_router(results.router)
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
    view = next((view.name for view in VIEWS if page.shows(view)), None)
    if names and view:
        return away(f"/collections/{quote(names[0], safe='')}/{view}")
    return page.of("welcome", collection=None)


@router.get("/collections/{collection}/recognise")
def recognise(page: ThePage, gallery: Here) -> Response:
    """Who is in a photo."""
    return page.of(
        "recognise",
        collection=gallery.collection,
        said=said("faces", "enrol", "expressions"),
        **rates(page, gallery),
        people=gallery.size,
        consent=page.service.galleries.rules(gallery.collection).consent_required,
        today=today(),
    )


@router.get("/collections/{collection}/live")
def live(page: ThePage, gallery: Here) -> Response:
    """Who is before the browser's camera."""
    words = said("faces", "camera", "live")
    return page.of("live", collection=gallery.collection, said=words, **rates(page, gallery))


@router.get("/collections/{collection}/enrol")
def enrol(page: ThePage, gallery: Here, person: Annotated[str, Query(max_length=32)] = "") -> Response:
    """Somebody new, or more photos of somebody."""
    return page.of(
        "enrol",
        collection=gallery.collection,
        said=said("camera", "enrol"),
        person=_person(gallery, person) if person else None,
        consent=page.service.galleries.rules(gallery.collection).consent_required,
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
    gallery.note_access("list", page.session.key.key_id, people=len(listed.people))
    return page.of(
        "people",
        collection=gallery.collection,
        said=said("people"),
        people=[one for one in listed.people if kept is None or one.person_id != kept.person_id],
        portraits=_portraits(page, gallery, listed.people),
        next=listed.next,
        after=after,
        query=query,
        size=gallery.size,
        merge=kept,
        edit=next(iter(gallery.edits()), None) if page.may(Scope.edit) and kept is None else None,
    )


@router.get("/collections/{collection}/people/{person_id}")
def person(page: ThePage, gallery: Here, person_id: str) -> Response:
    """One person."""
    found = _person(gallery, person_id)
    samples = gallery.samples(person_id)
    gallery.note_access("read", page.session.key.key_id, [person_id], samples=len(samples))
    return page.of(
        "person",
        menu="people",
        collection=gallery.collection,
        said=said("person", "levels"),
        person=found,
        samples=samples,
        pictured=gallery.cropped(samples),
        today=today(),
    )


@router.get("/collections/{collection}/unknown")
def unknown(page: ThePage, gallery: Here) -> Response:
    """Faces that wait for a name."""
    suggestions = gallery.suggestions()[:_GROUPS]
    faces = [face for one in suggestions for face in one.faces[:_CROPS]]
    gallery.note_access("read", page.session.key.key_id, faces=len(faces))
    return page.of(
        "unknown",
        collection=gallery.collection,
        said=said("unknown"),
        suggestions=suggestions,
        pictured=gallery.cropped(faces),
        most=_CROPS,
        consent=page.service.galleries.rules(gallery.collection).consent_required,
        today=today(),
    )


@router.get("/collections/{collection}/audit")
def audit(page: ThePage, gallery: Here, before: Annotated[int | None, Query(ge=1)] = None) -> Response:
    """The audit log, newest line first."""
    check_grant(page.session.key)
    if before is None:
        last = gallery.last_entry()
        before = last.sequence + 1 if last else 1
    first = max(0, before - 1 - _LINES)
    entries = gallery.audit(first, before - 1 - first)
    return page.of(
        "audit",
        collection=gallery.collection,
        said=said("audit"),
        entries=entries[::-1],
        before=first + 1 if first else None,
        public_key=gallery.public_key,
    )


@router.get("/collections/{collection}/settings")
def settings(page: ThePage, gallery: Here) -> Response:
    """Where a collection stands between strangers with a name and people without; its rules, and the service's keys."""
    rules = page.service.galleries.rules(gallery.collection)
    calibration, size, own = gallery.calibration, max(1, gallery.size), page.session.key
    pipeline, kept = pipeline_of(gallery), page.service.calibrations
    origin = kept.origin(pipeline)
    other = kept.without(pipeline) if origin else None
    return page.of(
        "settings",
        collection=gallery.collection,
        said=said("settings", "person", "levels"),
        rules=rules,
        plot=plot(search_curve(calibration, size), rules.fpir) if calibration else None,
        plot_size=(WIDTH, HEIGHT),
        calibration=calibration.name if calibration else None,
        pipeline=pipeline,
        installed=origin,
        offer=offer(page, gallery, other) if origin and other else None,
        other_source=kept.source(pipeline) if other else None,
        people=size,
        keys=[key for key in page.service.access.every_key() if page.may(Scope.admin) and own.covers(key)],
        fastest=FASTEST,
        today=today(),
    )


@router.get("/collections/{collection}/challenge")
def challenge(page: ThePage, gallery: Here) -> Response:
    """Whether somebody is before the browser's camera."""
    words = said("camera", "challenge", "challenge_reasons")
    return page.of("challenge", collection=gallery.collection, said=words)


@router.get("/collections/{collection}/streams")
def streams(page: ThePage, gallery: Here) -> Response:
    """Cameras that are watched, and what happens before them."""
    return page.of(
        "streams",
        collection=gallery.collection,
        said=said("streams", "stream_states", "stream_kinds"),
        streams=page.service.streams.of(gallery.collection),
        fpir=page.service.galleries.rules(gallery.collection).fpir,
    )


@router.get("/collections/{collection}/webhooks")
def webhooks(page: ThePage, gallery: Here) -> Response:
    """Who is told of what happens."""
    kept = page.service.webhooks
    told = [(one, _dead_first(kept.deliveries(one.webhook_id, limit=_TOLD))) for one in kept.of(gallery.collection)]
    return page.of("webhooks", collection=gallery.collection, said=said(), webhooks=told)


def _dead_first(deliveries: list[Delivery]) -> list[Delivery]:
    return sorted(deliveries, key=lambda one: one.state != "dead")


def _person(gallery: Gallery, person_id: str) -> Person:
    """A person by key alone, never by label."""
    found = gallery.person(person_id)
    if found.person_id != person_id:
        raise not_found(f"person {person_id}")
    return found


def _portraits(page: Page, gallery: Gallery, people: Sequence[Person]) -> dict[str, str]:
    """For each of some people the sample that has a picture, where the collection keeps any."""
    if not page.service.galleries.rules(gallery.collection).crops:
        return {}
    samples = [sample for one in people for sample in gallery.samples(one.person_id)]
    pictured = gallery.cropped(samples)
    return {sample.person_id: sample.face_id for sample in samples if sample.person_id and sample.face_id in pictured}
