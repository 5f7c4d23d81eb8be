"""How the service answers what goes wrong: one envelope, one request id, and no fault's details."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.errors import (
    AmbiguousPerson,
    ImageTooLarge,
    InputError,
    LinkConflict,
    MienError,
    StoreFull,
    StoreUnavailable,
    UnknownFace,
    UnknownPerson,
    UsageError,
)
from mien.server.work import Busy

__all__ = ["Border", "Refused", "install", "not_found", "status_of"]

log = logging.getLogger("mien.server")

STATUS: tuple[tuple[type[MienError], int], ...] = (
    (UnknownPerson, 404),
    (UnknownFace, 404),
    (AmbiguousPerson, 409),
    (LinkConflict, 409),
    (ImageTooLarge, 413),
    (StoreFull, 507),
    (StoreUnavailable, 503),
    (UsageError, 422),
    (InputError, 422),
    (MienError, 500),
)

HEADERS = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(self), microphone=(), geolocation=()",
    b"referrer-policy": b"same-origin",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
}


class Refused(Exception):
    """An answer that is no success.

    Attributes:
        status: HTTP status.
        code: For programs.
        message: For people: expected, got, what to do.
        headers: More of them.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})


def status_of(error: MienError) -> int:
    """The HTTP status of an error of the library."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


def not_found(what: str) -> Refused:
    """The same answer for what is not there and for what the key may not see."""
    return Refused(404, "not_found", f"{what}: nothing of that name that this key may see")


class Border:
    """Gives every request an id and every answer its security headers, and stops bodies that are too large.

    Args:
        app: What answers.
        max_bytes: Largest body.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        size = 0

        async def received() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._max_bytes:
                raise HTTPException(413, f"body: expected at most {self._max_bytes} bytes")
            return message

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {**HEADERS, b"x-request-id": request_id.encode()}
                if any(name.lower() == b"cache-control" for name, _ in message["headers"]):
                    # The page's own files are the same for everybody, and may be kept.
                    del own[b"cache-control"]
                others = [pair for pair in message["headers"] if pair[0].lower() not in own]
                message["headers"] = [*others, *own.items()]
            await send(message)

        await self._app(scope, received, answer)


def install(app: FastAPI) -> None:
    """Let every exception become an envelope."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return _answer(request, error.status, error.code, error.message, headers=error.headers)

    @app.exception_handler(Busy)
    async def busy(request: Request, error: Busy) -> JSONResponse:
        message = f"too many requests wait for the models; come back in {error.retry_after} s"
        return _answer(request, 503, "busy", message, headers={"Retry-After": str(error.retry_after)})

    @app.exception_handler(MienError)
    async def ours(request: Request, error: MienError) -> JSONResponse:
        return _answer(request, status_of(error), error.code, error.message, error.to_dict().get("details"))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        found = [{"where": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]
        message = "; ".join(f"{one['where']}: {one['message']}" for one in found)
        return _answer(request, 422, "invalid_request", message, found)

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
        return _answer(request, error.status_code, codes.get(error.status_code, "refused"), str(error.detail))

    @app.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> JSONResponse:
        log.error("request %s: a fault in mien", _id(request), exc_info=error)
        return _answer(request, 500, "fault", "a fault in mien; its log has more under this request id")


def _answer(
    request: Request,
    status: int,
    code: str,
    message: str,
    details: object = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    error = {"code": code, "message": message, "details": details or {}}
    own = {name.decode(): value.decode() for name, value in HEADERS.items()} | {"x-request-id": _id(request)}
    return JSONResponse({"error": error, "request_id": _id(request)}, status, headers=own | dict(headers or {}))


def _id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))
