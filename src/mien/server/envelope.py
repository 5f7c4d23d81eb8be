"""How the service answers what goes wrong: one envelope, one request id, and no fault's details."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.errors import (
    AmbiguousPerson,
    Detail,
    ImageTooLarge,
    InputError,
    LinkConflict,
    MienError,
    ModelError,
    NotCalibrated,
    NothingToUndo,
    SpaceMismatch,
    StoreFull,
    StoreUnavailable,
    UnknownFace,
    UnknownModel,
    UnknownPerson,
    UsageError,
    WrongKey,
)
from mien.server import logs
from mien.server.work import Busy

if TYPE_CHECKING:
    from mien.server.service import Service

__all__ = ["Border", "Refused", "install", "not_found", "status_of"]

log = logging.getLogger("mien.server")

STATUS: tuple[tuple[type[MienError], int], ...] = (
    (UnknownPerson, 404),
    (UnknownFace, 404),
    (AmbiguousPerson, 409),
    (LinkConflict, 409),
    (ImageTooLarge, 413),
    (UnknownModel, 404),
    (NothingToUndo, 404),
    (SpaceMismatch, 409),
    (NotCalibrated, 409),
    (StoreFull, 507),
    (StoreUnavailable, 503),
    (WrongKey, 503),
    (ModelError, 503),
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

_CODES = {404: "not_found", 405: "method_not_allowed", 408: "slow_body", 413: "too_large", 503: "busy"}
_CLOSE = {"Connection": "close"}
# So many of the largest bodies may be coming in at the same time.
_BODIES = 8
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_QUIET = frozenset({"/v1/health", "/v1/ready", "/v1/metrics"})


_PATHS = ("path", "file")
"""Details that say where the service keeps its files."""


# Files of jobs go to the disk as they come, so that they may be large, and take their time.
_FILES = re.compile("/v1/collections/[^/]+/jobs/[^/]+/files/.+")


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
    """What every request passes on its way in, and every answer on its way out.

    Requests get an id, and answers their security headers; both are counted and logged. A body that is too large, or
    too slow, is refused while it comes, and so is one more where all that are coming together are too large. Whatever
    a request decides it decides by one calibration.

    Args:
        app: What answers.
        service: Its limits, and what counts.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self.held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(self, self._service, scope, receive, send)
        try:
            if exchange.announced > exchange.limit:
                # Before a byte of it is read.
                answer = _refusal(Request(scope), exchange.too_large())
                await answer(scope, receive, exchange.send)
            else:
                with self._service.calibrations.held():
                    await self._app(scope, exchange.receive, exchange.send)
        finally:
            exchange.end()


