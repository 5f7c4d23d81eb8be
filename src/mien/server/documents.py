"""What the service answers, as JSON; fields that a `mien.faces/1` document has mean the same here."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "AuditLog",
    "CollectionRecord",
    "Collections",
    "Comparison",
    "Enrolled",
    "Erased",
    "FacesFound",
    "Health",
    "KeyIssued",
    "KeyRecord",
    "Keys",
    "NewCollection",
    "NewKey",
    "PeoplePage",
    "PersonChange",
    "PersonRecord",
    "Problem",
]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Fault(_Document):
    """What went wrong."""

    code: str
    message: str
    details: Any


class Problem(_Document):
    """The envelope of every answer that is no success."""

    error: Fault
    request_id: str


class Health(_Document):
    """Whether the service serves."""

    status: str
    waiting: int = Field(description="requests that wait for the models, or have them")


class NewKey(_Document):
    """A key to be made."""

    name: str = Field(min_length=1, max_length=200)
    role: str = Field(pattern="^(reader|operator|admin)$")
    collections: list[str] = Field(default=["*"], min_length=1, max_length=100)
    expires: dt.datetime | None = None


class KeyRecord(_Document):
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


class Keys(_Document):
    """Every key."""

    keys: list[KeyRecord]


class NewCollection(_Document):
    """A collection to be made, or to be changed."""

    name: str = Field(min_length=1, max_length=200)
    consent_required: bool = True


class CollectionRecord(_Document):
    """A collection."""

    name: str
    consent_required: bool
    people: int
    space: str | None
    revision: int


class Collections(_Document):
    """Those that the key may see."""

    collections: list[CollectionRecord]


class PersonRecord(_Document):
    """A person; see `mien.gallery.Person`."""

    person_id: str
    label: str
    samples: int
    purpose: str
    given: str
    expires: str
    expired: bool
    created: str


class PeoplePage(_Document):
    """Some people, in the order of enrolment."""

    people: list[PersonRecord]
    next: str | None
    revision: int


class PersonChange(_Document):
    """What to change about a person."""

    label: str = Field(min_length=1, max_length=200)


class RefusedImage(_Document):
    """An image that was not enrolled, and why."""

    source: str
    reasons: list[str]
    message: str


class Enrolled(_Document):
    """What an enrolment did: partial success is usual."""

    person_id: str | None
    label: str
    added: list[str]
    already: list[str]
    refused: list[RefusedImage]
    checked: bool


class Erased(_Document):
    """What an erasure did."""

    person_id: str
    samples: int
    level: str
    entry: dict[str, Any]
    proof: dict[str, Any] | None
    elsewhere: list[str]


class FacesFound(_Document):
    """The faces of an image: a `mien.faces/1` document."""

    document: str = Field(alias="schema")
    source: str
    image: dict[str, int]
    space: str | None
    faces: list[dict[str, Any]]


class Comparison(_Document):
    """Whether two images show one person."""

    match: bool
    person: dict[str, str] | None
    score: float | None
    threshold: float | None
    rate: float
    rate_kind: str
    interval: list[float | None]
    comparison: str
    llr: float | None
    reasons: list[str]
    candidates: list[dict[str, Any]]
    calibration: str | None


class AuditLog(_Document):
    """Who was erased, without saying who."""

    entries: list[dict[str, Any]]
    report: dict[str, Any]
