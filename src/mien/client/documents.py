"""What the service answers; written by ``make docs`` from its OpenAPI document, and compared with it by a test."""

from __future__ import annotations

from typing import Any, TypedDict

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
    "PeoplePage",
    "PersonRecord",
    "RefusedImage",
]


class AuditLog(TypedDict):
    """Who was erased, without saying who."""

    entries: list[dict[str, Any]]
    report: dict[str, Any]


class CollectionRecord(TypedDict):
    """A collection."""

    name: str
    consent_required: bool
    people: int
    space: str | None
    revision: int


class Collections(TypedDict):
    """Those that the key may see."""

    collections: list[CollectionRecord]


class Comparison(TypedDict):
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


class Enrolled(TypedDict):
    """What an enrolment did: partial success is usual."""

    person_id: str | None
    label: str
    added: list[str]
    already: list[str]
    refused: list[RefusedImage]
    checked: bool


class Erased(TypedDict):
    """What an erasure did."""

    person_id: str
    samples: int
    level: str
    entry: dict[str, Any]
    proof: dict[str, Any] | None
    elsewhere: list[str]


class FacesFound(TypedDict):
    """The faces of an image: a `mien.faces/1` document."""

    schema: str
    source: str
    image: dict[str, int]
    space: str | None
    faces: list[dict[str, Any]]


class Health(TypedDict):
    """Whether the service serves.

    Attributes:
        waiting: requests that wait for the models, or have them
    """

    status: str
    waiting: int


class KeyIssued(TypedDict):
    """A new key; its secret is shown this once."""

    key_id: str
    name: str
    role: str
    collections: list[str]
    created: str
    expires: str | None
    secret: str


class KeyRecord(TypedDict):
    """A key, without its secret."""

    key_id: str
    name: str
    role: str
    collections: list[str]
    created: str
    expires: str | None


class Keys(TypedDict):
    """Every key."""

    keys: list[KeyRecord]


class PeoplePage(TypedDict):
    """Some people, in the order of enrolment."""

    people: list[PersonRecord]
    next: str | None
    revision: int


class PersonRecord(TypedDict):
    """A person; see `mien.gallery.Person`."""

    person_id: str
    label: str
    samples: int
    purpose: str
    given: str
    expires: str
    expired: bool
    created: str


class RefusedImage(TypedDict):
    """An image that was not enrolled, and why."""

    source: str
    reasons: list[str]
    message: str
