"""Whether the service serves, and for whom."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from mien.server.documents.keys import KeyRecord
from mien.server.documents.service import Health
from mien.server.envelope import Refused
from mien.server.metrics import CONTENT_TYPE
from mien.server.routes.keys import record
from mien.server.routes.parts import PROBLEMS, Admin, Holder, Serving, problems

__all__ = ["router"]

router = APIRouter(tags=["service"])


@router.get("/health")
def health(service: Serving) -> Health:
    """Whether the process answers; needs no key."""
    return Health(status="ok", waiting=service.work.waiting)


@router.get("/ready", responses={503: PROBLEMS[503]})
def ready(service: Serving) -> Health:
    """Whether the gallery can be read, and requests are welcome: not while the service stops. Needs no key."""
    if service.stopping.is_set():
        raise Refused(503, "stopping", "the service finishes what it accepted, and stops; ask another, or come back")
    _ = service.galleries.main.revision
    return Health(status="ok", waiting=service.work.waiting)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus' text format"}, **problems()},
)
def metrics(_: Admin, service: Serving) -> PlainTextResponse:
    """What is counted, for Prometheus: by route and outcome, nothing by who asked or who was seen."""
    return PlainTextResponse(service.metrics.text(), media_type=CONTENT_TYPE)


@router.get("/me", responses=problems())
def me(key: Holder) -> KeyRecord:
    """The key that asks."""
    return record(key)
