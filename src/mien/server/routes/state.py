"""Whether the service serves, and for whom."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from mien.server.documents import AuditLog, Health, KeyRecord
from mien.server.galleries import Galleries
from mien.server.routes.keys import record
from mien.server.routes.parts import PROBLEMS, Admin, Reader, galleries, work
from mien.server.work import Work

__all__ = ["router"]

router = APIRouter(tags=["service"])


@router.get("/health")
def health(queue: Annotated[Work, Depends(work)]) -> Health:
    """Whether the process answers; needs no key."""
    return Health(status="ok", waiting=queue.waiting)


@router.get("/ready", responses={503: PROBLEMS[503]})
def ready(queue: Annotated[Work, Depends(work)], opened: Annotated[Galleries, Depends(galleries)]) -> Health:
    """Whether the gallery can be read; needs no key."""
    _ = opened.main.revision
    return Health(status="ok", waiting=queue.waiting)


@router.get("/me", responses={401: PROBLEMS[401]})
def me(key: Reader) -> KeyRecord:
    """The key that asks."""
    return record(key)


@router.get("/audit", responses={status: PROBLEMS[status] for status in (401, 403, 503)})
def audit(_: Admin, opened: Annotated[Galleries, Depends(galleries)]) -> AuditLog:
    """The log of who was erased, and whether it is sound."""
    entries = [entry.to_dict() for entry in opened.main.audit()]
    return AuditLog(entries=entries, report=opened.main.verify_audit().to_dict())
