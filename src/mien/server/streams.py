"""Streams that are watched all the time: cameras, by their address, on the rules of `mien.watch`.

What is to be watched lies in the service's file, the address sealed, since it may hold a password. Of several processes
one watches: the one that holds the lock; another takes over when it is gone.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from filelock import FileLock, Timeout

from mien.errors import InvalidArgument, MienError, StoreError
from mien.gallery.people import now
from mien.server.database import Database
from mien.server.vault import Vault

__all__ = ["State", "Stream", "Streams", "Watch", "check_source"]

_log = logging.getLogger("mien.server")

State: TypeAlias = Literal["stopped", "connecting", "watching", "waiting", "failed"]
_SCHEMES = ("rtsp://", "rtsps://", "http://", "https://")
_LOOK = 1.0
_PAUSE = 0.02

_COLUMNS = "stream_id, collection, name, shown, fps, rules, enabled, created, state, since, problem, require"


@dataclass(frozen=True, slots=True)
class Stream:
    """Something to watch.

    Attributes:
        stream_id: Its key.
        collection: Who is looked for.
        name: What people call it.
        shown: Its address without user, password and query.
        fps: Frames a second that are looked at, at most; None for all.
        rules: Fields of `mien.watch.EventRules`.
        enabled: Whether it is watched, also after a restart.
        created: When it was made (UTC).
        state: ``"stopped"``, ``"connecting"``, ``"watching"``, ``"waiting"`` (to connect again) or ``"failed"`` (tried
            again much later).
        since: From when on it is so (UTC).
        problem: Why it waits or failed; None where it does not.
        require: What a look at somebody must be for a name, as of `mien.quality.Gate.parse`; None for nothing more than
            every look is asked.
    """

    stream_id: str
    collection: str
    name: str
    shown: str
    fps: float | None
    rules: dict[str, Any]
    enabled: bool
    created: dt.datetime
    state: State
    since: dt.datetime
    problem: str | None
    require: str | None


@dataclass(frozen=True, slots=True)
class Watch:
    """What a thread that watches needs to know; another of these is another watch.

    Attributes:
        stream_id: Which stream.
        collection: Who is looked for.
        name: See `Stream`, as the next ones.
        url: Where it is, with all that nobody is shown.
        fps: Frames a second.
        rules: When something is told, JSON.
        require: What a look must be for a name.
        fpir: The collection's operating point.
        calibrations: A text that changes with what collections decide by.
    """

    stream_id: str
    collection: str
    name: str
    url: str
    fps: float | None
    rules: str
    require: str | None
    fpir: float
    calibrations: str


class Watcher:
    """Whoever watches one stream, in a thread of its own.

    Args:
        watch: What.
        run: Watches until it is told to stop; called with the watch, and what says whether that is so.
    """

    def __init__(self, watch: Watch, run: Callable[[Watch, threading.Event], None]) -> None:
        self.watch = watch
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=run, args=(watch, self.stopped), name="mien-stream", daemon=True)
        self.thread.start()


class Streams:
    """The streams of a service.

    Args:
        database: Where they are noted.
        vault: Seals addresses.
        lock: A file; who holds it watches.
        most: Streams that are watched at the same time.
        fpir: The operating point of a collection.
        calibrations: A text that changes with what collections decide by.
        run: See `Watcher`.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        lock: Path,
        *,
        most: int,
        fpir: Callable[[str], float],
        calibrations: Callable[[], str],
        run: Callable[[Watch, threading.Event], None],
    ) -> None:
        self._connected, self._vault, self._fpir, self._run = database.connected, vault, fpir, run
        self._calibrations = calibrations
        self.most = most
        self._held = FileLock(lock, thread_local=False)
        self._watchers: dict[str, Watcher] = {}
        self._stopping = threading.Event()
        self._changed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch what is to be watched."""
        self._thread = threading.Thread(target=self._supervise, name="mien-streams", daemon=True)
        self._thread.start()

    def close(self, timeout: float) -> None:
        """Stop watching; what is to be watched is watched again after the next start."""
        if self._thread is None:
            return
        self._stopping.set()
        self._changed.set()
        self._thread.join(timeout)

    def make(
        self,
        collection: str,
        name: str,
        url: str,
        fps: float | None,
        rules: dict[str, Any],
        *,
        enabled: bool,
        require: str | None = None,
    ) -> Stream | None:
        """A stream; None where too many are watched.

        Raises:
            InvalidArgument: The address is none of a stream.
        """
        shown, stream_id, time = check_source(url), secrets.token_hex(8), now().isoformat()
        sealed = self._vault.close(url.encode(), f"stream {stream_id}")
        told = (collection, name, sealed, shown, fps, json.dumps(rules), require)
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            if enabled and self._full(connection):
                return None
            connection.execute(
                "INSERT INTO stream (stream_id, collection, name, url, shown, fps, rules, require, enabled, created, "
                "state, since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'stopped', ?)",
                (stream_id, *told, enabled, time, time),
            )
        self._changed.set()
        return self.find(collection, stream_id)

    def find(self, collection: str, stream_id: str) -> Stream | None:
        """A stream of a collection; None where there is none."""
        found = self._select("collection = ? AND stream_id = ?", (collection, stream_id))
        return found[0] if found else None

    def of(self, collection: str) -> list[Stream]:
        """The streams of a collection, the oldest first."""
        return self._select("collection = ? ORDER BY created, stream_id", (collection,))

    def enable(self, stream: Stream, *, enabled: bool) -> bool:
        """Watch it from now on, or no more; False where too many are watched."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            if enabled and not stream.enabled and self._full(connection):
                return False
            connection.execute("UPDATE stream SET enabled = ? WHERE stream_id = ?", (enabled, stream.stream_id))
        self._changed.set()
        return True

    def remove(self, stream: Stream) -> None:
        """Watch it no more, and forget it."""
        with self._connected() as connection:
            connection.execute("DELETE FROM stream WHERE stream_id = ?", (stream.stream_id,))
        self._changed.set()

    def remove_all(self, collection: str, timeout: float) -> bool:
        """Watch and keep none of a collection any more; False where this process watches one still after that time.

        Args:
            collection: Which.
            timeout: Seconds.
        """
        with self._connected() as connection:
            connection.execute("DELETE FROM stream WHERE collection = ?", (collection,))
        self._changed.set()
        end = time.monotonic() + timeout
        while any(one.watch.collection == collection for one in [*self._watchers.values()]):
            if time.monotonic() > end:
                return False
            time.sleep(_PAUSE)
        return True

    def counts(self) -> dict[tuple[str, ...], int]:
        """How many streams are known, by state."""
        with self._connected() as connection:
            rows = connection.execute("SELECT state, count(*) FROM stream GROUP BY state").fetchall()
        return {(state,): 0 for state in get_args(State)} | {(state,): many for state, many in rows}

    def say(self, stream_id: str, state: State, problem: str | None = None) -> None:
        """Note how a stream is."""
        with self._connected() as connection:
            connection.execute(
                "UPDATE stream SET state = ?, problem = ?, since = ? WHERE stream_id = ?",
                (state, problem, now().isoformat(), stream_id),
            )

    def _full(self, connection: Any) -> bool:  # noqa: ANN401 - sqlite3's
        (many,) = connection.execute("SELECT count(*) FROM stream WHERE enabled").fetchone()
        return bool(many >= self.most)

    def _supervise(self) -> None:
        try:
            while not self._stopping.is_set():
                self._changed.clear()
                try:
                    if self._held.is_locked or self._take():
                        self._reconcile(self._wanted())
                except (MienError, OSError) as error:
                    _log.error("streams wait", extra={"fields": {"problem": getattr(error, "code", "os_error")}})
                self._changed.wait(_LOOK)
        finally:
            self._reconcile({})
            self._held.release()

    def _take(self) -> bool:
        with contextlib.suppress(Timeout):
            self._held.acquire(timeout=0)
        return self._held.is_locked

    def _wanted(self) -> dict[str, Watch]:
        with self._connected() as connection:
            rows = connection.execute(
                "SELECT stream_id, collection, name, url, fps, rules, require FROM stream WHERE enabled "
                "ORDER BY created LIMIT ?",
                (self.most,),
            ).fetchall()
        calibrations = self._calibrations()
        return {
            stream_id: Watch(
                stream_id,
                collection,
                name,
                self._vault.open(url, f"stream {stream_id}").decode(),
                fps,
                rules,
                require,
                self._fpir(collection),
                calibrations,
            )
            for stream_id, collection, name, url, fps, rules, require in rows
        }

    def _reconcile(self, wanted: dict[str, Watch]) -> None:
        """Let those be watched that are to be, as they are to be, and no others."""
        gone = [one for key, one in self._watchers.items() if one.watch != wanted.get(key)]
        for watcher in gone:
            watcher.stopped.set()
        for watcher in gone:
            watcher.thread.join()
            del self._watchers[watcher.watch.stream_id]
            with contextlib.suppress(StoreError):
                self.say(watcher.watch.stream_id, "stopped")
        for key, watch in wanted.items():
            if key not in self._watchers:
                self._watchers[key] = Watcher(watch, self._run)

    def _select(self, where: str, values: tuple[Any, ...]) -> list[Stream]:
        with self._connected() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM stream WHERE {where}", values).fetchall()  # noqa: S608
        return [_stream(row) for row in rows]


def check_source(url: str) -> str:
    """Refuse what is no address of a stream; returns what may be shown of it.

    Raises:
        InvalidArgument: It is a path, a camera of this machine, or an address of another kind.
    """
    from mien.media.container import Address, locate

    wrong = InvalidArgument("url: expected rtsp://..., rtsps://..., http://... or https://..., got something else")
    if not url.lower().startswith(_SCHEMES) or not url.isprintable() or " " in url:
        raise wrong
    try:
        address = locate(url)
    except (MienError, ValueError):
        # What was wrong with it may quote it, with its password.
        raise wrong from None
    if not isinstance(address, Address):
        raise wrong
    return address.name


def _stream(row: tuple[Any, ...]) -> Stream:
    stream_id, collection, name, shown, fps, rules, enabled, created, state, since, *rest = row
    times = dt.datetime.fromisoformat(created), dt.datetime.fromisoformat(since)
    return Stream(
        stream_id, collection, name, shown, fps, json.loads(rules), bool(enabled), times[0], state, times[1], *rest
    )
