"""Pages: made of a template, for whoever signed in, or a way to sign in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mien.errors import MienError
from mien.gallery import Gallery
from mien.render.words import share
from mien.server.access import EVERY, Scope
from mien.server.envelope import Refused, not_found, status_of
from mien.server.page.strings import WORDS, reason_texts
from mien.server.routes.parts import Serving, session_of
from mien.server.sessions import Session

__all__ = [
    "FOLDER",
    "STATIC",
    "VIEWS",
    "Here",
    "Page",
    "PageRoute",
    "SignedIn",
    "ThePage",
    "View",
    "away",
    "rates",
    "render",
    "said",
    "templates",
]

FOLDER = Path(__file__).parent


def _static() -> str:
    """Where a version's own files are: their names change with their content, so that browsers may keep them."""
    digest = hashlib.sha256()
    for path in sorted((FOLDER / "static").iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"/static/{digest.hexdigest()[:12]}"


STATIC = _static()

templates = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.filters["share"] = lambda rate: share(float(f"{rate:.2g}"))
templates.filters["each"] = lambda rate: f"{round(1 / rate):,}"
templates.filters["initials"] = lambda label: "".join(word[0] for word in str(label).split()[:2]).upper()
templates.filters["tint"] = lambda key: int(str(key)[:2], 16) % 6


class View(NamedTuple):
    """A page of the menu.

    Attributes:
        name: In addresses, of its template and its words.
        scope: What its keys may do.
        everywhere: Whether it is of all collections, so that its keys have to be granted every one.
    """

    name: str
    scope: Scope
    everywhere: bool = False


VIEWS = (
    View("recognise", Scope.identify),
    View("live", Scope.identify),
    View("challenge", Scope.identify),
    View("streams", Scope.read),
    View("enrol", Scope.enroll),
    View("people", Scope.read),
    View("unknown", Scope.read),
    View("jobs", Scope.identify),
    View("reports", Scope.read, everywhere=True),
    View("webhooks", Scope.admin),
    View("settings", Scope.read),
    View("audit", Scope.audit, everywhere=True),
)


class SignInFirst(Exception):
    """Nobody is signed in."""


def signed_in(request: Request, service: Serving) -> Session:
    """Whose session it is."""
    session = session_of(request, service)
    if session is None:
        raise SignInFirst
    return session


SignedIn = Annotated[Session, Depends(signed_in)]


class Page:
    """Makes pages for one request.

    Args:
        session: Who asks.
        service: What answers.
    """

    def __init__(self, session: SignedIn, service: Serving) -> None:
        self.session, self.service = session, service

    def may(self, scope: Scope) -> bool:
        """Whether who asks may do something."""
        return self.session.key.has(scope)

    def shows(self, view: View) -> bool:
        """Whether there is a view, for who asks."""
        if view.name == "reports" and self.service.settings.reports is None:
            return False
        return self.may(view.scope) and (not view.everywhere or EVERY in self.session.key.collections)

    def check(self, name: str) -> None:
        """Refuse a view that is not for who asks.

        Raises:
            Refused: It is not.
        """
        for view in VIEWS:
            if view.name == name and not self.shows(view):
                scope = view.scope
                raise Refused(403, "forbidden", WORDS["failed"]["scope"].format(scope=scope, role=scope.role.name))

    def collections(self) -> list[str]:
        """The collections that who asks may see."""
        return [name for name in self.service.galleries.names() if self.session.key.may(name)]

    def of(self, view: str, *, collection: str | None, menu: str = "", **more: object) -> HTMLResponse:
        """A page.

        Args:
            view: Name of the template.
            collection: Which one it is about.
            menu: The view of the menu that it belongs to; "" for its own.
            more: What the template shows.
        """
        text = render(
            view,
            collection=collection,
            collections=self.collections(),
            active=menu or view,
            views=[one.name for one in VIEWS if self.shows(one)] if collection else [],
            key=self.session.key,
            csrf=self.session.csrf,
            may={str(scope): self.may(scope) for scope in Scope},
            **more,
        )
        return HTMLResponse(text)


ThePage = Annotated[Page, Depends()]


def here(collection: str, page: ThePage, request: Request) -> Gallery:
    """The collection that a view is about, for who has use of the view: before anything is looked up for it."""
    page.check(request.url.path.split("/")[3])
    found = page.service.galleries.of(page.session.key, collection)
    if found is None:
        raise not_found(f"collection {collection}")
    return found


Here = Annotated[Gallery, Depends(here)]


def render(view: str, **values: object) -> str:
    """A template with its words; ``csrf`` and the like are the caller's."""
    known = {"view": view, "static": STATIC, "words": WORDS, "csrf": None, "collection": None, **values}
    return templates.get_template(f"{view}.html").render(known)


def rates(page: Page, gallery: Gallery) -> dict[str, Any]:
    """Error rates to choose from, and the collection's own."""
    own = page.service.galleries.rules(gallery.collection).fpir
    return {"rates": sorted({0.1, 0.01, 0.001, own}, reverse=True), "own_rate": own}


def said(*parts: str) -> dict[str, object]:
    """What a view's scripts say."""
    return {"reasons": reason_texts(), "common": WORDS["common"], **{part: WORDS[part] for part in parts}}


class PageRoute(APIRoute):
    """Answers what goes wrong with a page, where ``/v1`` answers with an envelope."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See FastAPI."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except SignInFirst:
                return away("/sign-in", then=request.url.path)
            except Refused as error:
                return failed(error.status, error.message)
            except MienError as error:
                return failed(status_of(error), error.message)
            except RequestValidationError:
                return failed(422, WORDS["failed"]["invalid"])

        return answer


def failed(status: int, message: str) -> HTMLResponse:
    """A page that says what went wrong."""
    return HTMLResponse(render("failed", status=status, message=message), status)


def away(address: str, *, then: str | None = None) -> RedirectResponse:
    """To another page of ours; ``then`` is where to go on afterwards."""
    return RedirectResponse(f"{address}?then={quote(then)}" if then and then != "/" else address, 303)
