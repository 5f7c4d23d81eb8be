"""The service: what routes, jobs and monitors work with."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from mien.server.access import Access
from mien.server.database import Database
from mien.server.events import Bus
from mien.server.galleries import Galleries
from mien.server.sessions import Sessions
from mien.server.work import Work

if TYPE_CHECKING:
    from mien.server.settings import Settings

__all__ = ["Service"]


class Service:
    """Everything that a service holds, made in the order in which it is needed and closed in the other one.

    Args:
        settings: How it runs.

    Attributes:
        settings: The same.
        database: The service's own file.
        access: Keys and collections.
        sessions: Who signed in to the page.
        galleries: Open collections.
        bus: Tells of events.
        work: The models' queue.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.state)
        self.access = Access(self.database)
        self.sessions = Sessions(self.database, self.access)
        self.galleries = Galleries(settings, self.access)
        self.bus = Bus()
        self.work = Work(settings.queue)

    def start(self) -> None:
        """Begin what runs beside requests."""

    def close(self) -> None:
        """Finish what was accepted, and let go of everything."""
        with suppress(RuntimeError):
            self.work.close()
        self.galleries.close()
