"""`mien serve` as a process of its own, for tests that look at it from outside."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from PIL import Image


def small(path: Path) -> bytes:
    """A photo made small, which is soon looked at."""
    with Image.open(path) as photo:
        photo.thumbnail((400, 400))
        encoded = io.BytesIO()
        photo.convert("RGB").save(encoded, "JPEG")
        return encoded.getvalue()


class Served:
    """A service that runs until it is stopped or killed; started again, it has the same address, gallery and keys.

    Attributes:
        url: Where it is, without ``/v1``.
        key: An admin's key.
    """

    def __init__(self, folder: Path, *, gallery: Path | str | None = None, state: Path | None = None, options=()):
        self.gallery = gallery or folder / "people.mien"
        self.state = state or folder / "service.db"
        self.log = folder / f"served-{id(self)}.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = None
        self._options = [str(option) for option in options]
        self.start()

    def start(self, **environment: str) -> None:
        where = ["--gallery", str(self.gallery), "--state", str(self.state), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mien", "serve", *where, *self._options],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
            )
        self._wait()
        keys = re.findall(r"mien_\S+", self.log.read_text())
        if self.key is None and keys:
            self.key = keys[0]

    def said(self) -> str:
        """What it printed."""
        return self.log.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=30)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def _wait(self) -> None:
        deadline = time.monotonic() + 120
        while True:
            assert self.process.poll() is None, self.said()
            try:
                with urllib.request.urlopen(f"{self.url}/v1/health", timeout=10):
                    return
            except OSError:
                if time.monotonic() > deadline:
                    self.kill()
                    raise
                time.sleep(0.05)
