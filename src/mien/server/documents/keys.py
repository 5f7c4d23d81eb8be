"""API keys."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from mien.server.access import FASTEST, Scope
from mien.server.documents.base import Document, Label

__all__ = ["KeyIssued", "KeyRecord", "Keys", "NewKey"]


class NewKey(Document):
    """A key to be made."""

    name: Label
    role: str = Field(pattern="^(reader|operator|admin)$")
    collections: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default=["*"], min_length=1, max_length=100
    )
    expires: dt.datetime | None = None
    scopes: list[Scope] = Field(
        default=[], max_length=10, description="what of the role the key has; empty for all of it"
    )
    rate: int | None = Field(
        default=None, ge=1, le=FASTEST, description="requests a minute; null for as many as the service's `--rate`"
    )


class KeyRecord(Document):
    """A key, without its secret."""

    key_id: str
    name: str
    role: str
    collections: list[str]
    created: str
    expires: str | None
    scopes: list[str]
    rate: int | None = Field(description="requests a minute; null for as many as the service's `--rate`")


class KeyIssued(KeyRecord):
    """A new key; its secret is shown this once."""

    secret: str


class Keys(Document):
    """Those that may do nothing that the asking key may not."""

    keys: list[KeyRecord]
