"""`Part`: what every part of a client rests on."""

from __future__ import annotations

from mien.client.transport import Transport

__all__ = ["Part"]


class Part:
    """One collection of a service.

    Attributes:
        collection: Its name.
    """

    def __init__(self, transport: Transport, collection: str) -> None:
        self._transport = transport
        self.collection = collection
