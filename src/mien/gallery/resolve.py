"""Who and what is meant: from an id or a label to a person, from the digits of a key to a face."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.errors import AmbiguousPerson, InvalidArgument, UnknownFace, UnknownPerson
from mien.gallery.people import Person, parse_label
from mien.gallery.records import FaceRecord
from mien.gallery.store import Transaction

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["enrollee", "face", "one", "sample_of"]

MIN_DIGITS = 6


def one(transaction: Transaction, person: str) -> Person:
    """The person of an id, or of a label that they alone bear; errors as in `mien.Gallery.person`."""
    label = parse_label(person)
    found = transaction.by_id(label)
    people = [found] if found else transaction.by_label(label)
    if not people:
        raise UnknownPerson(f"nobody of the id or label {person!r}; see the list of people", person=person)
    if len(people) > 1:
        raise _ambiguous(person, people)
    return people[0]


def _ambiguous(label: str, people: list[Person]) -> AmbiguousPerson:
    ids = [person.person_id for person in people]
    message = f"{len(people)} people bear the label {label!r}: give the person_id of one: {', '.join(ids)}"
    return AmbiguousPerson(message, label=label, person_ids=list(ids))


def enrollee(
    transaction: Transaction, label: str, new: bool, person_id: str | None, expires: dt.date | None
) -> Person | None:
    """Who is to get the samples, None for somebody new.

    Args:
        transaction: Where people are.
        label: As `mien.Gallery.enroll` was given it, like the others.
        new: See there.
        person_id: See there.
        expires: Last day of the consent that is about to be recorded.

    Raises:
        AmbiguousPerson: Several people bear the label.
        UnknownPerson: Nobody of that id.
        InvalidArgument: The id is that of another label, or the consent has expired and is not renewed.
    """
    if new:
        return None
    people = transaction.by_label(label) if person_id is None else [_one_by_id(transaction, person_id, label)]
    if len(people) > 1:
        raise _ambiguous(label, people)
    person = people[0] if people else None
    if person is not None and person.expired and expires is None:
        raise InvalidArgument(
            f"the consent of {person.label} ({person.person_id}) ended on {person.expires}: give until= to renew it",
            person_id=person.person_id,
        )
    return person


def _one_by_id(transaction: Transaction, person_id: str, label: str) -> Person:
    person = transaction.by_id(person_id)
    if person is None:
        raise UnknownPerson(f"nobody of the id {person_id!r}; see the list of people", person=person_id)
    if person.label != label:
        raise InvalidArgument(f"{person_id} is {person.label!r}, not {label!r}: rename them, or give the right id")
    return person


def face(transaction: Transaction, key: str) -> FaceRecord:
    """The face of a key, or of the first digits of one.

    Raises:
        UnknownFace: No face, or several, of that key.
    """
    text = str(key).strip().lower()
    # Fewer digits than these are a slip of the keyboard, and one day ambiguous.
    found = transaction.faces_like(text) if len(text) >= MIN_DIGITS and set(text) <= set("0123456789abcdef") else []
    if len(found) != 1:
        which = "several faces begin so" if found else "no face of that key"
        raise UnknownFace(f"{key!r}: {which}; expected a face_id, or at least its first {MIN_DIGITS} digits", face=key)
    return found[0]


def sample_of(transaction: Transaction, key: str, person: Person) -> str:
    """Key of a person's sample, from the key or its first digits.

    Raises:
        UnknownFace: No sample of the person.
    """
    found = face(transaction, key)
    if found.person_id != person.person_id:
        raise UnknownFace(f"{key!r} is no sample of {person.label}; see the list of their samples", face=key)
    return found.face_id
