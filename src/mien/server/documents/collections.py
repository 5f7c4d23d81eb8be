"""Collections."""

from __future__ import annotations

from pydantic import Field

from mien.server.documents.base import Document

__all__ = ["CollectionRecord", "Collections", "NewCollection"]


class NewCollection(Document):
    """A collection to be made, or to be changed."""

    name: str = Field(min_length=1, max_length=200)
    consent_required: bool = True


class CollectionRecord(Document):
    """A collection."""

    name: str
    consent_required: bool
    people: int
    space: str | None
    revision: int


class Collections(Document):
    """Those that the key may see."""

    collections: list[CollectionRecord]
