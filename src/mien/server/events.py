"""What happened, told to whoever listens: the live view, webhooks, monitors' lists."""

from __future__ import annotations

import datetime as dt
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from mien.gallery.people import now

if TYPE_CHECKING:
    from mien.gallery import Enrolment
    from mien.types import Decision

__all__ = ["Bus", "Event", "Listener"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        kind: ``"person.enrolled"``, ``"person.erased"``, ``"face.identified"``, ``"stream.recognised"``,
            ``"job.finished"`` ...: a subject and a past participle.
        collection: Where; None for what concerns the service.
        data: More, as JSON; names and keys of people, never a template or an image.
        event_id: Key of the event.
        time: UTC.
    """

    kind: str
    collection: str | None
    data: Mapping[str, Any]
    event_id: str = field(default_factory=lambda: secrets.token_hex(16))
    time: dt.datetime = field(default_factory=now)

    def to_dict(self) -> dict[str, Any]:
        """The event as JSON."""
        return {
            "event_id": self.event_id,
            "kind": self.kind,
            "collection": self.collection,
            "time": self.time.isoformat(),
            "data": dict(self.data),
        }


Listener: TypeAlias = Callable[[Event], None]
"""Called in the thread in which something happened: it must not wait, and must not raise."""


class Bus:
    """Tells every listener of every event."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell somebody of everything from now on; returns what ends that."""
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    def publish(self, kind: str, collection: str | None, **data: Any) -> Event:  # noqa: ANN401 - JSON
        """Tell everybody of something."""
        event = Event(kind, collection, data)
        with self._lock:
            listeners = [*self._listeners]
        for listener in listeners:
            listener(event)
        return event

    def enrolled(self, collection: str, done: Enrolment) -> None:
        """Tell that a person has more samples: ``person.enrolled``."""
        if done.added:
            more = {"person_id": done.person_id, "label": done.label, "samples": len(done.added)}
            self.publish("person.enrolled", collection, **more)

    def identified(self, collection: str, decisions: Iterable[Decision] | None) -> None:
        """Tell who was in an image: ``face.identified`` with the people, ``face.unknown`` with how many others."""
        made = [*(decisions or ())]
        people = [{"person_id": one.person.person_id, "label": one.person.label} for one in made if one.person]
        if people:
            self.publish("face.identified", collection, people=people)
        if len(people) < len(made):
            self.publish("face.unknown", collection, faces=len(made) - len(people))
