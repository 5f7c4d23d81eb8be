"""Who may do what: API keys, their roles, scopes, and the collections that they are granted.

A key is shown once. The service keeps a SHA-256 of it: keys are 256 random bits, so that a slow hash would add nothing
(NIST SP 800-63B, 5.1.2.2, look-up secrets).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from enum import IntEnum, StrEnum
from typing import TypeAlias

from mien.errors import InvalidArgument, LinkConflict
from mien.gallery.people import now, parse_label
from mien.server.database import Database

__all__ = ["EVERY", "FASTEST", "Access", "ApiKey", "Role", "Scope", "named"]

EVERY = "*"
"""A grant of all collections, those to come among them."""

FASTEST = 1_000_000
"""Requests a minute that a key may be given."""
_ID = 8


class Role(IntEnum):
    """What a key may do; each role may do what those before it may.

    ``reader`` compares and looks; ``operator`` enrols, changes and erases people; ``admin`` gives keys, makes
    collections and reads the audit log.
    """

    reader = 1
    operator = 2
    admin = 3


class Scope(StrEnum):
    """A part of what roles may do, for keys that are to do less than their role.

    ``identify`` compares faces; ``read`` looks at people, samples and collections; ``enroll`` brings in people and
    samples; ``edit`` changes, forgets and erases them; ``audit`` reads the audit log; ``admin`` gives keys and makes
    collections.
    """

    identify = "identify"
    read = "read"
    enroll = "enroll"
    edit = "edit"
    audit = "audit"
    admin = "admin"

    @property
    def role(self) -> Role:
        """The least role that has it."""
        return _LEAST[self]


_LEAST = {
    Scope.identify: Role.reader,
    Scope.read: Role.reader,
    Scope.enroll: Role.operator,
    Scope.edit: Role.operator,
    Scope.audit: Role.admin,
    Scope.admin: Role.admin,
}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret.

    Attributes:
        key_id: The beginning of the key, by which it is named.
        name: What it is for.
        role: What it may do.
        collections: Where; ``("*",)`` for everywhere.
        created: When it was made (UTC).
        expires: From when on it is refused (UTC); None for no end.
        scopes: What of its role it has; empty for all of it.
        rate: Requests a minute; None for as many as the service takes from every key.
    """

    key_id: str
    name: str
    role: Role
    collections: tuple[str, ...]
    created: dt.datetime
    expires: dt.datetime | None
    scopes: tuple[Scope, ...] = ()
    rate: int | None = None

    def may(self, collection: str) -> bool:
        """Whether a collection is granted."""
        return EVERY in self.collections or collection in self.collections

    def has(self, scope: Scope) -> bool:
        """Whether it may do what a scope stands for."""
        return self.role >= scope.role and (not self.scopes or scope in self.scopes)

    def covers(self, other: ApiKey) -> bool:
        """Whether whoever holds this key may do all that the other key may: none may be given, or seen, that may more.

        Revoking a key, and reading its grants, tells of collections; so does giving one.
        """
        granted = EVERY in self.collections or ({*other.collections} <= {*self.collections})
        return granted and all(self.has(scope) for scope in Scope if other.has(scope))


@dataclass(frozen=True, slots=True)
class Rules:
    """What the service asks for, and keeps, in a collection.

    Attributes:
        consent_required: Whether people are enrolled and named only with a purpose that they agreed to.
        crops: Whether pictures of the faces are kept, sealed.
        fpir: At which false positive identification rate people are identified, unless a request says another.
        fmr: At which false match rate claims are verified, unless a request says another.
    """

    consent_required: bool = True
    crops: bool = False
    fpir: float = 0.01
    fmr: float = 1e-4


