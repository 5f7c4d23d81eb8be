"""The models' queue: bounded, fair between holders, in batches, off the event loop.

Images that wait at the same time go through the networks as one batch, which costs a quarter less than one by one.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from mien.media.image import MAX_PIXELS, Photo, decode
from mien.models import available_threads
from mien.server.answers import Failed, result_of, tell
from mien.types import Faces

if TYPE_CHECKING:
    from mien.media import Source
    from mien.recognition import Pipeline

__all__ = ["Busy", "Work"]

ResultT = TypeVar("ResultT")

_BATCH = 8
# A batch is split among so many processors at most. On two of them a second thread makes an image cost a tenth more,
# and takes memory for a second batch.
_PROCESSORS = 4
# Photos of one batch are in memory at the same time: a batch ends early past this many pixels.
_BATCH_PIXELS = 16_000_000


class Busy(Exception):
    """The queue is full.

    Attributes:
        retry_after: Seconds until there is probably room.
    """

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after


@dataclass(slots=True, eq=False)
class _Task:
    """What somebody waits for, in an event loop."""

    holder: str
    future: asyncio.Future[Any]


@dataclass(slots=True, eq=False)
class _Look(_Task):
    """An image whose faces are wanted."""

    source: Source
    pipeline: Callable[[], Pipeline]


@dataclass(slots=True, eq=False)
class _Call(_Task):
    """Other work."""

    call: Callable[[], Any]


class Work:
    """What the models have to do, of one holder after the other.

    A holder may have as many places as are left free. One alone gets half of them, two get a third each: however
    greedy they are, there is a place for who comes next.

    Args:
        limit: Requests that wait, or are worked on, at most.
        max_pixels: Largest image.
        threads: How many batches are worked on at once; by default one for every four processors.
        seen: Told of every batch: how many images it had, and how many faces they.

    Attributes:
        waiting: Requests that wait, or are worked on.
        closed: Whether no more are accepted.
    """

    def __init__(
        self,
        limit: int,
        *,
        max_pixels: int = MAX_PIXELS,
        threads: int | None = None,
        seen: Callable[[int, int], None] | None = None,
    ) -> None:
        self.limit = limit
        self.waiting = 0
        self._max_pixels = max_pixels
        self._seen = seen
        self._held: dict[str, int] = {}
        self._turns: OrderedDict[str, deque[_Look | _Call]] = OrderedDict()
        self._changed = threading.Condition()
        self.closed = False
        self._at_once = threads or math.ceil(available_threads() / _PROCESSORS)
        self._seconds = 0.1 / self._at_once
        self._threads: list[threading.Thread] = []
        self._deciding = ThreadPoolExecutor(_BATCH, thread_name_prefix="mien-decide")

    async def look(self, source: Source, holder: str, pipeline: Callable[[], Pipeline] | None = None) -> Faces:
        """The faces of an image, as `mien.find` finds them; what is wrong with it concerns nobody else.

        Args:
            source: The image.
            holder: Whose turn it takes.
            pipeline: Gives what finds and embeds; the default pipeline otherwise.

        Raises:
            Busy: Too many wait; nothing was done.
            UnreadableImage, ImageTooLarge: As in `mien.find`.
        """
        from mien.recognition import default_pipeline

        future: asyncio.Future[Faces] = asyncio.get_running_loop().create_future()
        await self._accepted(_Look(holder, future, source, pipeline or default_pipeline))
        return future.result()

    async def run(self, call: Callable[[], ResultT], holder: str = "") -> ResultT:
        """What a call returns that uses the models, when its holder's turn came.

        Raises:
            Busy: Too many wait; nothing was done.
        """
        future: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        await self._accepted(_Call(holder, future, partial(copy_context().run, call)))
        return future.result()

    async def decide(self, call: Callable[[], ResultT]) -> ResultT:
        """What a call returns that needs the gallery but not the models: beside queue and event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._deciding, copy_context().run, call)

    def close(self, timeout: float | None = None) -> bool:
        """Finish what was accepted; returns whether that took no longer than the timeout, in seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            self.closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))
        done = not any(thread.is_alive() for thread in self._threads)
        self._deciding.shutdown(wait=done)
        return done

    async def _accepted(self, task: _Look | _Call) -> None:
        with self._changed:
            own = self._held.get(task.holder, 0)
            if self.closed or own >= self.limit - self.waiting:
                raise Busy(max(1, math.ceil(self.waiting * self._seconds)))
            self.waiting += 1
            self._held[task.holder] = own + 1
            self._turns.setdefault(task.holder, deque()).append(task)
            self._changed.notify()
            while len(self._threads) < self._at_once:
                self._threads.append(threading.Thread(target=self._serve, name="mien-work", daemon=True))
                self._threads[-1].start()
        try:
            await task.future
        except asyncio.CancelledError:
            self._withdraw(task)
            raise

    def _withdraw(self, task: _Look | _Call) -> None:
        """Its client went away: its place is free, unless it is worked on, and then when that is done."""
        with self._changed:
            own = self._turns.get(task.holder)
            if own is None or task not in own:
                return
            own.remove(task)
            if not own:
                del self._turns[task.holder]
            self._leave(task.holder)

    def _leave(self, holder: str) -> None:
        self.waiting -= 1
        self._held[holder] -= 1
        if not self._held[holder]:
            del self._held[holder]

    def _answer(self, answers: Sequence[tuple[_Task, Any]]) -> None:
        with self._changed:
            for task, _ in answers:
                self._leave(task.holder)
        tell([(task.future, result) for task, result in answers])

    def _serve(self) -> None:
        while (task := self._next()) is not None:
            start = time.perf_counter()
            if isinstance(task, _Call):
                self._answer([(task, result_of(task.call))])
                done = 1
            else:
                done = self._look_at_those_with(task)
            taken = (time.perf_counter() - start) / done / self._at_once
            with self._changed:
                self._seconds += 0.1 * (taken - self._seconds)

    def _next(self) -> _Look | _Call | None:
        """Whose turn it is; waits for somebody, None where nobody will come."""
        with self._changed:
            while not self._turns:
                if self.closed:
                    return None
                self._changed.wait()
            return self._taken()

    def _next_look(self) -> _Look | None:
        """Whose turn it is, if that is somebody with an image."""
        with self._changed:
            if self._turns and isinstance(next(iter(self._turns.values()))[0], _Look):
                task = self._taken()
                assert isinstance(task, _Look)
                return task
        return None

    def _taken(self) -> _Look | _Call:
        holder, own = next(iter(self._turns.items()))
        task = own.popleft()
        if own:
            self._turns.move_to_end(holder)
        else:
            del self._turns[holder]
        return task

    def _look_at_those_with(self, first: _Look) -> int:
        """Look at an image, and at those that wait, in one batch; returns how many they were."""
        batches: dict[Pipeline, list[tuple[_Look, Photo]]] = {}
        answers: list[tuple[_Task, Any]] = []
        count, pixels, task = 0, 0, first
        while True:
            count += 1
            try:
                photo = decode(task.source, max_pixels=self._max_pixels)
                batches.setdefault(task.pipeline(), []).append((task, photo))
                pixels += photo.image.size // 3
            except BaseException as error:
                answers.append((task, Failed(error)))
            if count == _BATCH or pixels > _BATCH_PIXELS or (following := self._next_look()) is None:
                break
            task = following
        for pipeline, batch in batches.items():
            answers += self._found(pipeline, batch)
        self._answer(answers)
        return count

    def _found(self, pipeline: Pipeline, batch: list[tuple[_Look, Photo]]) -> list[tuple[_Task, Any]]:
        tasks = [task for task, _ in batch]
        try:
            found = pipeline.find_decoded([photo for _, photo in batch], [0] * len(batch))
        except BaseException as error:
            if len(batch) == 1:
                return [(tasks[0], Failed(error))]
            # Whose image it was shows when each is looked at alone.
            return [answer for one in batch for answer in self._found(pipeline, [one])]
        if self._seen is not None:
            self._seen(len(batch), sum(map(len, found)))
        return list(zip(tasks, found, strict=True))
