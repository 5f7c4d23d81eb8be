"""Sign-in sessions: what a browser holds in place of an API key.

A key that lay in a page could be read by whatever runs there. A session's token lies in a cookie that no script can
read, ends by itself, and ends with its key. The file keeps a SHA-256 of it, as of keys (see `mien.server.access`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mien.gallery.people import now
from mien.server.access import Access, ApiKey
from mien.server.database import Database

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["CSRF_HEADER", "IDLE", "LONGEST", "SAFE", "Session", "Sessions", "cookie_name", "from_here"]

IDLE = dt.timedelta(hours=2)
"""A session ends when nothing was asked with it for so long,"""
LONGEST = dt.timedelta(hours=12)
"""and in any case so long after the sign-in."""

CSRF_HEADER = "x-mien-csrf"
"""Header in which a page's scripts send `Session.csrf` back."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing, and need no such header."""

_NOTED = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in.

    Attributes:
        token: What their cookie holds: 256 random bits.
        key: With which they signed in.
    """

    token: str = field(repr=False)
    key: ApiKey

    @property
    def csrf(self) -> str:
        """What a page of this session knows and no other site can: it follows from the token, and does not tell it."""
        return hmac.new(self.token.encode(), b"mien csrf", hashlib.sha256).hexdigest()

    def knows(self, sent: str | None) -> bool:
        """Whether somebody sent `csrf`."""
        return hmac.compare_digest(self.csrf.encode(), (sent or "").encode())


class Sessions:
    """The sessions of a service.

    Args:
        database: Where they are kept.
        access: The keys, with which sessions begin and end.
    """

    def __init__(self, database: Database, access: Access) -> None:
        self._connected = database.connected
        self._access = access

    def begin(self, secret: str) -> Session | None:
        """Sign in with a key's text; None where it is nobody's. Forgets sessions that are over."""
        key = self._access.holder(secret.strip())
        if key is None:
            return None
        token, time = secrets.token_urlsafe(32), now()
        with self._connected() as connection:
            over = (time - LONGEST).isoformat(), (time - IDLE - _NOTED).isoformat()
            connection.execute("DELETE FROM session WHERE begun <= ? OR used <= ?", over)
            row = (_digest(token), key.key_id, time.isoformat(), time.isoformat())
            connection.execute("INSERT INTO session VALUES (?, ?, ?, ?)", row)
        return Session(token, key)

    def holder(self, token: str, *, using: bool = True) -> Session | None:
        """Whose session a token is; None for nobody's, and for one that is over or whose key is refused.

        Args:
            token: What the cookie holds.
            using: Whether somebody asks for something, so that the session goes on.
        """
        with self._connected() as connection:
            row = connection.execute(
                "SELECT key_id, begun, used FROM session WHERE digest = ?", (_digest(token),)
            ).fetchone()
            if row is None:
                return None
            time, begun, used = now(), *(dt.datetime.fromisoformat(text) for text in row[1:])
            if time >= min(begun + LONGEST, used + IDLE):
                return None
            if using and time - used >= _NOTED:
                # Not at each request: that would be a write to the disk for every picture of a page.
                connection.execute("UPDATE session SET used = ? WHERE digest = ?", (time.isoformat(), _digest(token)))
        key = self._access.key(row[0])
        return None if key is None else Session(token, key)

    def end(self, token: str) -> None:
        """Sign out."""
        with self._connected() as connection:
            connection.execute("DELETE FROM session WHERE digest = ?", (_digest(token),))


def cookie_name(request: Request) -> str:
    """Under which name the token travels; with TLS, one that browsers tie to this host (RFC 6265bis, 4.1.3.2)."""
    return "__Host-mien" if request.url.scheme == "https" else "mien"


def from_here(request: Request) -> bool:
    """Whether a browser says that one of this service's own pages sent a request.

    ``Sec-Fetch-Site`` cannot be set by scripts; browsers that do not send it send ``Origin``.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = urlsplit(request.headers.get("origin", ""))
    return (origin.scheme, origin.netloc) == (request.url.scheme, request.url.netloc)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
