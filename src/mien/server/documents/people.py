"""People and their samples."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mien.server.documents.base import Day, Document, Id, Label, Purpose

__all__ = [
    "Consent",
    "Enrolled",
    "Erased",
    "Merge",
    "Move",
    "PeoplePage",
    "PersonChange",
    "PersonRecord",
    "RefusedImage",
    "Rejection",
    "SampleRecord",
    "Samples",
    "Split",
]


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
    next: str | None = Field(description="where the next page begins: its `after`; null after the last")
    revision: int


class PersonChange(Document):
    """What to change about a person."""

    label: Label


class Consent(Document):
    """What a person said, in place of what they said before."""

    purpose: Purpose
    until: Day | None = None


class Merge(Document):
    """Who turned out to be the same person; they are gone afterwards."""

    person_id: Id
    force: bool = Field(default=False, description="also where they were said to be two, or appear in one photo")


class Split(Document):
    """Samples that are somebody else's."""

    samples: list[Id] = Field(min_length=1, max_length=1000)
    label: Label | None = Field(default=None, description="of the new person; null for the old one's with a number")


class Move(Document):
    """Whose face it is."""

    person_id: Id


class Rejection(Document):
    """Whose face it is not: a person's, or that of the others in a suggestion."""

    person_id: Id | None = None
    suggestion_id: str | None = Field(default=None, pattern="^[0-9a-f]{8}$")


class SampleRecord(Document):
    """A sample of a person, or an unnamed face; see `mien.gallery.FaceRecord`."""

    face_id: str
    person_id: str | None
    source: str
    sha256: str
    box: dict[str, float] | None = Field(description="left, top, right, bottom in pixels of the image it came from")
    quality: float | None = Field(description="0 (useless) to 100")
    created: str
    crop: bool = Field(description="whether a picture of it is kept")


class Samples(Document):
    """The samples of a person, the first enrolled first."""

    person_id: str
    samples: list[SampleRecord]


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
    elsewhere: list[str] = Field(description="other collections with the same images, of those that the key may see")
