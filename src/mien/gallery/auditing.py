"""`Auditing`: what is read of the audit log, and what accesses are noted in it."""

from __future__ import annotations

from collections.abc import Collection as AbstractCollection
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from mien.errors import InvalidArgument
from mien.gallery import audit
from mien.gallery.collection import Collection
from mien.gallery.together import Together

if TYPE_CHECKING:
    from mien.gallery.audit import AuditEntry, AuditReport

__all__ = ["Access", "Auditing"]


@dataclass(frozen=True, slots=True)
class Access:
    """Who looked at faces; see `Auditing.note_access`.

    Attributes:
        action: What was done.
        actor: Who did it.
        person_ids: Whom it concerned.
        of_store: Whether it concerned no collection.
        details: Counts.
    """

    action: str
    actor: str
    person_ids: frozenset[str] = frozenset()
    of_store: bool = False
    details: Mapping[str, int] = field(default_factory=dict)


class Auditing(Collection):
    """The audit log of the store."""

    def audit(self, after: int = 0, limit: int | None = None) -> list[AuditEntry]:
        """The audit log of the store, oldest line first.

        Args:
            after: Sequence of the last line that is known already.
            limit: How many lines at most; None for all of them.

        Raises:
            InvalidArgument: A number below zero.
        """
        if after < 0 or (limit is not None and limit < 0):
            raise InvalidArgument(f"after, limit: expected numbers from 0 on, got {after} and {limit}")
        with self._store.reading(self.collection) as transaction:
            return [*audit.read(transaction, after, limit)]

    def audit_entries(self) -> Iterator[AuditEntry]:
        """Every line of the audit log of the store, oldest first, without holding all of them.

        What is appended meanwhile comes too; nothing is kept waiting for whoever reads slowly.
        """
        place: int | None = None
        while True:
            with self._store.reading(self.collection) as transaction:
                lines, place = audit.page(transaction, place)
            if not lines:
                return
            yield from lines

    def last_entry(self) -> AuditEntry | None:
        """The last line of the audit log of the store; None of an empty one."""
        with self._store.reading(self.collection) as transaction:
            return audit.last(transaction)

    def verify_audit(self, public_key: str | None = None) -> AuditReport:
        """Check that no line of the audit log was changed, left out or put in.

        Args:
            public_key: 64 hexadecimal digits; None for that of this user's own key.

        Raises:
            InvalidArgument: No such key.
        """
        key = public_key or audit.public_key() or "0" * 64
        with self._store.reading(self.collection) as transaction:
            return audit.verify(audit.read(transaction), key)

    @property
    def public_key(self) -> str | None:
        """What signatures of new lines are checked with, 64 hexadecimal digits; None where they are not signed."""
        return audit.public_key()

    def acting(self, actor: str) -> AbstractContextManager[None]:
        """Let what this thread changes within the context be noted in the audit log, with who did it.

        A line belongs to the transaction of its change: there is neither without the other. Without this, only
        erasures are noted.

        Args:
            actor: As in `note_access`.

        Examples:
            >>> with gallery.acting("key 1f0c9a2e"):  # doctest: +SKIP
            ...     gallery.merge("Ada", "Ada Lovelace")
        """
        return audit.acting(actor)

    def note_access(
        self,
        action: str,
        actor: str,
        person_ids: AbstractCollection[str] = (),
        *,
        of_store: bool = False,
        **details: int,
    ) -> list[AuditEntry]:
        """Note who looked at faces, for services: a library cannot know who uses it.

        Args:
            action: What was done, such as ``"identify"``.
            actor: Who did it, by a name that is no personal data, such as the public part of an API key.
            person_ids: Whom it concerned, each a line of their own; nobody in particular where there are none.
            of_store: It concerned no collection: faces were compared with nobody who is kept.
            details: Counts, such as ``faces=2``.

        Returns:
            The lines, on the disk when the call returns.

        Raises:
            StoreError: The store failed; nothing was noted, and nothing should be answered.
        """
        return self.note_accesses([Access(action, actor, frozenset(person_ids), of_store=of_store, details=details)])[0]

    def note_accesses(self, accesses: Sequence[Access]) -> list[list[AuditEntry]]:
        """As `note_access`, of several: all of them, or none.

        Returns:
            The lines of each.

        Raises:
            StoreError: As in `note_access`.
        """
        return self._noting(accesses)

    @cached_property
    def _noting(self) -> Together[Sequence[Access], list[list[AuditEntry]]]:
        """Accesses noted at the same time are on the disk with one commit, which takes longer than all their lines."""

        def note(asked: Sequence[Sequence[Access]]) -> list[list[list[AuditEntry]]]:
            with self._store.writing(self.collection) as transaction:
                chain = audit.Chain(transaction)
                return [[_noted(chain, access) for access in accesses] for accesses in asked]

        return Together(note)


def _noted(chain: audit.Chain, access: Access) -> list[AuditEntry]:
    subjects: list[str | None] = [*sorted(access.person_ids)] or [None]
    return [
        chain.append(access.action, None, person_id=one, actor=access.actor, of_store=access.of_store, **access.details)
        for one in subjects
    ]
