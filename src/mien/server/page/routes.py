"""Addresses of the page: signing in and out, and its views."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from mien.server.envelope import Refused
from mien.server.page.pages import FOLDER, STATIC, Here, PageRoute, SignedIn, ThePage, away, render
from mien.server.page.strings import WORDS, reasons
from mien.server.routes.parts import Serving, session_of
from mien.server.sessions import LONGEST, cookie_name, from_here

__all__ = ["install"]

router = APIRouter(route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse)


class _Kept(StaticFiles):
    """Files that a browser asks for once: another version has other addresses."""

    def file_response(self, *args: object, **more: object) -> Response:
        answer = super().file_response(*args, **more)  # type: ignore[arg-type]
        answer.headers["cache-control"] = "public, max-age=31536000, immutable"
        return answer


def install(app: FastAPI) -> None:
    """Add the page to the service."""
    app.include_router(router)
    app.mount(STATIC, _Kept(directory=FOLDER / "static"))


@router.get("/favicon.ico")
def icon() -> FileResponse:
    """For browsers that ask for it without being told to."""
    return FileResponse(FOLDER / "static" / "mien.svg", media_type="image/svg+xml")


@router.get("/sign-in")
def show_sign_in(request: Request, service: Serving, then: str = "/") -> Response:
    """Where to paste a key."""
    if session_of(request, service) is not None:
        return away(_ours(then))
    return HTMLResponse(render("sign_in", then=_ours(then), refused=""))


@router.post("/sign-in")
def sign_in(
    request: Request,
    service: Serving,
    key: Annotated[str, Form(max_length=400)] = "",
    then: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Open a session for the holder of a key."""
    if not from_here(request):
        raise Refused(403, "not_from_page", WORDS["sign_in"]["elsewhere"])
    session = service.sessions.begin(key)
    if session is None:
        return HTMLResponse(render("sign_in", then=_ours(then), refused=WORDS["sign_in"]["refused"]), 401)
    answer = away(_ours(then))
    answer.set_cookie(
        cookie_name(request),
        session.token,
        max_age=int(LONGEST.total_seconds()),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/sign-out")
def sign_out(request: Request, session: SignedIn, service: Serving, csrf: Annotated[str, Form()] = "") -> Response:
    """End a session."""
    if not (from_here(request) and session.knows(csrf)):
        raise Refused(403, "not_from_page", WORDS["sign_in"]["elsewhere"])
    service.sessions.end(session.token)
    answer = away("/sign-in")
    answer.delete_cookie(cookie_name(request), secure=request.url.scheme == "https", httponly=True, samesite="strict")
    return answer


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
    return page.of("recognise", collection=gallery.collection, said=_said("faces"), people=gallery.size)


def _said(*parts: str) -> dict[str, object]:
    """What a view's scripts say."""
    return {"reasons": reasons(), "common": WORDS["common"], **{part: WORDS[part] for part in parts}}


def _ours(then: str) -> str:
    """An address to go on to, where it is one of this service's own."""
    return then if then.startswith("/") and not then.startswith(("//", "/\\")) and then.isprintable() else "/"
