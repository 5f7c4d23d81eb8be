"""What happened of late, for those who follow it: replayed from a bounded buffer, and never kept for who is slow."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from mien.server.events import Event

__all__ = ["Feed", "Follower"]

KEPT = 1000
"""Events that can be replayed."""
AHEAD = 256
"""Events that wait for a follower; one who has more to read is dropped, and may come back for them."""
FOLLOWERS = 100


class Follower:
    """Somebody who reads what happens in one collection.

    Attributes:
        missed: Whether events since the one that was read last are no longer kept.
        dropped: Whether too many waited: nothing more comes.
    """

    def __init__(self, collection: str, waiting: list[tuple[str, Event]], *, missed: bool) -> None:
        self.collection = collection
        self.missed = missed
        self.dropped = False
        self._waiting = deque(waiting)
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    async def next(self, timeout: float) -> tuple[str, Event] | None:
        """An event and its place, as soon as there is one; None where none came for so many seconds."""
        self._news.clear()
        if not self._waiting:
            try:
                async with asyncio.timeout(timeout):
                    await self._news.wait()
            except TimeoutError:
                return None
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def tell(self, place: str, event: Event) -> None:
        """Keep an event for them; from any thread."""
        with self._lock:
            if len(self._waiting) >= AHEAD:
                self.dropped = True
            else:
                self._waiting.append((place, event))
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:  # the loop has ended, and with it whoever read
            self.dropped = True

    def forget(self, person_id: str) -> None:
        """Take a person out of what waits."""
        with self._lock:
            self._waiting = deque((place, without(event, person_id)) for place, event in self._waiting)

    def forget_all(self) -> None:
        """Take everything out of what waits."""
        with self._lock:
            self._waiting.clear()


class Feed:
    """Events of late, and who follows them.

    A place is the event's number with a word for this process: after a restart numbers begin anew, and whoever comes
    with a place of before is told all that happened since.
    """

    def __init__(self) -> None:
        self._run = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._kept: deque[tuple[int, Event]] = deque(maxlen=KEPT)
        self._followers: list[Follower] = []

    def listen(self, event: Event) -> None:
        """Keep an event, and tell its followers; an erased person, or collection, is forgotten at the same time."""
        with self._lock:
            if event.kind == "person.erased":
                self._forget(str(event.data.get("person_id")))
            elif event.kind == "collection.erased":
                self._forget_collection(event.collection)
            number = next(self._numbers)
            self._kept.append((number, event))
            for follower in self._followers:
                if follower.collection == event.collection:
                    follower.tell(f"{self._run}-{number}", event)

    def follow(self, collection: str, after: str | None) -> Follower | None:
        """Read what happens in a collection from now on; None where too many read.

        Args:
            collection: Its name.
            after: Place of the event that was read last; None, or an empty text, to begin now.
        """
        with self._lock:
            if len(self._followers) >= FOLLOWERS:
                return None
            run, _, text = (after or "").rpartition("-")
            read = int(text) if run == self._run and text.isdecimal() and len(text) < 19 else 0
            own = [(number, event) for number, event in self._kept if number > read and event.collection == collection]
            oldest = self._kept[0][0] if self._kept else 1
            waiting = [(f"{self._run}-{number}", event) for number, event in own[-AHEAD:]] if after else []
            missed = bool(after) and (run != self._run or len(own) > AHEAD or oldest > read + 1)
            follower = Follower(collection, waiting, missed=missed)
            self._followers.append(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        """Read no more."""
        with self._lock:
            self._followers.remove(follower)

    def recent(self, collection: str, wanted: Callable[[Event], bool], limit: int) -> list[Event]:
        """The latest of a collection's events, the newest first."""
        with self._lock:
            own = (event for _, event in reversed(self._kept) if event.collection == collection and wanted(event))
            return [*itertools.islice(own, limit)]

    def _forget_collection(self, collection: str | None) -> None:
        others = ((number, event) for number, event in self._kept if event.collection != collection)
        self._kept = deque(others, maxlen=KEPT)
        for follower in self._followers:
            if follower.collection == collection:
                follower.forget_all()

    def _forget(self, person_id: str) -> None:
        self._kept = deque(((number, without(event, person_id)) for number, event in self._kept), maxlen=KEPT)
        for follower in self._followers:
            follower.forget(person_id)


def without(event: Event, person_id: str) -> Event:
    """An event as it is told after a person was erased: with their key, and nothing else of them."""
    data = event.data
    if data.get("person_id") == person_id:
        data = {name: value for name, value in data.items() if name != "label"}
    people: list[Mapping[str, Any]] = data.get("people") or []
    if any(one.get("person_id") == person_id for one in people):
        rest = [{"person_id": person_id} if one.get("person_id") == person_id else one for one in people]
        data = {**data, "people": rest}
    return event if data is event.data else Event(event.kind, event.collection, data, event.event_id, event.time)
