"""Records of a store: `Person`, `Enrolment`, `Refusal`."""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass
from typing import Any

from mien.errors import Detail, InvalidArgument

__all__ = [
    "NOT_RECORDED",
    "Enrolment",
    "Person",
    "Refusal",
    "now",
    "parse_label",
    "parse_purpose",
    "parse_until",
    "today",
]

NOT_RECORDED = "not recorded"
"""What is shown where nobody said what a person's face is kept for."""

MAX_LABEL = 200


@dataclass(frozen=True, slots=True)
class Person:
    """A known person and what they consented to.

    Attributes:
        person_id: Key of the person, 32 hexadecimal digits; never reused.
        label: What people call them; need not be unique.
        samples: How many face samples they are enrolled with.
        purpose: What their face is kept for, None where nobody said.
        given: When the consent was recorded (UTC), None where it was not.
        expires: Last day (UTC) on which they are identified, None for no end.
        created: When they were first enrolled (UTC).
    """

    person_id: str
    label: str
    samples: int
    purpose: str | None
    given: dt.datetime | None
    expires: dt.date | None
    created: dt.datetime

    @property
    def expired(self) -> bool:
        """Whether the last day of the consent is past: the person is kept, but no longer identified."""
        return self.expires is not None and self.expires < today()

    def to_dict(self) -> dict[str, Detail]:
        """The person as JSON; what was not said is shown as ``"not recorded"``."""
        return {
            "person_id": self.person_id,
            "label": self.label,
            "samples": self.samples,
            "purpose": self.purpose or NOT_RECORDED,
            "given": self.given.isoformat() if self.given else NOT_RECORDED,
            "expires": self.expires.isoformat() if self.expires else NOT_RECORDED,
            "expired": self.expired,
            "created": self.created.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Refusal:
    """An image that was not enrolled, and why.

    Attributes:
        source: Name of the image, as in messages.
        reasons: Every reason found: ``"no_face"``, ``"several_faces"``, ``"blurred"``, ``"does_not_match_person"``...
        message: The same for people: what was found and what to do.
    """

    source: str
    reasons: tuple[str, ...]
    message: str = ""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What one call of `mien.Gallery.enroll` did.

    Attributes:
        person_id: The person, None where nothing usable remained and nobody was created.
        label: Their label.
        added: Names of the images that became samples.
        already: Names of the images whose very content was a sample of this person before.
        refused: The other images, each with its reasons.
        checked: Whether the faces were compared with each other and with everybody else at a stated error rate; False
            where no calibration fits the pipeline.
    """

    person_id: str | None
    label: str
    added: tuple[str, ...]
    already: tuple[str, ...]
    refused: tuple[Refusal, ...]
    checked: bool

    def to_dict(self) -> dict[str, Detail]:
        """The enrolment as JSON."""
        return {
            "person_id": self.person_id,
            "label": self.label,
            "added": list(self.added),
            "already": list(self.already),
            "refused": [{"source": r.source, "reasons": list(r.reasons), "message": r.message} for r in self.refused],
            "checked": self.checked,
        }

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Enrolment:
        """What `to_dict` made."""
        refused = tuple(Refusal(r["source"], tuple(r["reasons"]), r["message"]) for r in fields["refused"])
        return cls(
            fields["person_id"],
            fields["label"],
            tuple(fields["added"]),
            tuple(fields["already"]),
            refused,
            checked=fields["checked"],
        )


def now() -> dt.datetime:
    """This second, in UTC."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def today() -> dt.date:
    """This day, in UTC."""
    return now().date()


def parse_label(label: object) -> str:
    """A label as it is stored: composed (NFC), so that one typed and one read from a macOS folder are the same.

    Raises:
        InvalidArgument: Not a text, empty, longer than 200 characters, or with control characters.
    """
    if not isinstance(label, str):
        raise InvalidArgument(f"label: expected a text, got {type(label).__name__}")
    text = unicodedata.normalize("NFC", label).strip()
    if not text or len(text) > MAX_LABEL:
        raise InvalidArgument(f"label: expected 1 to {MAX_LABEL} characters, got {len(text)}")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise InvalidArgument(f"label: expected printable characters, got {label!a}")
    return text


def parse_purpose(purpose: object) -> str | None:
    """A purpose as it is stored, None where none is given.

    Raises:
        InvalidArgument: Not a text, or one that cannot be stored.
    """
    if purpose is None:
        return None
    if not isinstance(purpose, str) or any(unicodedata.category(character) == "Cs" for character in purpose):
        raise InvalidArgument(f"purpose: expected a text, got {purpose!a}")
    return purpose.strip() or None


def parse_until(until: str | dt.date | None) -> dt.date | None:
    """The last day of a consent.

    Args:
        until: A day (UTC), as ``datetime.date`` or ``"2027-01-01"``; None for no end.

    Raises:
        InvalidArgument: No day, or a day that is past.
    """
    if until is None:
        return None
    day = until
    if isinstance(day, str):
        try:
            day = dt.date.fromisoformat(day)
        except ValueError:
            raise InvalidArgument(f"until: expected a day such as 2027-01-01, got {until!r}") from None
    if not isinstance(day, dt.date) or isinstance(day, dt.datetime):
        raise InvalidArgument(f"until: expected a day such as 2027-01-01, got {until!r}")
    if day < today():
        raise InvalidArgument(f"until: expected today or a later day, got {day}, which is past", until=day.isoformat())
    return day
