"""What the service counts, for Prometheus: by route and outcome, never by anything that a client chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.registry import Collector

from mien.errors import InvalidArgument, StoreError

if TYPE_CHECKING:
    from mien.types import Decision

__all__ = ["CONTENT_TYPE", "Metrics", "Outcome"]

Outcome: TypeAlias = Literal["delivered", "retried", "dead"]

CONTENT_TYPE = CONTENT_TYPE_PLAIN_1_0_0

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class _Known(Collector):
    """What lies in the service's file, where every process sees the same, counted when somebody asks."""

    def __init__(
        self, name: str, text: str, labels: list[str], count: Callable[[], Mapping[tuple[str, ...], int]]
    ) -> None:
        self._family = name, text, labels
        self._count = count

    def collect(self) -> Iterator[GaugeMetricFamily]:
        name, text, labels = self._family
        family = GaugeMetricFamily(name, text, labels=labels)
        try:
            counted = self._count()
        except StoreError:
            # A file that cannot be read is no reason to hide the rest; series that are missing can be seen.
            return
        for values, number in counted.items():
            family.add_metric(values, number)
        yield family


class Metrics:
    """The counters of one service.

    Args:
        waiting: Says how many requests wait for the models, or have them.
        jobs: Says how many jobs are known, by kind and state.
        streams: Says how many streams are known, by state.

    Attributes:
        requests: By method, route (a template, such as ``/v1/collections/{collection}/identify``) and status.
        seconds: From a request's head to its answer's end, by route.
        refused: Answers that are no success, by the code of their envelope.
        batches: Images that went through the networks at once.
        faces: Faces found.
        decisions: By kind (``"identify"``, ``"verify"``) and whether it was a match.
        deliveries: Tries to tell webhooks something, by what came of them.
    """

    def __init__(
        self,
        waiting: Callable[[], float],
        jobs: Callable[[], Mapping[tuple[str, ...], int]],
        streams: Callable[[], Mapping[tuple[str, ...], int]],
    ) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        labels = ["method", "route", "status"]
        self.requests = Counter("mien_requests", "Requests answered.", labels, registry=registry)
        text = "Seconds from a request's head to its answer's end."
        self.seconds = Histogram("mien_request_seconds", text, ["route"], buckets=_SECONDS, registry=registry)
        text = "Answers that are no success, by the code in their envelope."
        self.refused = Counter("mien_refused", text, ["code"], registry=registry)
        text = "Images that went through the networks together."
        self.batches = Histogram("mien_batch_images", text, buckets=(1, 2, 4, 8), registry=registry)
        self.faces = Counter("mien_faces", "Faces found.", registry=registry)
        self.decisions = Counter("mien_decisions", "Decisions made.", ["kind", "match"], registry=registry)
        gauge = Gauge("mien_waiting", "Requests that wait for the models, or have them.", registry=registry)
        gauge.set_function(waiting)
        registry.register(_Known("mien_jobs", "Jobs that are known.", ["kind", "state"], jobs))
        registry.register(_Known("mien_streams", "Streams that are known.", ["state"], streams))
        text = "Tries to tell webhooks something, by what came of them."
        self.deliveries = Counter("mien_webhook_deliveries", text, ["outcome"], registry=registry)
        for outcome in get_args(Outcome):
            self.deliveries.labels(outcome)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def looked(self, images: int, faces: int) -> None:
        """Count a batch."""
        self.batches.observe(images)
        self.faces.inc(faces)

    def decided(self, kind: str, decisions: Iterable[Decision] | None) -> None:
        """Count decisions."""
        for decision in decisions or ():
            self.decisions.labels(kind, str(decision.match).lower()).inc()

    def told(self, outcome: Outcome) -> None:
        """Count a try to tell a webhook something."""
        self.deliveries.labels(outcome).inc()

    def text(self) -> bytes:
        """Everything, in Prometheus' format."""
        return generate_latest(self.registry)

    @contextmanager
    def serving(self, address: str) -> Iterator[None]:
        """Serve them at an address of their own meanwhile, to whoever can reach it.

        Args:
            address: ``HOST:PORT``.

        Raises:
            InvalidArgument: No such address, or it is taken.
        """
        host, _, port = address.rpartition(":")
        try:
            server, thread = start_http_server(int(port), host.strip("[]") or "127.0.0.1", self.registry)
        except (ValueError, OSError, OverflowError) as error:
            message = f"metrics address: expected HOST:PORT that is free, got {address!a} ({error})"
            raise InvalidArgument(message) from error
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
