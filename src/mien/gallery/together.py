"""`Together`: what many threads ask for at the same time, done as one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

__all__ = ["Together"]

AskedT = TypeVar("AskedT")
GivenT = TypeVar("GivenT")


class Together(Generic[AskedT, GivenT]):
    """A group commit: whoever comes while some are being served is served next, with all who came meanwhile.

    Nobody waits for company, and nobody is told that it is done before it is.

    Args:
        serve: Serves some, in order, entirely or not at all: it returns one result each, or raises.
    """

    def __init__(self, serve: Callable[[Sequence[AskedT]], Sequence[GivenT]]) -> None:
        self._serve = serve
        self._turn = threading.Lock()
        self._waiting: list[tuple[AskedT, Future[GivenT]]] = []

    def __call__(self, asked: AskedT) -> GivenT:
        """What `serve` gives for one; raises what it raised for all that were served with it."""
        future: Future[GivenT] = Future()
        self._waiting.append((asked, future))
        with self._turn:
            if not future.done():
                self._serve_all()
        return future.result()

    def _serve_all(self) -> None:
        count = len(self._waiting)
        served, self._waiting[:count] = self._waiting[:count], []
        try:
            given = self._serve([asked for asked, _ in served])
        except BaseException as error:
            for _, future in served:
                future.set_exception(error)
            return
        for (_, future), one in zip(served, given, strict=True):
            future.set_result(one)
