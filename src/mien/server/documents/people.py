"""People."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mien.server.documents.base import Document

__all__ = ["Enrolled", "Erased", "PeoplePage", "PersonChange", "PersonRecord", "RefusedImage"]


class PersonRecord(Document):
    """A person; see `mien.gallery.Person`."""

    person_id: str
    label: str
    samples: int
    purpose: str
    given: str
    expires: str
    expired: bool
    created: str


class PeoplePage(Document):
    """Some people, in the order of enrolment."""

    people: list[PersonRecord]
    next: str | None
    revision: int


class PersonChange(Document):
    """What to change about a person."""

    label: str = Field(min_length=1, max_length=200)


class RefusedImage(Document):
    """An image that was not enrolled, and why."""

    source: str
    reasons: list[str]
    message: str


class Enrolled(Document):
    """What an enrolment did: partial success is usual."""

    person_id: str | None
    label: str
    added: list[str]
    already: list[str]
    refused: list[RefusedImage]
    checked: bool


class Erased(Document):
    """What an erasure did."""

    person_id: str
    samples: int
    level: str
    entry: dict[str, Any]
    proof: dict[str, Any] | None
    elsewhere: list[str]
