"""`Editing`: people are looked up, renamed, merged and split; samples change hands; all of it can be undone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mien.errors import InvalidArgument, LinkConflict, NothingToUndo
from mien.gallery import audit, outcomes
from mien.gallery.collection import Collection
from mien.gallery.people import Person, parse_label, parse_purpose, parse_until
from mien.gallery.records import Edit, FaceRecord
from mien.gallery.resolve import face, one, sample_of
from mien.gallery.store import SAME_FACE, Transaction

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Editing"]


class Editing(Collection):
    """Edits of people and of their samples."""

    def people(self) -> list[Person]:
        """Everybody, by label, those whose consent has expired among them."""
        with self._store.reading(self.collection) as transaction:
            return transaction.people()

    def person(self, person: str) -> Person:
        """One person.

        Args:
            person: A person_id, or a label that one person alone bears.

        Raises:
            UnknownPerson: Nobody of that id or label.
            AmbiguousPerson: Several people bear the label.
        """
        with self._store.reading(self.collection) as transaction:
            return one(transaction, person)

    def samples(self, person: str) -> list[FaceRecord]:
        """The samples of a person, the first enrolled first; errors as in `person`."""
        with self._store.reading(self.collection) as transaction:
            return transaction.samples(one(transaction, person).person_id)

    def face(self, face_id: str) -> FaceRecord:
        """A face, a sample or an unnamed one, by its key or the first digits of it.

        Raises:
            UnknownFace: No face, or several, of that key.
        """
        with self._store.reading(self.collection) as transaction:
            return face(transaction, face_id)

    def rename(self, person: str, label: str) -> Person:
        """Give a person another label; the id stays. Errors as in `person`; returns the person as they are now."""
        label = parse_label(label)
        with self._store.writing(self.collection) as transaction:
            found = one(transaction, person)
            transaction.begin_edit("rename", f"{found.label} renamed {label}", [found.person_id])
            transaction.rename(found.person_id, label)
            audit.note(transaction, "rename", [found.person_id])
        return dataclasses.replace(found, label=label)

    def consent(self, person: str, purpose: str, *, until: str | dt.date | None = None) -> Person:
        """Record a consent given now, in place of an earlier one.

        This is what the person said, and no edit: an undo does not take it back.

        Args:
            person: A person_id, or a label that one person alone bears.
            purpose: What their face is kept for.
            until: Last day (UTC) on which they are identified, after which they are erased; None for no end.

        Returns:
            The person as they are now.

        Raises:
            InvalidArgument: No purpose, or a day that is past; to end a consent today, erase the person.
            UnknownPerson: Nobody of that id or label.
            AmbiguousPerson: Several people bear the label.
        """
        said, expires = parse_purpose(purpose), parse_until(until)
        if said is None:
            raise InvalidArgument("consent: expected the purpose that the person agreed to, got none")
        with self._store.writing(self.collection) as transaction:
            found = one(transaction, person)
            transaction.consent(found.person_id, said, expires)
            audit.note(transaction, "consent", [found.person_id])
            return one(transaction, found.person_id)

    def merge(self, person: str, other: str, *, force: bool = False) -> Person:
        """Give a person the samples of another, who is removed; id, label and consent of the first stay.

        Of a face that both have from one image, one sample is kept; an undo makes two of it again.

        Args:
            person: A person_id, or a label that one person alone bears.
            other: The person who turned out to be the same.
            force: Merge people who were said to be two: two faces of one photo (a mirror, a photo of a photo), of
                which the other's becomes unnamed, and faces that were rejected before.

        Returns:
            The person as they are now.

        Raises:
            InvalidArgument: Both are one person already.
            LinkConflict: They appear in one photo, or a sample of one was said not to be the other.
            UnknownPerson: Nobody of that id or label.
            AmbiguousPerson: Several people bear a label.
        """
        with self._store.writing(self.collection) as transaction:
            outcomes.check(transaction)
            kept, removed = one(transaction, person), one(transaction, other)
            if kept.person_id == removed.person_id:
                raise InvalidArgument(f"merge: expected two people, got {kept.label} ({kept.person_id}) twice")
            people = [kept.person_id, removed.person_id]
            transaction.begin_edit("merge", f"{removed.label} merged into {kept.label}", people)
            _reconcile(transaction, kept, removed, force=force)
            transaction.assign([s.face_id for s in transaction.samples(removed.person_id)], kept.person_id)
            transaction.inherit_links(removed.person_id, kept.person_id)
            transaction.remove(removed.person_id)
            audit.note(transaction, "merge", people)
            merged = outcomes.keep(transaction, one(transaction, kept.person_id))
        # Samples that both had are dropped: their bytes have to go as in an erasure.
        self._purge()
        return merged

    def split(self, person: str, samples: Iterable[str], label: str | None = None) -> Person:
        """Make somebody new of some of a person's samples, who are from then on known not to be that person.

        Args:
            person: A person_id, or a label that one person alone bears.
            samples: Keys of the samples that are somebody else's (see `samples`), or their first digits.
            label: What to call them; None for the person's label with a number.

        Returns:
            The new person, with the purpose and the last day of the first one, whose consent is not theirs: it is not
            recorded as given.

        Raises:
            InvalidArgument: No sample, or every sample of the person.
            UnknownFace: No sample of the person has that key.
            UnknownPerson: Nobody of that id or label.
            AmbiguousPerson: Several people bear the label.
        """
        label = None if label is None else parse_label(label)
        with self._store.writing(self.collection) as transaction:
            outcomes.check(transaction)
            found = one(transaction, person)
            moved = list(dict.fromkeys(sample_of(transaction, key, found) for key in samples))
            if not 0 < len(moved) < found.samples:
                raise InvalidArgument(
                    f"split: expected some but not all of the {found.samples} samples of {found.label}, "
                    f"got {len(moved)}; to change a label, rename"
                )
            label = label or _numbered(transaction, found.label)
            transaction.begin_edit("split", f"{_faces(moved)} of {found.label} split off as {label}", [found.person_id])
            new = transaction.add_person(label)
            transaction.concern([new])
            transaction.limit(new, found.purpose, found.expires)
            transaction.assign(moved, new)
            for face_id in moved:
                transaction.forbid(face_id, person_id=found.person_id)
            audit.note(transaction, "split", [found.person_id, new], samples=len(moved))
            return outcomes.keep(transaction, one(transaction, new))

    def move(self, sample: str, person: str) -> Person:
        """Give a face to a person by hand, whoever had it; it is known not to be the one who had it.

        Takes back what was said against it. What an unnamed face would make of a person, `name` asks consent for; here
        the person exists and consented.

        Args:
            sample: Key of a face, or its first digits.
            person: A person_id, or a label that one person alone bears.

        Returns:
            The person as they are now.

        Raises:
            InvalidArgument: The sample is the person's already, or their consent has expired.
            LinkConflict: The person has another face of the same photo.
            UnknownFace: No face of that key.
            UnknownPerson: Nobody of that id or label.
            AmbiguousPerson: Several people bear the label.
        """
        with self._store.writing(self.collection) as transaction:
            outcomes.check(transaction)
            found, into = face(transaction, sample), one(transaction, person)
            _check_move(transaction, found, into)
            people = [into.person_id, *([found.person_id] if found.person_id else [])]
            transaction.begin_edit("move", f"1 face given to {into.label}", people)
            transaction.allow([found.face_id], into.person_id)
            transaction.assign([found.face_id], into.person_id)
            if found.person_id:
                transaction.forbid(found.face_id, person_id=found.person_id)
            audit.note(transaction, "move", people)
            return outcomes.keep(transaction, one(transaction, into.person_id))

    def reject(self, face_id: str, person: str) -> FaceRecord:
        """Note that a face is "not this person"; it will not be suggested as theirs again.

        A sample of the person becomes unnamed, and an unnamed face leaves its suggestion, to be suggested as somebody
        else from the next `suggest` on. The person stays, even without a sample, when nothing can identify them.

        Args:
            face_id: Key of a face, or its first digits.
            person: A person_id or label, or a suggestion_id: the face is then none of the other faces' person.

        Returns:
            The face as it is now.

        Raises:
            UnknownFace: No face of that key.
            UnknownPerson: Nobody, and no suggestion, of that id or label.
            AmbiguousPerson: Several people bear the label.
        """
        with self._store.writing(self.collection) as transaction:
            found = face(transaction, face_id)
            others = transaction.unnamed_faces(person).get(person, [])
            audit.note(transaction, "reject", [found.person_id])
            if others:
                transaction.begin_edit("reject", f"1 face is not of suggestion {person}", [])
                if found.person_id is None:
                    transaction.assign([found.face_id], None)
                for other in others:
                    if other.face_id != found.face_id:
                        transaction.forbid(found.face_id, other_id=other.face_id)
                return found
            wrong = one(transaction, person)
            transaction.begin_edit("reject", f"1 face is not {wrong.label}", [wrong.person_id])
            if found.person_id in {None, wrong.person_id}:
                transaction.assign([found.face_id], None)
            transaction.forbid(found.face_id, person_id=wrong.person_id)
            return face(transaction, found.face_id)

    def edits(self) -> list[Edit]:
        """What was done by hand and can be undone, newest first; at most the last 1000 edits."""
        with self._store.reading(self.collection) as transaction:
            return transaction.edits()

    def undo(self, edit_id: int | None = None) -> Edit:
        """Undo the last edit that was not undone yet, whoever made it: rename, name, merge, split, move or reject.

        What came by other ways meanwhile stays, such as samples enrolled since. An erasure cannot be undone, and takes
        the edits about the person with it; of an edit whose unnamed faces were forgotten, the rest is undone.

        Args:
            edit_id: The edit that is meant, so that nothing is undone that was done since; None for whichever is last.

        Returns:
            The edit that was undone.

        Raises:
            NothingToUndo: No edit is left, or none of that key.
            LinkConflict: The edit is not the last one.
        """
        with self._store.writing(self.collection) as transaction:
            edits = transaction.edits()
            if not edits:
                raise NothingToUndo("undo: expected an edit to undo, there is none left")
            if edit_id is not None and edit_id not in {edit.edit_id for edit in edits}:
                raise NothingToUndo(f"undo: no edit of the key {edit_id} can be undone; see the list of edits")
            if edit_id not in {None, edits[0].edit_id}:
                raise LinkConflict(
                    f"undo: edit {edit_id} is not the last one; undo {edits[0].edit_id} first", last=edits[0].edit_id
                )
            transaction.undo(edits[0])
            audit.note(transaction, "undo")
        return edits[0]


def _reconcile(transaction: Transaction, kept: Person, removed: Person, *, force: bool) -> None:
    """Take away what keeps two people apart: the same face twice, two faces of one photo, and what was said before."""
    for mine, theirs in transaction.shared_contents(kept.person_id, removed.person_id):
        if float(transaction.template(mine) @ transaction.template(theirs)) >= SAME_FACE:
            transaction.drop_twin(theirs, mine)
        elif force:
            transaction.assign([theirs], None)
        else:
            raise LinkConflict(
                f"merge: {kept.label} and {removed.label} appear in one photo, so they are two people; force the merge "
                "if one of the faces is a mirror or a picture",
                faces=[mine, theirs],
            )
    for person, samples in ((kept, removed), (removed, kept)):
        said = transaction.forbidden([s.face_id for s in transaction.samples(samples.person_id)], person.person_id)
        if said and not force:
            message = f"merge: {_faces(said)} of {samples.label} were said not to be {person.label}; force the merge"
            raise LinkConflict(message, faces=[*said])
        transaction.allow(said, person.person_id)


def _check_move(transaction: Transaction, moved: FaceRecord, into: Person) -> None:
    if moved.person_id == into.person_id:
        raise InvalidArgument(f"move: expected a face of somebody else, got one of {into.label}")
    if into.expired:
        raise InvalidArgument(f"the consent of {into.label} ({into.person_id}) ended on {into.expires}: renew it first")
    if into.person_id in transaction.owners(moved.sha256):
        message = f"move: {into.label} has a face of the same photo already, and nobody is twice in one photo"
        raise LinkConflict(message, faces=[moved.face_id])


def _numbered(transaction: Transaction, label: str) -> str:
    number = 2
    while transaction.by_label(f"{label} ({number})"):
        number += 1
    return parse_label(f"{label} ({number})")


def _faces(keys: list[str]) -> str:
    return "1 face" if len(keys) == 1 else f"{len(keys)} faces"
