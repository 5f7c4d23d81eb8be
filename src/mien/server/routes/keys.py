"""API keys."""

from __future__ import annotations

import datetime as dt

from fastapi import APIRouter

from mien.server.access import ApiKey, Role
from mien.server.documents.keys import KeyIssued, KeyRecord, Keys, NewKey
from mien.server.envelope import Refused, not_found
from mien.server.routes.parts import PROBLEMS, Admin, Serving

__all__ = ["record", "router"]

router = APIRouter(
    prefix="/keys", tags=["keys"], responses={status: PROBLEMS[status] for status in (401, 403, 404, 409, 422, 503)}
)


@router.get("")
def list_keys(_: Admin, service: Serving) -> Keys:
    """Every key, without its secret."""
    return Keys(keys=[record(key) for key in service.access.every_key()])


@router.post("", status_code=201)
def issue_key(_: Admin, new: NewKey, service: Serving) -> KeyIssued:
    """Make a key; its secret is shown this once."""
    expires = None if new.expires is None else new.expires.astimezone(dt.UTC).replace(microsecond=0)
    key, secret = service.access.issue(new.name, Role[new.role], tuple(new.collections), expires)
    return KeyIssued(secret=secret, **record(key).model_dump())


@router.delete("/{key_id}", status_code=204)
def revoke_key(key_id: str, own: Admin, service: Serving) -> None:
    """Refuse a key from now on; nobody can revoke the key that asks."""
    if key_id == own.key_id:
        raise Refused(409, "own_key", "a key cannot revoke itself; use another admin's")
    if not service.access.revoke(key_id):
        raise not_found(f"key {key_id}")


def record(key: ApiKey) -> KeyRecord:
    """A key as JSON."""
    return KeyRecord(
        key_id=key.key_id,
        name=key.name,
        role=key.role.name,
        collections=list(key.collections),
        created=key.created.isoformat(),
        expires=key.expires.isoformat() if key.expires else None,
    )
