"""Who connects and does not say what they want: a connection is held open for requests, not for silence.

A body has its time from where the request begins (see `mien.server.envelope`). Before that there is no request that
could be answered, and every connection takes one of the process's open files.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["PromptProtocol"]

HEAD_SECONDS = 20.0
"""Seconds in which the head of a request has to arrive."""


class PromptProtocol(HttpToolsProtocol):
    """uvicorn's, which waits for ever for the end of a head that somebody began."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of a head, or no more."""
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait_no_more()
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
