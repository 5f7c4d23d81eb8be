"""The collections that a service serves: opened when first asked for, and kept open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mien.gallery import CollectionErasure, Gallery, Person
from mien.server.access import Access, ApiKey, Rules
from mien.server.calibrations import Calibrations
from mien.server.envelope import not_found
from mien.server.events import Bus
from mien.server.settings import Settings

__all__ = ["Galleries"]


class Galleries:
    """Collections of one gallery.

    Args:
        settings: Where it is.
        access: Which collections were made by the service.
        bus: Is told of people whose consent ran out.
        calibrations: What they decide by.
    """

    def __init__(self, settings: Settings, access: Access, bus: Bus, calibrations: Calibrations) -> None:
        self._bus = bus
        self._calibrations = calibrations
        self._settings = settings
        self._access = access
        # Opening one may tell of expired consents, and whoever hears it may ask for a collection.
        self._lock = threading.RLock()
        self._open: dict[str, Gallery] = {}
        self._known: dict[str, Gallery] = {}
        self._leaving: set[str] = set()
        self._epoch = access.epoch()

    def names(self) -> list[str]:
        """Every collection: those with people, and those that were made here."""
        return sorted({*self.main.collections(), *self._access.collections()} - self._leaving)

    def of(self, key: ApiKey, name: str) -> Gallery | None:
        """A collection; None where there is none, or none for this key."""
        self._forget_erased()
        if not key.may(name) or name not in self.names():
            return None
        found = self.opened(name)
        self._known[name] = found
        return found

    def known(self, key: ApiKey, name: str) -> Gallery | None:
        """As `of`, but without asking the store, of a collection that was found before: there it stays until erased."""
        if self._access.epoch() != self._epoch:
            return None
        return self._known.get(name) if key.may(name) else None

    @contextmanager
    def leaving(self, name: str) -> Iterator[None]:
        """There is no such collection for anybody who asks within the context.

        Raises:
            Refused: Somebody else is within it: for them as well.
        """
        with self._lock:
            if name in self._leaving:
                raise not_found(f"collection {name}")
            self._leaving.add(name)
            self._known.pop(name, None)
        try:
            yield
        finally:
            with self._lock:
                self._leaving.discard(name)

    def erase(self, name: str, actor: str, *, proof: bool) -> CollectionErasure:
        """Erase a collection that is `leaving`; see `mien.Gallery.erase_collection`."""
        # Whatever is under way in it ends there, and brings nobody back.
        self._let_go({name})
        with self._made(name) as gallery, gallery.acting(actor):
            return gallery.erase_collection(proof=proof)

    def _forget_erased(self) -> None:
        """Let go of what another process erased."""
        epoch = self._access.epoch()
        if epoch != self._epoch:
            there = {*self.names(), "main"}
            with self._lock:
                gone = {*self._open} - there
            self._let_go(gone)
            self._epoch = epoch

    def _let_go(self, names: set[str]) -> None:
        with self._lock:
            closing = [self._open.pop(name) for name in names if name in self._open]
            for name in names:
                self._known.pop(name, None)
        for gallery in closing:
            gallery.close()

    def asks_for_consent(self, name: str) -> bool:
        """Whether people are enrolled in a collection only with a purpose: unless it was made otherwise."""
        return self.rules(name).consent_required

    def rules(self, name: str) -> Rules:
        """What is asked for, and kept, in a collection."""
        return self._access.collections().get(name, Rules())

    @property
    def main(self) -> Gallery:
        """The collection by which the gallery as a whole is reached."""
        return self.opened("main")

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            for gallery in self._open.values():
                gallery.close()
            self._open.clear()
            self._known.clear()

    def opened(self, name: str) -> Gallery:
        """A collection, whoever may see it: for what the service itself does."""
        with self._lock:
            if name not in self._open:
                self._open[name] = self._made(name)
            return self._open[name]

    def _made(self, name: str) -> Gallery:
        return Gallery(
            self._settings.gallery,
            collection=name,
            key=self._settings.key_file,
            calibration=self._calibrations.of,
            on_expired=lambda person: self._expired(name, person),
        )

    def _expired(self, name: str, person: Person) -> None:
        self._bus.publish("person.erased", name, person_id=person.person_id)
