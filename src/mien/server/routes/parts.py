"""What routes have in common: who asks, which collection is meant, and what was sent."""

from __future__ import annotations

import io
import math
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from mien.gallery import Gallery
from mien.media.image import check_pixels
from mien.server.access import ApiKey, Scope
from mien.server.documents.base import Problem
from mien.server.envelope import Refused, not_found
from mien.server.limits import network
from mien.server.service import Service
from mien.server.sessions import CSRF_HEADER, SAFE, Session, cookie_name, from_here

__all__ = [
    "EVERYWHERE",
    "PROBLEMS",
    "Admin",
    "Auditor",
    "Enroller",
    "Holder",
    "Identifier",
    "InCollection",
    "Operator",
    "Reader",
    "Serving",
    "check_attempt",
    "image",
    "problems",
    "serving",
    "session_of",
    "several_images",
]

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text}
    for status, text in {
        400: "The body is not what its type says",
        401: "No key, or one that is refused",
        403: "The key's role may not do this",
        404: "Nothing of that name that the key may see",
        408: "The body came too slowly",
        409: "It conflicts with what is there",
        413: "The body is too large",
        422: "The request cannot be done as it is",
        429: "Too many requests with this key, or without a valid one from this address; see Retry-After",
        503: "The queue is full, or the store cannot be reached; see Retry-After",
        507: "No room left; nothing was changed",
    }.items()
}

EVERYWHERE: dict[int | str, dict[str, Any]] = {status: PROBLEMS[status] for status in (408, 413, 429)}
"""What every route may answer, before it is asked."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route that needs a key may answer besides its success: some statuses, and those of all such routes."""
    return {status: PROBLEMS[status] for status in sorted({401, 403, 422, 503, 507, *statuses})}


_bearer = HTTPBearer(auto_error=False, description="An API key, as `mien serve` printed it or `POST /v1/keys` gave it.")


async def serving(request: Request) -> Service:
    """What the application serves with."""
    found: Service = request.app.state.service
    return found


Serving = Annotated[Service, Depends(serving)]


def session_of(request: Request, service: Serving) -> Session | None:
    """The session whose cookie a browser sent; None without one."""
    token = request.cookies.get(cookie_name(request))
    return service.sessions.holder(token) if token else None


async def _holder(
    request: Request, service: Serving, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> ApiKey:
    if sent is not None:
        # A read of microseconds that no writer blocks; another thread would cost more.
        key = service.access.holder(sent.credentials)
    else:
        session = await run_in_threadpool(session_of, request, service)
        if session is not None and request.method not in SAFE:
            _check_own(request, session)
        key = session.key if session else None
    if key is None:
        check_attempt(request, service)
        message = "expected a valid key: Authorization: Bearer mien_..."
        raise Refused(401, "unauthenticated", message, {"WWW-Authenticate": "Bearer"})
    request.state.key_id = key.key_id
    _check_rate(service.rate.taken(key.key_id, key.rate), "with this key")
    return key


def check_attempt(request: Request, service: Service) -> None:
    """Count an attempt without a valid key: who tries many is told to wait. Who has one is never kept waiting by them.

    Raises:
        Refused: Too many came from that address.
    """
    address = network(request.client.host if request.client else None)
    _check_rate(service.attempts.taken(address), "without a valid key from this address")


def _check_rate(wait: float, what: str) -> None:
    if wait:
        seconds = math.ceil(wait)
        message = f"too many requests {what}; come back in {seconds} s"
        raise Refused(429, "too_many_requests", message, {"Retry-After": str(seconds)})


def _check_own(request: Request, session: Session) -> None:
    # A cookie comes along whoever wrote the page that sends it; the header and the origin tell that it was this one's.
    if not from_here(request) or not session.knows(request.headers.get(CSRF_HEADER)):
        message = f"expected a request by a page of this service, with its {CSRF_HEADER}; programs send a key instead"
        raise Refused(403, "not_from_page", message)


def _needs(scope: Scope) -> Callable[[ApiKey], Awaitable[ApiKey]]:
    async def check(key: Annotated[ApiKey, Depends(_holder)]) -> ApiKey:
        if key.role < scope.role:
            raise Refused(403, "forbidden", f"expected a key of the role {scope.role.name}, got one of {key.role.name}")
        if not key.has(scope):
            raise Refused(
                403, "forbidden", f"expected a key with the scope {scope}, got one with {' '.join(key.scopes)}"
            )
        return key

    return check


Holder = Annotated[ApiKey, Depends(_holder)]
Identifier = Annotated[ApiKey, Depends(_needs(Scope.identify))]
Reader = Annotated[ApiKey, Depends(_needs(Scope.read))]
Enroller = Annotated[ApiKey, Depends(_needs(Scope.enroll))]
Operator = Annotated[ApiKey, Depends(_needs(Scope.edit))]
Auditor = Annotated[ApiKey, Depends(_needs(Scope.audit))]
Admin = Annotated[ApiKey, Depends(_needs(Scope.admin))]


async def _in_collection(collection: str, key: Annotated[ApiKey, Depends(_holder)], service: Serving) -> Gallery:
    found = service.galleries.known(key, collection)
    if found is None:
        found = await run_in_threadpool(service.galleries.of, key, collection)
    if found is None:
        raise not_found(f"collection {collection}")
    return found


InCollection = Annotated[Gallery, Depends(_in_collection)]


async def image(upload: UploadFile) -> io.BytesIO:
    """An image that was sent, by its name.

    Raises:
        Refused: It is empty.
    """
    data = await upload.read()
    if not data:
        raise Refused(422, "unreadable_image", f"{upload.filename or 'image'}: expected an image, got an empty file")
    stream = io.BytesIO(data)
    stream.name = upload.filename or "image"
    return stream


async def several_images(service: Service, uploads: list[UploadFile]) -> list[io.BytesIO]:
    """Images that were sent, by their names.

    Raises:
        Refused: They are too many, or one is empty.
        ImageTooLarge: One has too many pixels, by its head: it is not decoded.
    """
    most, pixels = service.settings.max_images, service.settings.max_pixels
    if len(uploads) > most:
        raise Refused(422, "too_many_images", f"images: expected at most {most}, got {len(uploads)}")
    sources = [await image(upload) for upload in uploads]
    for source in sources:
        await run_in_threadpool(check_pixels, source.name, source.getvalue(), pixels)
    return sources
