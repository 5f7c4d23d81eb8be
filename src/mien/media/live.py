"""Live streams and cameras: always the newest frame, and back again after the line was lost."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import av

from mien.errors import ImageTooLarge, StreamUnavailable
from mien.media.container import Connection, reason
from mien.media.timing import Pace, Sampler
from mien.media.upright import Uprighter
from mien.media.video import Frame, LiveOptions, Video

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

__all__ = ["LiveVideo"]

_JOIN = 1.0
"""Seconds that closing waits for the reader; one that waits for data ends by itself at its timeout."""
_HEARTBEAT = 0.5
"""Seconds between looks at signals while waiting: an endless wait cannot be interrupted on Windows."""


class _Newest(NamedTuple):
    frame: VideoFrame
    timestamp: float
    uprighter: Uprighter


class LiveVideo(Video):
    """A stream that is happening, see `mien.media.open_video`.

    A thread reads and decodes, and keeps the newest frame; the caller's thread converts those it takes. Timestamps
    are the time of arrival: what cameras and motion JPEG say of time is often made up, and starts anew with each
    connection. When the line is lost it connects again, with growing pauses.

    Args:
        connection: The first connection, open.
        connect: Opens another, or raises `StreamUnavailable`.
        options: Timeouts and patience.
        fps: Deliver at most so many frames a second.
        end: Seconds from the first frame after which the iterator ends.

    Raises:
        StreamUnavailable: No frame came; while reading: none has come for ``options.give_up_after`` seconds.
    """

    live: ClassVar[bool] = True

    def __init__(
        self,
        connection: Connection,
        connect: Callable[[], Connection],
        options: LiveOptions,
        *,
        fps: float | None,
        end: float | None,
    ) -> None:
        self.name, self.rate, self.audio = connection.name, connection.rate, connection.audio
        self.duration = None
        self._connect, self._options, self._end = connect, options, end
        self._sampler = Sampler(fps)
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._newest: _Newest | None = None
        self._lost: str | None = None
        self._began: float | None = None
        self._heard = time.perf_counter()
        self._index = 0
        self._reader = threading.Thread(target=self._run, args=(connection,), name="mien-live", daemon=True)
        self._reader.start()
        try:
            newest = self._await()
            height, width = newest.uprighter.convert(newest.frame).shape[:2]
        except BaseException:
            self.close()
            raise
        self.size = (width, height)

    def __next__(self) -> Frame:
        newest = self._await()
        if self._end is not None and newest.timestamp >= self._end:
            self.close()
            raise StopIteration
        with self._changed:
            newest, self._newest = self._newest or newest, None
        self._index += 1
        return Frame(newest.uprighter.convert(newest.frame), newest.timestamp, self._index - 1)

    def close(self) -> None:  # noqa: D102
        self._stopped.set()
        with self._changed:
            self._newest = None
            self._changed.notify_all()
        self._reader.join(_JOIN)

    def _await(self) -> _Newest:
        """The newest frame, left where it is."""
        with self._changed:
            while self._newest is None:
                if self._stopped.is_set():
                    raise StopIteration
                if self._lost is not None:
                    raise StreamUnavailable(f"{self.name}: {self._lost}", source=self.name)
                self._changed.wait(_HEARTBEAT)
            return self._newest

    def _run(self, connection: Connection | None) -> None:
        try:
            while connection is not None:
                with contextlib.closing(connection):
                    problem = self._read(connection)
                connection = self._reconnect(problem)
        except Exception as error:  # whoever waits for a frame has to be told, whatever it was
            self._give_up(f"reading failed: {error}")

    def _read(self, connection: Connection) -> str:
        """Keep the newest frame until the connection ends; says why it did."""
        # Decoding frames side by side would hold each back by a frame for every thread.
        connection.stream.thread_type = "SLICE"
        uprighter = Uprighter(self.name, connection.stream.sample_aspect_ratio)
        pace = Pace() if connection.in_bursts else None
        try:
            for packet in connection.container.demux(connection.stream):
                with contextlib.suppress(av.error.InvalidDataError):  # a picture lost on the way; others follow
                    for frame in packet.decode():
                        if pace is not None and frame.time is not None:
                            self._stopped.wait(pace.wait(frame.time))
                        self._offer(frame, uprighter)
                if self._stopped.is_set():
                    break
                if self._silence() > self._options.give_up_after:
                    return "nothing that came could be decoded"
        except av.FFmpegError as error:
            return f"the stream was lost ({reason(error)})"
        return "the stream ended"

    def _offer(self, frame: VideoFrame, uprighter: Uprighter) -> None:
        self._heard = time.perf_counter()
        if self._began is None:
            self._began = self._heard
        timestamp = self._heard - self._began
        if not self._sampler.takes(timestamp):
            return
        with self._changed:
            if self._stopped.is_set():
                return
            self.dropped += self._newest is not None
            self._newest = _Newest(frame, timestamp, uprighter)
            self._changed.notify_all()

    def _reconnect(self, problem: str) -> Connection | None:
        pause = self._options.first_pause
        while not self._stopped.wait(pause):
            if self._began is None or self._silence() > self._options.give_up_after:
                self._give_up(f"no frame for {self._silence():.0f} s: {problem}")
                break
            try:
                return self._connect()
            except (StreamUnavailable, ImageTooLarge) as error:
                problem = error.message.removeprefix(f"{self.name}: ")
            pause = min(2 * pause, self._options.longest_pause)
        return None

    def _silence(self) -> float:
        """Seconds since the last frame, or since the first connection."""
        return time.perf_counter() - self._heard

    def _give_up(self, problem: str) -> None:
        with self._changed:
            self._lost = problem
            self._changed.notify_all()
