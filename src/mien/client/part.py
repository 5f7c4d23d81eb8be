"""`Part`: what every part of a client rests on."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from mien.client.documents import PersonRecord
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

    def _edit(self, path: str, document: Mapping[str, object], request: str | None) -> PersonRecord:
        """Sent again by itself where the answer was lost, and done once all the same."""
        headers = {"Idempotency-Key": request or secrets.token_hex(16)}
        done: PersonRecord = self._transport.ask("POST", path, document=document, headers=headers, repeatable=True)
        return done