class Access:
    """The keys of a service, and the rules of its collections.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._connected = database.connected

    def issue(
        self,
        name: str,
        role: Role,
        collections: tuple[str, ...] = (EVERY,),
        expires: dt.datetime | None = None,
        scopes: tuple[Scope, ...] = (),
        request: str | None = None,
        rate: int | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key.

        Args:
            name: See `ApiKey`, like the next ones.
            role: What it may do.
            collections: Where.
            expires: Its end.
            scopes: What of the role.
            request: A key of the caller's for this call, which makes one key however often it is repeated.
            rate: Requests a minute.

        Returns:
            The key, and the text that its holder sends, which nobody can read again.

        Raises:
            InvalidArgument: A name that cannot be, no collection, an end that is past, a scope beyond the role, or a
                rate that cannot be.
            LinkConflict: The request was made before; nobody can read that key's text again.
        """
        name = parse_label(name)
        collections = named(collections)
        if not collections:
            raise InvalidArgument('collections: expected at least one, or "*" for every one')
        if expires is not None and expires <= now():
            raise InvalidArgument(f"expires: expected a time to come, got {expires.isoformat()}")
        if rate is not None and not 1 <= rate <= FASTEST:
            raise InvalidArgument(f"rate: expected 1 to {FASTEST:,} requests a minute, got {rate}")
        beyond = [scope for scope in scopes if scope.role > role]
        if beyond:
            raise InvalidArgument(f"scopes: {', '.join(beyond)} is more than the role {role.name} may")
        key_id, secret = secrets.token_hex(_ID // 2), secrets.token_urlsafe(32)
        key = ApiKey(
            key_id, name, role, collections, now(), expires, tuple(scope for scope in Scope if scope in scopes), rate
        )
        row = (key_id, name, int(role), json.dumps(collections), key.created.isoformat())
        with self._connected() as connection:
            made = connection.execute("SELECT key_id FROM api_key WHERE request = ?", (request,)).fetchone()
            if made is not None:
                raise LinkConflict(
                    f"request {request!a}: key {made[0]} was made by it, whose secret was shown then; revoke it, and "
                    "ask anew",
                    key_id=made[0],
                )
            connection.execute(
                f"INSERT INTO api_key ({_COLUMNS}, digest, request) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (*row, expires and expires.isoformat(), json.dumps(key.scopes), rate, _digest(secret), request),
            )
        return key, f"mien_{key_id}_{secret}"

    def holder(self, text: str) -> ApiKey | None:
        """Whose key a text is; None for nobody's, and for one that has expired."""
        prefix, _, rest = text.partition("_")
        key_id, _, secret = rest.partition("_")
        with self._connected() as connection:
            row = connection.execute(f"SELECT {_COLUMNS}, digest FROM api_key WHERE key_id = ?", (key_id,)).fetchone()  # noqa: S608
        # The same work where there is no such key, so that time tells nothing.
        sound = hmac.compare_digest(_digest(secret), row[-1] if row else bytes(32))
        if row is None or not sound or prefix != "mien":
            return None
        return _live(row[:-1])

    def key(self, key_id: str, *, expired: bool = False) -> ApiKey | None:
        """The key of an id; None where there is none, and for one that has expired, unless that is asked for."""
        with self._connected() as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM api_key WHERE key_id = ?", (key_id,)).fetchone()  # noqa: S608
        return (None if row is None else _key(row)) if expired else _live(row)

    def every_key(self) -> list[ApiKey]:
        """Every key, the oldest first."""
        with self._connected() as connection:
            return [_key(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM api_key ORDER BY created, key_id")]  # noqa: S608

    def revoke(self, key_id: str, by: str | None = None) -> bool:
        """Refuse a key from now on.

        Args:
            key_id: Which.
            by: Id of the key that asks, where one does: of two admins who revoke each other at once one stays.

        Returns:
            False where there is none of that id, or no longer the key that asks.
        """
        own = "EXISTS (SELECT 1 FROM api_key WHERE key_id = coalesce(?, key_id))"
        with self._connected() as connection:
            return connection.execute(f"DELETE FROM api_key WHERE key_id = ? AND {own}", (key_id, by)).rowcount > 0  # noqa: S608

    def declare(self, name: str, agreed: Callable[[], None] | None = None, **changes: float) -> bool:
        """Make a collection, or change its rules; returns whether it is new.

        Args:
            name: Of the collection.
            agreed: Called while nobody else can change rules or calibrations; what it raises is raised, and nothing is
                changed.
            changes: Fields of `Rules`; the others stay.
        """
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            if agreed is not None:
                agreed()
            known = _rules_of(connection).get(name)
            rules = replace(known or Rules(), **changes)  # type: ignore[arg-type]
            connection.execute(
                """INSERT INTO collection VALUES (:name, :created, :consent_required, :crops, :fpir, :fmr)
                   ON CONFLICT (name) DO UPDATE SET consent_required = excluded.consent_required,
                   crops = excluded.crops, fpir = excluded.fpir, fmr = excluded.fmr""",
                {"name": name, "created": now().isoformat(), **asdict(rules)},
            )
        return known is None

    def erased(self, name: str, by: str) -> tuple[int, int]:
        """Forget a collection that was erased, and who was granted it: another of its name may be anybody's.

        Args:
            name: Of the collection.
            by: Id of the key that erased it, which keeps its grant: it may make the collection anew.

        Returns:
            From how many keys the grant was taken, and how many of them were revoked since they had no other.
        """
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM collection WHERE name = ?", (name,))
            connection.execute("UPDATE epoch SET number = number + 1")
            others = connection.execute("SELECT key_id, collections FROM api_key WHERE key_id <> ?", (by,)).fetchall()
            left = {key_id: [*json.loads(granted)] for key_id, granted in others if name in json.loads(granted)}
            left = {key_id: [one for one in granted if one != name] for key_id, granted in left.items()}
            for key_id, granted in left.items():
                if granted:
                    row = json.dumps(granted), key_id
                    connection.execute("UPDATE api_key SET collections = ? WHERE key_id = ?", row)
                else:
                    connection.execute("DELETE FROM api_key WHERE key_id = ?", (key_id,))
        return len(left), sum(not granted for granted in left.values())

    def epoch(self) -> int:
        """How often a collection was erased, by any process."""
        with self._connected() as connection:
            (number,) = connection.execute("SELECT number FROM epoch").fetchone()
        return int(number)

    def collections(self) -> dict[str, Rules]:
        """The rules of the collections that were made here, by name."""
        with self._connected() as connection:
            return _rules_of(connection)


def named(collections: Iterable[str]) -> tuple[str, ...]:
    """Collections as they are named, so that a grant is of what looks the same.

    Raises:
        InvalidArgument: There can be none of that name.
    """
    return tuple(dict.fromkeys(parse_label(name) for name in collections))


_COLUMNS = "key_id, name, role, collections, created, expires, scopes, rate"
_Row: TypeAlias = tuple[str, str, int, str, str, str | None, str, int | None]


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _rules_of(connection: sqlite3.Connection) -> dict[str, Rules]:
    rows = connection.execute("SELECT name, consent_required, crops, fpir, fmr FROM collection ORDER BY name")
    return {name: Rules(bool(asks), bool(crops), fpir, fmr) for name, asks, crops, fpir, fmr in rows}


def _live(row: _Row | None) -> ApiKey | None:
    key = None if row is None else _key(row)
    return None if key is None or (key.expires is not None and key.expires <= now()) else key


def _key(row: _Row) -> ApiKey:
    key_id, name, role, collections, created, expires, scopes, rate = row
    return ApiKey(
        key_id,
        name,
        Role(role),
        tuple(json.loads(collections)),
        dt.datetime.fromisoformat(created),
        dt.datetime.fromisoformat(expires) if expires else None,
        tuple(Scope(scope) for scope in json.loads(scopes)),
        rate,
    )
