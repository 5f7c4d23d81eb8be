"""The service as a process, and how it ends."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from mien.server.heads import PromptProtocol

if TYPE_CHECKING:
    from fastapi import FastAPI

    from mien.server.service import Service

__all__ = ["serve"]

# What cannot be ended in good order any more is ended; a store loses nothing by it.
_PATIENCE = 5


def serve(
    app: FastAPI,
    listener: socket.socket,
    *,
    certificate: Path | None = None,
    certificate_key: Path | None = None,
    drain: float = 0,
) -> None:
    """Serve until SIGINT or SIGTERM comes; then finish what was accepted, and close. A second signal ends at once.

    Args:
        app: What to serve, as from `mien.server.create_app`.
        listener: Where, as from `mien.server.listening.listening`.
        certificate: Certificates for TLS, PEM; None for plain HTTP.
        certificate_key: Their key, PEM; None where it lies with them.
        drain: How long to serve on after the signal, in seconds. ``/v1/ready`` says 503 meanwhile, so that a load
            balancer sends nobody else.
    """
    service: Service = app.state.service
    config = uvicorn.Config(
        app,
        http=PromptProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        ssl_certfile=certificate,
        ssl_keyfile=certificate_key,
        timeout_graceful_shutdown=int(service.settings.stop_seconds),
    )
    _Server(config, service, drain).run([listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, service: Service, drain: float) -> None:
        super().__init__(config)
        self._service = service
        self._drain = drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._service.stopping.is_set():
            os._exit(128 + sig)
        self._service.stopping.set()
        # The requests' share, and then the queue's.
        longest = self._drain + 2 * self._service.settings.stop_seconds + _PATIENCE
        watchdog = threading.Timer(longest, os._exit, (128 + sig,))
        watchdog.daemon = True
        watchdog.start()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.sleep(self._drain)
        await super().shutdown(sockets)
