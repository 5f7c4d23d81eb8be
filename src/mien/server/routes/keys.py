"""API keys."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Path

from mien.server.access import ApiKey, Role, named
from mien.server.documents.keys import KeyIssued, KeyRecord, Keys, NewKey
from mien.server.envelope import Refused, not_found
from mien.server.routes.changing import RequestKey
from mien.server.routes.parts import Admin, Serving, problems

__all__ = ["record", "router"]

router = APIRouter(prefix="/keys", tags=["keys"], responses=problems())


@router.get("")
def list_keys(own: Admin, service: Serving) -> Keys:
    """Keys without their secrets: those that may do nothing that the asking key may not."""
    return Keys(keys=[record(key) for key in service.access.every_key() if own.covers(key)])


@router.post("", status_code=201, responses=problems(400, 409))
def issue_key(own: Admin, new: NewKey, service: Serving, request: RequestKey) -> KeyIssued:
    """Make a key that may do no more than the asking one; its secret is shown this once.

    An `Idempotency-Key` that is sent again makes no second key: 409, since nobody can show the first one's secret.
    """
    expires = None if new.expires is None else _utc(new.expires)
    wanted = ApiKey(
        "", new.name, Role[new.role], named(new.collections), dt.datetime.now(dt.UTC), None, tuple(new.scopes)
    )
    if not own.covers(wanted):
        raise Refused(403, "forbidden", "expected collections, a role and scopes that the asking key has itself")
    if own.rate is not None and (new.rate is None or new.rate > own.rate):
        message = f"rate: expected at most {own.rate} requests a minute, as the asking key has itself"
        raise Refused(403, "forbidden", message)
    key, secret = service.access.issue(
        new.name, wanted.role, wanted.collections, expires, wanted.scopes, request=request, rate=new.rate
    )
    return KeyIssued(secret=secret, **record(key).model_dump())


@router.delete("/{key_id}", status_code=204, responses=problems(404, 409))
def revoke_key(key_id: Annotated[str, Path(pattern="^[0-9a-f]{8}$")], own: Admin, service: Serving) -> None:
    """Refuse a key from now on; nobody can revoke the key that asks."""
    if key_id == own.key_id:
        raise Refused(409, "own_key", "a key cannot revoke itself; use another admin's")
    key = service.access.key(key_id, expired=True)
    if key is None or not own.covers(key) or not service.access.revoke(key_id, own.key_id):
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
        scopes=[*key.scopes],
        rate=key.rate,
    )


def _utc(time: dt.datetime) -> dt.datetime:
    """A time in UTC, to the second; one without a zone is meant so."""
    aware = time if time.tzinfo else time.replace(tzinfo=dt.UTC)
    try:
        return aware.astimezone(dt.UTC).replace(microsecond=0)
    except OverflowError:
        message = f"expires: expected a time that every zone has, got {time.isoformat()}"
        raise Refused(422, "invalid_argument", message) from None
