"""`Administration`: what concerns the service as a whole."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mien.client.documents import (
    AuditLine,
    AuditPage,
    AuditVerification,
    CalibrationInUse,
    CalibrationRecord,
    CalibrationsInUse,
    CollectionErased,
    CollectionRecord,
    Collections,
    Health,
    KeyIssued,
    KeyRecord,
    Keys,
    ModelRecord,
    Models,
    OperatingPoint,
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
        self,
        name: str,
        role: str,
        collections: Iterable[str] = ("*",),
        expires: dt.datetime | None = None,
        scopes: Iterable[str] = (),
        request: str | None = None,
        rate: int | None = None,
    ) -> KeyIssued:
        """Make a key, whose ``secret`` is told this once.

        Args:
            name: What it is for.
            role: ``"reader"``, ``"operator"`` or ``"admin"``.
            collections: Where; ``"*"`` for everywhere.
            expires: From when on it is refused, a time with its zone.
            scopes: What of the role it has, such as ``"identify"``; all of it where there is none.
            request: A key of your own for this call, with which it makes no second key (409).
            rate: Requests a minute; None for as many as the service takes from every key.
        """
        end = None if expires is None else expires.isoformat()
        granted = {"collections": [*collections], "expires": end, "scopes": [*scopes], "rate": rate}
        document = {"name": name, "role": role, **granted}
        headers = {"Idempotency-Key": request or secrets.token_hex(16)}
        answer: KeyIssued = self._transport.ask("POST", "/keys", document=document, headers=headers)
        return answer

    def revoke_key(self, key_id: str) -> None:
        """Refuse a key from now on."""
        self._transport.ask("DELETE", path_of("keys", key_id))

    def collections(self) -> list[CollectionRecord]:
        """Those that the key may see."""
        answer: Collections = self._transport.ask("GET", "/collections")
        return answer["collections"]

    def make_collection(self, *, consent_required: bool | None = None, crops: bool | None = None) -> CollectionRecord:
        """Make this collection, or change its rules; what is None stays.

        Args:
            consent_required: Whether people are enrolled and named only with a purpose.
            crops: Whether pictures of faces are kept, sealed; False erases those that were kept.
        """
        document = {"name": self.collection, "consent_required": consent_required, "crops": crops}
        answer: CollectionRecord = self._transport.ask("PUT", "/collections", document=document, repeatable=True)
        return answer

    def show_collection(self) -> CollectionRecord:
        """This collection."""
        path = path_of("collections", self.collection)
        answer: CollectionRecord = self._transport.ask("GET", path)
        return answer

    def erase_collection(self, *, proof: bool = False) -> CollectionErased:
        """Erase this collection for good, with everybody in it, and all that the service has of it.

        Args:
            proof: Search the gallery's files for the templates afterwards.
        """
        path = path_of("collections", self.collection)
        answer: CollectionErased = self._transport.ask("DELETE", path, query={"proof": proof})
        return answer

    def calibration(self) -> CalibrationRecord:
        """What decisions of this collection rest on."""
        path = path_of("collections", self.collection, "calibration")
        answer: CalibrationRecord = self._transport.ask("GET", path)
        return answer

    def calibrations(self) -> list[CalibrationInUse]:
        """What each pipeline of the service decides by, and where that came from."""
        answer: CalibrationsInUse = self._transport.ask("GET", "/calibrations")
        return answer["calibrations"]

    def install_calibration(
        self, *, job_id: str | None = None, calibration: Mapping[str, Any] | None = None, name: str | None = None
    ) -> CalibrationInUse:
        """Let every collection of a calibration's pipeline decide by it.

        Args:
            job_id: A finished job of this collection, see `begin_calibrate`.
            calibration: Or the JSON of a file that ``mien calibrate`` wrote.
            name: What decisions are to call it; the name that it has where it is None.
        """
        collection = None if job_id is None else self.collection
        document = {"collection": collection, "job_id": job_id, "calibration": calibration, "name": name}
        answer: CalibrationInUse = self._transport.ask("POST", "/calibrations", document=document, repeatable=True)
        return answer

    def reset_calibration(self, pipeline: str) -> CalibrationInUse:
        """Let every collection of a pipeline decide by what it would if none had been installed."""
        answer: CalibrationInUse = self._transport.ask("DELETE", path_of("calibrations", pipeline))
        return answer

    def operating_point(self) -> OperatingPoint:
        """At which rates this collection decides, and what each rate costs in misses."""
        path = path_of("collections", self.collection, "operating-point")
        answer: OperatingPoint = self._transport.ask("GET", path)
        return answer

    def choose_operating_point(self, *, fpir: float | None = None, fmr: float | None = None) -> OperatingPoint:
        """Choose at which rates this collection decides where a request says none; what is None stays."""
        path, document = path_of("collections", self.collection, "operating-point"), {"fpir": fpir, "fmr": fmr}
        answer: OperatingPoint = self._transport.ask("PUT", path, document=document, repeatable=True)
        return answer

    def models(self) -> list[ModelRecord]:
        """The models that the service knows, with their licences."""
        answer: Models = self._transport.ask("GET", "/models")
        return answer["models"]

    def model(self, name: str) -> ModelRecord:
        """One model."""
        answer: ModelRecord = self._transport.ask("GET", path_of("models", name))
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
