"""The models' queue: bounded, off the event loop, and telling who comes too many when to come back."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

__all__ = ["Busy", "Work"]

ResultT = TypeVar("ResultT")


class Busy(Exception):
    """The queue is full.

    Attributes:
        retry_after: Seconds until there is probably room.
    """

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after


class Work:
    """Runs calls one after the other: the networks use every processor by themselves.

    Args:
        limit: Calls that wait or run at most.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.waiting = 0
        self._seconds = 0.1
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mien-work")

    async def run(self, call: Callable[[], ResultT]) -> ResultT:
        """What a call returns, when its turn came.

        Raises:
            Busy: Too many wait; nothing was done.
        """
        with self._lock:
            if self.waiting >= self.limit:
                raise Busy(max(1, math.ceil(self.waiting * self._seconds)))
            self.waiting += 1
        future = self._pool.submit(partial(self._timed, call))
        # What was accepted is finished, also where its client goes away; its place is free only then.
        future.add_done_callback(self._left)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Finish what was accepted."""
        self._pool.shutdown(wait=True)

    def _timed(self, call: Callable[[], ResultT]) -> ResultT:
        start = time.perf_counter()
        try:
            return call()
        finally:
            self._seconds += 0.1 * (time.perf_counter() - start - self._seconds)

    def _left(self, _: object) -> None:
        with self._lock:
            self.waiting -= 1
