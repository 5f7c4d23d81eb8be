"""`Editing`: the people of a gallery are looked up, renamed, merged and erased."""

from __future__ import annotations

import dataclasses

from mien.errors import InvalidArgument
from mien.gallery.collection import Collection
from mien.gallery.people import Person, parse_label
from mien.gallery.resolve import one

__all__ = ["Editing"]


class Editing(Collection):
    """Edits of people."""

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

    def rename(self, person: str, label: str) -> Person:
        """Give a person another label; the id stays. Errors as in `person`; returns the person as they are now."""
        label = parse_label(label)
        with self._store.writing(self.collection) as transaction:
            found = one(transaction, person)
            transaction.rename(found.person_id, label)
        return dataclasses.replace(found, label=label)

    def merge(self, person: str, other: str) -> Person:
        """Give a person the samples of another, who is removed; id, label and consent of the first stay.

        Args:
            person: A person_id, or a label that one person alone bears.
            other: The person who turned out to be the same.

        Raises:
            InvalidArgument: Both are one person already.
            UnknownPerson: Nobody of that id or label.
            AmbiguousPerson: Several people bear a label.
        """
        with self._store.writing(self.collection) as transaction:
            kept, removed = one(transaction, person), one(transaction, other)
            if kept.person_id == removed.person_id:
                raise InvalidArgument(f"merge: expected two people, got {kept.label} ({kept.person_id}) twice")
            transaction.move_samples(removed.person_id, kept.person_id)
            transaction.remove(removed.person_id)
            merged = one(transaction, kept.person_id)
        # Samples that both had are dropped: their bytes have to go as in an erasure.
        self._store.purge()
        return merged

    def erase(self, person: str) -> Person:
        """Remove a person and every byte of their templates from all files of the store, for good.

        Args:
            person: A person_id, or a label that one person alone bears.

        Returns:
            The person as they were.

        Raises:
            UnknownPerson: Nobody of that id or label.
            AmbiguousPerson: Several people bear the label.
            StoreUnavailable: The person is removed, but another process kept reading, so that bytes are left in the
                log beside the file (``details["removed"]`` is True, ``details["purged"]`` False).
        """
        with self._store.writing(self.collection) as transaction:
            found = one(transaction, person)
            transaction.remove(found.person_id)
        self._store.purge()
        return found
