"""The audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from mien.server.access import EVERY, ApiKey
from mien.server.documents.service import AuditLine, AuditPage, AuditVerification
from mien.server.envelope import Refused
from mien.server.routes.parts import Auditor, Serving, problems

__all__ = ["check_grant", "router"]

router = APIRouter(prefix="/audit", tags=["audit"], responses=problems())


@router.get("")
def audit(
    key: Auditor,
    service: Serving,
    after: Annotated[int, Query(ge=0, lt=2**31, description="sequence of the last line that is known")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> AuditPage:
    """Who did what, oldest line first, a page at a time: of all collections, since they are one chain."""
    check_grant(key)
    lines = service.galleries.main.audit(after, limit + 1)
    shown = lines[:limit]
    entries = [AuditLine.model_validate(line.to_dict()) for line in shown]
    return AuditPage(entries=entries, next=shown[-1].sequence if len(lines) > limit else None)


@router.get("/verification")
def verify_audit(key: Auditor, service: Serving) -> AuditVerification:
    """Whether no line was changed, left out or put in, by this service's own key; reads the whole log."""
    check_grant(key)
    gallery = service.galleries.main
    return AuditVerification.model_validate({**gallery.verify_audit().to_dict(), "public_key": gallery.public_key})


def check_grant(key: ApiKey) -> None:
    """Let nobody read the log who may not see every collection: its lines are of all of them.

    Raises:
        Refused: The key is granted some.
    """
    if EVERY not in key.collections:
        raise Refused(403, "forbidden", f"expected a key that is granted every collection ({EVERY})")
