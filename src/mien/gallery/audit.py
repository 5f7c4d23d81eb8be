"""The audit log: who was erased or looked at, told without saying who; hash-chained and signed.

Each line holds the hash of the one before. A line is a JSON object: what was done, when, how many samples it concerned,
how far their bytes are gone, and the subject as a keyed hash (HMAC-SHA-256 with a secret of the gallery): whoever has
the person's id and the gallery can find their line, nobody can read an id out of it. Signatures are Ed25519 (RFC
8032). A line that is changed, left out or put in between breaks the chain; lines cut off at the end do not, so keep the
last hash, or a copy, somewhere else.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import os
from collections.abc import Collection as AbstractCollection
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from mien.errors import Detail, InvalidArgument

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from mien.gallery.store import Transaction

__all__ = [
    "AuditEntry",
    "AuditReport",
    "Chain",
    "Level",
    "acting",
    "actor",
    "last",
    "note",
    "page",
    "public_key",
    "read",
    "sign",
    "signed_by",
    "verify",
]

Level: TypeAlias = Literal["invisible", "purged_store", "purged_logs"]
"""How far an erasure got: no search finds the person; no file of the store holds their bytes; no log of it does."""

_FIRST = "0" * 64
_PAGE = 1000
_ACTOR: ContextVar[str | None] = ContextVar("mien_audit_actor", default=None)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A line of the log.

    Attributes:
        sequence: 1, 2, 3 ...
        time: UTC.
        action: ``"erase"``, ``"erase_sample"``, ``"erase_collection"``, ``"expire"`` (a consent ran out), ``"purge"``
            (the bytes of those before are gone), ``"proof"`` (files were searched for them), a change by somebody who
            acts (``"enroll"``, ``"merge"`` ...), or an access that a service notes, such as ``"identify"``.
        subject: Keyed hash of the person's id, None where a line concerns nobody in particular.
        collection: Keyed hash of the collection's name; None where a line concerns none, such as a comparison of two
            images that were sent.
        details: Counts, such as ``samples``; never a name, a path or a template.
        level: How far the bytes are gone; None where nothing was to go.
        previous: Hash of the line before.
        hash: SHA-256 of this one, less hash and signature.
        signature: Ed25519 of the hash, base64; None where there was no key to sign with.
        actor: Whose access it was, such as the public part of an API key; None where nobody asked over a service.
    """

    sequence: int
    time: dt.datetime
    action: str
    subject: str | None
    collection: str | None
    details: dict[str, int]
    level: Level | None
    previous: str
    hash: str
    signature: str | None
    actor: str | None = None

    def to_dict(self) -> dict[str, Detail]:
        """The line as JSON."""
        return {**self._body(), "hash": self.hash, "signature": self.signature}

    def _body(self) -> dict[str, Detail]:
        return {
            "sequence": self.sequence,
            "time": self.time.isoformat(),
            "action": self.action,
            "subject": self.subject,
            "collection": self.collection,
            "details": dict(self.details),
            "level": self.level,
            "previous": self.previous,
            # Left out where there is none: so were lines hashed before there was such a field.
            **({} if self.actor is None else {"actor": self.actor}),
        }

    def computed_hash(self) -> str:
        """What `hash` has to be."""
        return hashlib.sha256(json.dumps(self._body(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a check of the log found.

    Attributes:
        entries: How many lines there are.
        head: Hash of the last one, to be kept elsewhere; None of an empty log.
        problems: What is wrong, in words; empty where the chain holds and every line is signed by the key.
    """

    entries: int
    head: str | None
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, Detail]:
        """The report as JSON."""
        return {"sound": self.sound, "entries": self.entries, "head": self.head, "problems": list(self.problems)}


class Chain:
    """The end of the log in one transaction: what its lines have in common is found out once.

    Args:
        transaction: Where.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._last = last(transaction)
        self._key = _signing_key()

    def append(
        self,
        action: str,
        level: Level | None,
        *,
        person_id: str | None = None,
        actor: str | None = None,
        of_store: bool = False,
        **details: int,
    ) -> AuditEntry:
        """Add a line; it becomes part of the log with the transaction that it tells of.

        Args:
            action: See `AuditEntry`, like the others.
            level: How far bytes are gone.
            person_id: Whom it concerns.
            actor: Who did it.
            of_store: It concerns no collection.
            details: Counts.
        """
        from mien.gallery.people import now

        entry = AuditEntry(
            sequence=self._last.sequence + 1 if self._last else 1,
            time=now(),
            action=action,
            subject=None if person_id is None else self._transaction.digest(f"person:{person_id}"),
            collection=None if of_store else self._collection,
            details=details,
            level=level,
            previous=self._last.hash if self._last else _FIRST,
            hash="",
            signature=None,
            actor=actor,
        )
        hashed = entry.computed_hash()
        signature = None if self._key is None else base64.b64encode(self._key.sign(bytes.fromhex(hashed))).decode()
        self._last = replace(entry, hash=hashed, signature=signature)
        self._transaction.append_audit(json.dumps(self._last.to_dict(), sort_keys=True))
        return self._last

    @cached_property
    def _collection(self) -> str:
        return self._transaction.digest(f"collection:{self._transaction.collection}")


@contextmanager
def acting(name: str) -> Iterator[None]:
    """Whoever changes something within this context is noted with the change; see `mien.Gallery.acting`."""
    token = _ACTOR.set(name)
    try:
        yield
    finally:
        _ACTOR.reset(token)


def actor() -> str | None:
    """Who acts; None where nobody said."""
    return _ACTOR.get()


def note(
    transaction: Transaction, action: str, person_ids: AbstractCollection[str | None] = (), **details: int
) -> None:
    """Note a change in the transaction that makes it, where somebody acts: a line a person, one where it is nobody."""
    who = _ACTOR.get()
    if who is None:
        return
    subjects: list[str | None] = [*sorted({key for key in person_ids if key is not None})] or [None]
    chain = Chain(transaction)
    for person_id in subjects:
        chain.append(action, None, person_id=person_id, actor=who, of_store=False, **details)


def read(transaction: Transaction, after: int = 0, limit: int | None = None) -> Iterator[AuditEntry]:
    """The lines of a store, oldest first, without holding all of them.

    Args:
        transaction: Where.
        after: Sequence of the last line that is known already.
        limit: How many at most.
    """
    place = _place(transaction, after) if after else None
    while limit is None or limit > 0:
        lines, place = page(transaction, place, _PAGE if limit is None else min(limit, _PAGE))
        yield from lines
        limit = None if limit is None else limit - len(lines)
        if len(lines) < _PAGE:
            return


def page(transaction: Transaction, place: int | None, limit: int = _PAGE) -> tuple[list[AuditEntry], int | None]:
    """The lines after a place, None for the first, and the place of the last of them."""
    lines = transaction.audit_lines(place, limit)
    return [_parse(line) for _, line in lines], lines[-1][0] if lines else place


def _place(transaction: Transaction, sequence: int) -> int:
    """A place between the line of a sequence and the next."""
    # Databases leave gaps in what they count, and so a line stands at the place of its sequence or behind it; of lines
    # that follow each other no two are nearer in place than in sequence. Where there is no gap, one look is enough.
    place = sequence
    while found := transaction.audit_lines(place):
        ((at, line),) = found
        missing = sequence - _parse(line).sequence
        if missing < 0:
            break
        place = at + missing
    return place


def last(transaction: Transaction, *, of_erasure: bool = False) -> AuditEntry | None:
    """The last line, or the last that tells how far bytes are gone."""
    line = transaction.last_audit_line(of_erasure=of_erasure)
    return None if line is None else _parse(line)


def verify(entries: Iterable[AuditEntry], key: str) -> AuditReport:
    """Check the chain and the signatures.

    Args:
        entries: Every line, oldest first.
        key: The public key, 64 hexadecimal digits.

    Raises:
        InvalidArgument: No such key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    except ValueError:
        raise InvalidArgument(f"public key: expected 64 hexadecimal digits, got {key!a}") from None
    problems: list[str] = []
    previous, number = _FIRST, 0
    for number, entry in enumerate(entries, 1):
        if entry.sequence != number or entry.previous != previous:
            problems.append(f"line {number}: a line before it is missing, or it was put in")
        if entry.hash != entry.computed_hash():
            problems.append(f"line {number}: changed after it was written")
        elif entry.signature is None:
            problems.append(f"line {number}: not signed")
        else:
            try:
                public.verify(base64.b64decode(entry.signature), bytes.fromhex(entry.hash))
            except (InvalidSignature, ValueError):
                problems.append(f"line {number}: not signed with this key")
        previous = entry.hash
    return AuditReport(number, previous if number else None, tuple(problems))


def public_key() -> str | None:
    """The public half of this user's signing key, 64 hexadecimal digits; None where no key can be kept."""
    key = _signing_key()
    return None if key is None else key.public_key().public_bytes_raw().hex()


def sign(data: bytes) -> str | None:
    """A signature by this user's key over what goes elsewhere, such as a backup; None where no key can be kept."""
    key = _signing_key()
    return None if key is None else base64.b64encode(key.sign(data)).decode()


def signed_by(data: bytes, signature: str, key: str) -> bool:
    """Whether a signature over some data is by a public key, 64 hexadecimal digits."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(base64.b64decode(signature), data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _parse(line: str) -> AuditEntry:
    fields = json.loads(line)
    return AuditEntry(**{**fields, "time": dt.datetime.fromisoformat(fields["time"])})


def _signing_key() -> Ed25519PrivateKey | None:
    """This user's key, made when first needed: ``MIEN_AUDIT_KEY``, or ``audit-key.pem`` in the user's data folder."""
    from platformdirs import user_data_path

    path = os.environ.get("MIEN_AUDIT_KEY") or str(user_data_path("mien", appauthor=False) / "audit-key.pem")
    with suppress(OSError):
        return _key_at(Path(path))
    # An erasure must not wait for a key: what cannot be signed is noted all the same, and told as unsigned.
    return None


@lru_cache(maxsize=4)
def _key_at(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with suppress(FileExistsError):
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"{path}: expected an Ed25519 private key in PEM; give another MIEN_AUDIT_KEY") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidArgument(f"{path}: expected an Ed25519 key, got {type(key).__name__}")
    return key
