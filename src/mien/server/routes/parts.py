"""What routes have in common: who asks, which collection is meant, and what was sent."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request, UploadFile
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from mien.gallery import Gallery
from mien.server.access import ApiKey, Role
from mien.server.documents.base import Problem
from mien.server.envelope import Refused, not_found
from mien.server.service import Service

__all__ = ["PROBLEMS", "Admin", "InCollection", "Operator", "Reader", "Serving", "image", "serving"]

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text}
    for status, text in {
        401: "No key, or one that is refused",
        403: "The key's role may not do this",
        404: "Nothing of that name that the key may see",
        409: "It conflicts with what is there",
        413: "The body is too large",
        422: "The request cannot be done as it is",
        503: "The queue is full, or the store cannot be reached; see Retry-After",
        507: "No room left; nothing was changed",
    }.items()
}

_bearer = HTTPBearer(auto_error=False, description="An API key, as `mien serve` printed it or `POST /v1/keys` gave it.")


def serving(request: Request) -> Service:
    """What the application serves with."""
    found: Service = request.app.state.service
    return found


Serving = Annotated[Service, Depends(serving)]


def _holder(service: Serving, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> ApiKey:
    key = service.access.holder(sent.credentials) if sent else None
    if key is None:
        message = "expected a valid key: Authorization: Bearer mien_..."
        raise Refused(401, "unauthenticated", message, {"WWW-Authenticate": "Bearer"})
    return key


def _needs(role: Role) -> Callable[[ApiKey], ApiKey]:
    def check(key: Annotated[ApiKey, Depends(_holder)]) -> ApiKey:
        if key.role < role:
            raise Refused(403, "forbidden", f"expected a key of the role {role.name}, got one of {key.role.name}")
        return key

    return check


Reader = Annotated[ApiKey, Depends(_needs(Role.reader))]
Operator = Annotated[ApiKey, Depends(_needs(Role.operator))]
Admin = Annotated[ApiKey, Depends(_needs(Role.admin))]


def _in_collection(collection: str, key: Annotated[ApiKey, Depends(_holder)], service: Serving) -> Gallery:
    found = service.galleries.of(key, collection)
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
