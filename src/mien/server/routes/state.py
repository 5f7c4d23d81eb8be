"""Whether the service serves, and for whom."""

from __future__ import annotations

from fastapi import APIRouter

from mien.server.documents.keys import KeyRecord
from mien.server.documents.service import AuditLog, Health
from mien.server.routes.keys import record
from mien.server.routes.parts import PROBLEMS, Admin, Reader, Serving

__all__ = ["router"]

router = APIRouter(tags=["service"])


@router.get("/health")
def health(service: Serving) -> Health:
    """Whether the process answers; needs no key."""
    return Health(status="ok", waiting=service.work.waiting)


@router.get("/ready", responses={503: PROBLEMS[503]})
def ready(service: Serving) -> Health:
    """Whether the gallery can be read; needs no key."""
    _ = service.galleries.main.revision
    return Health(status="ok", waiting=service.work.waiting)


@router.get("/me", responses={401: PROBLEMS[401]})
def me(key: Reader) -> KeyRecord:
    """The key that asks."""
    return record(key)


@router.get("/audit", responses={status: PROBLEMS[status] for status in (401, 403, 503)})
def audit(_: Admin, service: Serving) -> AuditLog:
    """The log of who was erased, and whether it is sound."""
    entries = [entry.to_dict() for entry in service.galleries.main.audit()]
    return AuditLog(entries=entries, report=service.galleries.main.verify_audit().to_dict())
