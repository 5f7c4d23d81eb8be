"""Who may do what: API keys, their roles, and the collections that they are granted.

A key is shown once. The service keeps a SHA-256 of it: keys are 256 random bits, so that a slow hash would add nothing
(NIST SP 800-63B, 5.1.2.2, look-up secrets).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from enum import IntEnum

from mien.errors import InvalidArgument
from mien.gallery.people import now, parse_label
from mien.server.database import Database

__all__ = ["EVERY", "Access", "ApiKey", "Role"]

EVERY = "*"
"""A grant of all collections, those to come among them."""

_ID = 8
_SCHEMA = """
CREATE TABLE IF NOT EXISTS api_key (
    key_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    digest BLOB NOT NULL,
    role INTEGER NOT NULL,
    collections TEXT NOT NULL,
    created TEXT NOT NULL,
    expires TEXT) STRICT;
CREATE TABLE IF NOT EXISTS collection (
    name TEXT PRIMARY KEY,
    consent_required INTEGER NOT NULL,
    created TEXT NOT NULL) STRICT;
"""


class Role(IntEnum):
    """What a key may do; each role may do what those before it may.

    ``reader`` compares and looks; ``operator`` enrols, changes and erases people; ``admin`` gives keys, makes
    collections and reads the audit log.
    """

    reader = 1
    operator = 2
    admin = 3


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
    """

    key_id: str
    name: str
    role: Role
    collections: tuple[str, ...]
    created: dt.datetime
    expires: dt.datetime | None

    def may(self, collection: str) -> bool:
        """Whether a collection is granted."""
        return EVERY in self.collections or collection in self.collections


class Access:
    """The keys and collections of a service.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._connected = database.connected
        database.create(_SCHEMA)

    def issue(
        self, name: str, role: Role, collections: tuple[str, ...] = (EVERY,), expires: dt.datetime | None = None
    ) -> tuple[ApiKey, str]:
        """Make a key.

        Returns:
            The key, and the text that its holder sends, which nobody can read again.

        Raises:
            InvalidArgument: A name that cannot be, no collection, or an end that is past.
        """
        name = parse_label(name)
        if not collections:
            raise InvalidArgument('collections: expected at least one, or "*" for every one')
        if expires is not None and expires <= now():
            raise InvalidArgument(f"expires: expected a time to come, got {expires.isoformat()}")
        key_id, secret = secrets.token_hex(_ID // 2), secrets.token_urlsafe(32)
        key = ApiKey(key_id, name, role, collections, now(), expires)
        row = (key_id, name, _digest(secret), int(role), json.dumps(collections), key.created.isoformat())
        with self._connected() as connection:
            connection.execute(
                "INSERT INTO api_key VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, expires and expires.isoformat())
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

    def key(self, key_id: str) -> ApiKey | None:
        """The key of an id; None where there is none, and for one that has expired."""
        with self._connected() as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM api_key WHERE key_id = ?", (key_id,)).fetchone()  # noqa: S608
        return _live(row)

    def every_key(self) -> list[ApiKey]:
        """Every key, the oldest first."""
        with self._connected() as connection:
            return [_key(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM api_key ORDER BY created, key_id")]  # noqa: S608

    def revoke(self, key_id: str) -> bool:
        """Refuse a key from now on; False where there is none of that id."""
        with self._connected() as connection:
            return connection.execute("DELETE FROM api_key WHERE key_id = ?", (key_id,)).rowcount > 0

    def declare(self, name: str, *, consent_required: bool) -> bool:
        """Make a collection, or change whether it asks for consent; returns whether it is new."""
        with self._connected() as connection:
            known = connection.execute("SELECT 1 FROM collection WHERE name = ?", (name,)).fetchone()
            connection.execute(
                """INSERT INTO collection VALUES (?, ?, ?)
                   ON CONFLICT (name) DO UPDATE SET consent_required = excluded.consent_required""",
                (name, int(consent_required), now().isoformat()),
            )
        return known is None

    def collections(self) -> dict[str, bool]:
        """Collections that were made here, and whether each asks for consent."""
        with self._connected() as connection:
            return {
                name: bool(asks)
                for name, asks in connection.execute("SELECT name, consent_required FROM collection ORDER BY name")
            }


_COLUMNS = "key_id, name, role, collections, created, expires"


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _live(row: tuple[str, str, int, str, str, str | None] | None) -> ApiKey | None:
    key = None if row is None else _key(row)
    return None if key is None or (key.expires is not None and key.expires <= now()) else key


def _key(row: tuple[str, str, int, str, str, str | None]) -> ApiKey:
    key_id, name, role, collections, created, expires = row
    return ApiKey(
        key_id,
        name,
        Role(role),
        tuple(json.loads(collections)),
        dt.datetime.fromisoformat(created),
        dt.datetime.fromisoformat(expires) if expires else None,
    )
