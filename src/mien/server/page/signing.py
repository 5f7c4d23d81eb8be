"""Signing in to the page, and out of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from mien.server.envelope import Refused
from mien.server.page.pages import PageRoute, SignedIn, away, render
from mien.server.page.strings import WORDS
from mien.server.routes.parts import Serving, check_attempt, session_of
from mien.server.sessions import LONGEST, cookie_name, from_here

__all__ = ["router"]

router = APIRouter(route_class=PageRoute, include_in_schema=False)


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
        check_attempt(request, service)
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


def _ours(then: str) -> str:
    """An address to go on to, where it is one of this service's own."""
    return then if then.startswith("/") and not then.startswith(("//", "/\\")) and then.isprintable() else "/"
