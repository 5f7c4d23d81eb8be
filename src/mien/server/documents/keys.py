"""API keys."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from mien.server.documents.base import Document

__all__ = ["KeyIssued", "KeyRecord", "Keys", "NewKey"]


class NewKey(Document):
    """A key to be made."""

    name: str = Field(min_length=1, max_length=200)
    role: str = Field(pattern="^(reader|operator|admin)$")
    collections: list[str] = Field(default=["*"], min_length=1, max_length=100)
    expires: dt.datetime | None = None


class KeyRecord(Document):
    """A key, without its secret."""

    key_id: str
    name: str
    role: str
    collections: list[str]
    created: str
    expires: str | None


class KeyIssued(KeyRecord):
    """A new key; its secret is shown this once."""

    secret: str


class Keys(Document):
    """Every key."""

    keys: list[KeyRecord]