class _Exchange:
    """One request and its answer."""

    def __init__(self, border: Border, service: Service, scope: Scope, receive: Receive, send: Send) -> None:
        self._border, self._service = border, service
        self._scope, self._receive, self._send = scope, receive, send
        self._state = scope.setdefault("state", {})
        self._state["request_id"] = secrets.token_hex(8)
        self._start = time.perf_counter()
        self._size = 0
        self._coming = True
        # What answers a fault stands outside, and is not seen from here.
        self._status = 500
        self._kept = scope["method"] == "PUT" and _FILES.fullmatch(scope["path"]) is not None
        self.limit = service.settings.max_upload if self._kept else service.settings.max_bytes
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        self.announced = int(length) if length.isdigit() else 0

    async def receive(self) -> Message:
        """See ASGI; what is no body, such as the client's going away, may take its time."""
        if not self._coming:
            return await self._receive()
        settings = self._service.settings
        try:
            begun = time.perf_counter() if self._kept else self._start
            async with asyncio.timeout(begun + settings.body_seconds - time.perf_counter()):
                message = await self._receive()
        except TimeoutError:
            told = f"body: expected all of it within {settings.body_seconds:g} seconds"
            raise HTTPException(408, told, _CLOSE) from None
        self._coming = bool(message.get("more_body", False))
        size = len(message.get("body", b""))
        self._size += size
        self._border.held += 0 if self._kept else size
        if self._size > self.limit:
            raise self.too_large()
        if self._border.held > _BODIES * settings.max_bytes:
            raise HTTPException(
                503, "too many large requests at once; come back in 1 s", {**_CLOSE, "Retry-After": "1"}
            )
        return message

    async def send(self, message: Message) -> None:
        """See ASGI."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            own = {**HEADERS, b"x-request-id": self._state["request_id"].encode()}
            said = {name.lower() for name, _ in message["headers"]}
            # The page's own files are the same for everybody, and may be kept; reports have a policy of their own.
            for name in said & {b"cache-control", b"content-security-policy"}:
                del own[name]
            others = [pair for pair in message["headers"] if pair[0].lower() not in own]
            message["headers"] = [*others, *own.items()]
        await self._send(message)

    def too_large(self) -> HTTPException:
        """What a body that is too large is answered with."""
        return HTTPException(413, f"body: expected at most {self.limit} bytes", _CLOSE)

    def end(self) -> None:
        """Count and log it."""
        self._border.held -= 0 if self._kept else self._size
        taken = time.perf_counter() - self._start
        template = getattr(self._scope.get("route"), "path", None)
        # Routers know their routes without the prefix; what is no route, or no method, is whatever a client makes up.
        prefix = "/v1" if self._scope["path"].startswith("/v1/") else ""
        route = "other" if template is None else prefix + template
        method = self._scope["method"] if self._scope["method"] in _METHODS else "other"
        self._service.metrics.answered(method, route, self._status, taken)
        if route not in _QUIET:
            fields = {"method": method, "route": route, "status": self._status, "ms": round(1e3 * taken, 1)}
            logs.note({"request_id": self._state["request_id"], **fields, "key": self._state.get("key_id")})


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
        status = status_of(error)
        if status >= 500:
            where = {name: error.details[name] for name in _PATHS if name in error.details}
            log.error("error", extra={"fields": {"request_id": _id(request), "code": error.code, **where}})
        return _answer(request, status, error.code, *_told(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        found = [
            {"where": ".".join(map(str, one["loc"])), "message": _not_json(request, one) or one["msg"]}
            for one in error.errors()
        ]
        message = "; ".join(f"{one['where']}: {one['message']}" for one in found)
        return _answer(request, 422, "invalid_request", message, found)

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        return _refusal(request, error)

    @app.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> JSONResponse:
        log.error("fault", extra={"fields": {"request_id": _id(request)}}, exc_info=error)
        return _answer(request, 500, "fault", "a fault in mien; its log has more under this request id")


def _told(error: MienError) -> tuple[str, dict[str, Detail]]:
    """Message and details, without where the service keeps its files: its log says that."""
    message = error.message
    for name in _PATHS:
        path = error.details.get(name)
        message = message.replace(path, Path(path).name) if isinstance(path, str) and path else message
    return message, {name: value for name, value in error.details.items() if name not in _PATHS}


def _not_json(request: Request, wrong: dict[str, Any]) -> str | None:
    """What to do where a body was not read as JSON, as it is sent by whoever forgets to say what it is."""
    if wrong["loc"] != ("body",) or not isinstance(wrong.get("input"), bytes):
        return None
    return f"expected JSON and Content-Type: application/json, got {request.headers.get('content-type', 'no type')!a}"


def _refusal(request: Request, error: HTTPException) -> JSONResponse:
    code = _CODES.get(error.status_code, "refused")
    return _answer(request, error.status_code, code, str(error.detail), headers=error.headers)


def _answer(
    request: Request,
    status: int,
    code: str,
    message: str,
    details: object = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    service: Service = request.app.state.service
    service.metrics.refused.labels(code).inc()
    error = {"code": code, "message": message, "details": details or {}}
    own = {name.decode(): value.decode() for name, value in HEADERS.items()} | {"x-request-id": _id(request)}
    return JSONResponse({"error": error, "request_id": _id(request)}, status, headers=own | dict(headers or {}))


def _id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))
