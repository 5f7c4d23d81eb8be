"""The service: what routes, jobs and monitors work with."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from mien.server.access import Access
from mien.server.calibrations import Calibrations
from mien.server.challenges import Challenges
from mien.server.crops import Crops
from mien.server.database import Database
from mien.server.delivering import Courier
from mien.server.events import Bus
from mien.server.feed import Feed
from mien.server.galleries import Galleries
from mien.server.identifying import Identifying
from mien.server.jobs import Jobs
from mien.server.limits import Rate
from mien.server.metrics import Metrics
from mien.server.sessions import Sessions
from mien.server.streams import Streams
from mien.server.tasks import perform
from mien.server.vault import Vault
from mien.server.watching import Monitor
from mien.server.webhooks import Webhooks
from mien.server.work import Work

if TYPE_CHECKING:
    from mien.server.settings import Settings

__all__ = ["Service"]

_LAST = 5.0


class Service:
    """Everything that a service holds, made in the order in which it is needed and closed in the other one.

    Args:
        settings: How it runs.

    Attributes:
        settings: The same.
        database: The service's own file.
        access: Keys and collections.
        sessions: Who signed in to the page.
        calibrations: What each pipeline decides by.
        galleries: Open collections.
        crops: Pictures of faces, where a collection keeps them.
        bus: Tells of events.
        feed: Events of late, and who follows them.
        vault: Seals what only the service may know.
        webhooks: Who is told of events, and what is still to be told.
        jobs: What takes longer than a request.
        streams: What is watched all the time.
        metrics: What is counted.
        work: The models' queue.
        identifying: Who is in images, for requests.
        rate: How often each key may ask.
        attempts: How often each address may ask without a valid key.
        challenges: Checks for presentation attacks that are under way.
        stopping: Set when the service is to stop: whatever waits for something to happen ends then.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.state)
        self.access = Access(self.database)
        self.sessions = Sessions(self.database, self.access)
        self.bus = Bus()
        self.calibrations = Calibrations(self.database)
        self.galleries = Galleries(settings, self.access, self.bus, self.calibrations)
        self.crops = Crops(Vault(settings.crop_key or settings.state.with_name(f"{settings.state.name}.crop-key")))
        self.feed = Feed()
        self.vault = Vault(settings.state.with_name(f"{settings.state.name}.secret-key"))
        self.metrics = Metrics(lambda: self.work.waiting, lambda: self.jobs.counts(), lambda: self.streams.counts())
        self.webhooks = Webhooks(self.database, self.vault, self.metrics.told)
        self._courier = Courier(self.webhooks, private=settings.webhook_allow_private)
        self.bus.listen(self.webhooks.listen)
        self.bus.listen(self.feed.listen)
        self.jobs = Jobs(
            self.database,
            self.vault,
            self.bus,
            settings.state.with_name(f"{settings.state.name}.jobs"),
            limit=settings.max_upload,
            hours=settings.job_hours,
            work=partial(perform, self),
        )
        self.streams = Streams(
            self.database,
            self.vault,
            settings.state.with_name(f"{settings.state.name}.streams-lock"),
            most=settings.max_streams,
            fpir=lambda collection: self.galleries.rules(collection).fpir,
            calibrations=self.calibrations.version,
            run=Monitor(self).run,
        )
        self.work = Work(settings.queue, max_pixels=settings.max_pixels, seen=self.metrics.looked)
        self.identifying = Identifying(self.work, self.galleries, self.calibrations)
        self.challenges = Challenges()
        self.rate = Rate(settings.rate, settings.burst)
        self.attempts = Rate(settings.attempts, max(1, settings.attempts))
        self.stopping = threading.Event()

    def start(self) -> None:
        """Begin what runs beside requests."""
        self._courier.start()
        self.jobs.start()
        self.streams.start()

    def close(self) -> None:
        """Finish what was accepted, and let go of everything."""
        self.stopping.set()
        self._courier.close()
        # A camera that is being connected to may take longer, and holds nothing.
        self.streams.close(min(_LAST, self.settings.stop_seconds))
        self.jobs.close(min(_LAST, self.settings.stop_seconds))
        # What is still in a gallery after that time keeps it open: the process ends, and loses nothing by it.
        if self.work.close(self.settings.stop_seconds):
            self.galleries.close()
            self.database.close()
