"""`Administration`: what concerns the service as a whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from mien.client.documents import (
    AuditLine,
    AuditPage,
    AuditVerification,
    CollectionRecord,
    Collections,
    Health,
    KeyIssued,
    KeyRecord,
    Keys,
)
from mien.client.part import Part
from mien.client.transport import path_of

__all__ = ["Administration"]


class Administration(Part):
    """Health, keys, collections and the audit log; every method raises `mien.errors.ServiceError`."""

    def health(self) -> Health:
        """Whether the service runs."""
        answer: Health = self._transport.ask("GET", "/health")
        return answer

    def ready(self) -> Health:
        """Whether the service can serve."""
        answer: Health = self._transport.ask("GET", "/ready")
        return answer

    def me(self) -> KeyRecord:
        """The key that asks."""
        answer: KeyRecord = self._transport.ask("GET", "/me")
        return answer

    def keys(self) -> list[KeyRecord]:
        """Every key, without its secret."""
        answer: Keys = self._transport.ask("GET", "/keys")
        return answer["keys"]

    def issue_key(
        self, name: str, role: str, collections: Iterable[str] = ("*",), expires: dt.datetime | None = None
    ) -> KeyIssued:
        """Make a key, whose ``secret`` is told this once.

        Args:
            name: What it is for.
            role: ``"reader"``, ``"operator"`` or ``"admin"``.
            collections: Where; ``"*"`` for everywhere.
            expires: From when on it is refused, a time with its zone.
        """
        end = None if expires is None else expires.isoformat()
        document = {"name": name, "role": role, "collections": [*collections], "expires": end}
        answer: KeyIssued = self._transport.ask("POST", "/keys", document=document)
        return answer

    def revoke_key(self, key_id: str) -> None:
        """Refuse a key from now on."""
        self._transport.ask("DELETE", path_of("keys", key_id))

    def collections(self) -> list[CollectionRecord]:
        """Those that the key may see."""
        answer: Collections = self._transport.ask("GET", "/collections")
        return answer["collections"]

    def make_collection(self, *, consent_required: bool = True) -> CollectionRecord:
        """Make this collection, or change whether enrolment in it needs a purpose."""
        document = {"name": self.collection, "consent_required": consent_required}
        answer: CollectionRecord = self._transport.ask("PUT", "/collections", document=document, repeatable=True)
        return answer

    def show_collection(self) -> CollectionRecord:
        """This collection."""
        path = path_of("collections", self.collection)
        answer: CollectionRecord = self._transport.ask("GET", path)
        return answer

    def audit(self, *, page: int = 1000) -> Iterator[AuditLine]:
        """The log of who was erased and who looked, oldest line first, a page at a time."""
        after = 0
        while True:
            answer: AuditPage = self._transport.ask("GET", "/audit", query={"after": after, "limit": page})
            yield from answer["entries"]
            if answer["next"] is None:
                return
            after = answer["next"]

    def verify_audit(self) -> AuditVerification:
        """Whether no line of the log was changed, left out or put in."""
        answer: AuditVerification = self._transport.ask("GET", "/audit/verification")
        return answer
