"""A collection is erased with all that the service has of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.errors import StoreUnavailable
from mien.server.envelope import Refused

if TYPE_CHECKING:
    from mien.gallery import CollectionErasure
    from mien.server.access import ApiKey
    from mien.server.service import Service

__all__ = ["erase_collection"]

PATIENCE = 10.0
"""Seconds that jobs and watchers of the collection may take to end."""


def erase_collection(service: Service, key: ApiKey, name: str, *, proof: bool) -> tuple[CollectionErasure, int, int]:
    """Erase a collection with its jobs, streams, webhooks, rules and grants.

    What could bring somebody back, or tell of them, ends before anybody is removed; who may see a collection of that
    name is forgotten last, so that a call that did not come to its end can be made again.

    Args:
        service: Which.
        key: Who asks.
        name: Of the collection.
        proof: See `mien.Gallery.erase_collection`.

    Returns:
        What was erased, from how many other keys the grant was taken, and how many of them were revoked by it.

    Raises:
        Refused: A job or a watcher did not end; nobody was removed.
        StoreUnavailable: As in `mien.Gallery.erase_collection`.
    """
    with service.galleries.leaving(name):
        # One that only the gallery knew of would be gone from sight before all of it is.
        service.access.declare(name)
        if not (service.jobs.remove_all(name, PATIENCE) and service.streams.remove_all(name, PATIENCE)):
            message = (
                "expected a collection in which nothing runs; a job or a stream takes long to end: come back in 10 s"
            )
            raise Refused(409, "collection_busy", message, {"Retry-After": "10"})
        service.webhooks.remove_all(name)
        try:
            done = service.galleries.erase(name, key.key_id, proof=proof)
        except StoreUnavailable as error:
            if error.details.get("removed"):
                _forget(service, key, name)
            raise
        return done, *_forget(service, key, name)


def _forget(service: Service, key: ApiKey, name: str) -> tuple[int, int]:
    service.bus.publish("collection.erased", name)
    return service.access.erased(name, key.key_id)
