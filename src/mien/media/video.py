"""Video in: a file, a network stream or a camera becomes upright RGB frames with true timestamps, one at a time."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Literal, NamedTuple, Self

from mien.errors import InvalidArgument
from mien.types import Image

__all__ = ["VIDEO_EXTENSIONS", "Frame", "LiveOptions", "Video", "is_video", "open_video"]

VIDEO_EXTENSIONS = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".3gp", ".wmv", ".asf"}
    | {".flv", ".ogv", ".mxf", ".vob", ".dv", ".y4m"}
)
"""What counts as a video in a folder."""


class Frame(NamedTuple):
    """One frame of a video.

    Attributes:
        image: (height, width, 3) uint8, RGB, upright, square pixels.
        timestamp: Seconds from the start of the file, or from the first frame of a live stream.
        index: Position among the frames delivered, from 0.
    """

    image: Image
    timestamp: float
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody misses here


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How patient a live stream is.

    Attributes:
        open_timeout: Seconds one attempt to connect may take.
        read_timeout: Seconds without data after which a connection counts as lost.
        give_up_after: Seconds without a frame after which a stream that was lost is given up.
        first_pause: Seconds before the first attempt to reconnect; each further pause is twice the one before.
        longest_pause: Where the doubling ends.
        transport: What RTSP travels over; UDP loses packets, and many routers lose all of it.
    """

    open_timeout: float = 10.0
    read_timeout: float = 5.0
    give_up_after: float = 60.0
    first_pause: float = 0.5
    longest_pause: float = 8.0
    transport: Literal["tcp", "udp"] = "tcp"

    def __post_init__(self) -> None:
        for name in ("open_timeout", "read_timeout", "give_up_after", "first_pause", "longest_pause"):
            seconds = getattr(self, name)
            if not (math.isfinite(seconds) and seconds > 0):
                raise InvalidArgument(f"{name}: expected a positive number of seconds, got {seconds!r}")
        if self.transport not in {"tcp", "udp"}:
            raise InvalidArgument(f"transport: expected 'tcp' or 'udp', got {self.transport!r}")


class Video(ABC):
    """A video that is being read: a context manager, and an iterator of `Frame` that goes through once.

    Frames are decoded as they are asked for, and memory does not grow with the length of the video. Frames have the
    size they were recorded with, so that where a stream changes size midway they differ from ``size``.

    Attributes:
        name: What to call it in messages and reports; shows no password.
        live: Whether it happens now: frames not asked for in time are dropped for the newest.
        size: Width and height of the first frame in pixels, upright.
        rate: Nominal frames a second of the source, None where it says nothing.
        duration: Seconds, None where unknown.
        audio: Whether there is sound.
        dropped: Frames of a live stream that were never delivered because a newer one was there.
        damaged: What was wrong with a file whose frames were delivered as far as they decode; None so far.
    """

    live: ClassVar[bool]
    name: str
    size: tuple[int, int]
    rate: float | None
    duration: float | None
    audio: bool
    dropped: int = 0
    damaged: str | None = None

    @abstractmethod
    def __next__(self) -> Frame: ...

    @abstractmethod
    def close(self) -> None:
        """Let go of the file, connection or camera; the iterator ends."""

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        width, height = self.size
        return f"<{type(self).__name__} {self.name}: {width}x{height}>"


def is_video(path: str | os.PathLike[str]) -> bool:
    """Whether the name says that this is a video, by `VIDEO_EXTENSIONS`; nothing is opened."""
    return Path(path).suffix.lower() in VIDEO_EXTENSIONS


def open_video(
    source: str | os.PathLike[str],
    *,
    fps: float | None = None,
    start: float = 0.0,
    end: float | None = None,
    live: LiveOptions | None = None,
) -> Video:
    """Open a video for reading; its first frame is decoded at once, so that what cannot be read is refused here.

    Turned upright by its display matrix, non-square pixels made square, colours converted by the range and matrix the
    stream states (where it states none: BT.601 up to 576 lines, BT.709 above, as players do).

    Args:
        source: A path, ``rtsp://`` or ``rtsps://``, ``http://`` or ``https://`` (a file, HLS, MJPEG or MPEG-TS), or
            ``camera:0``. An address that says how long it lasts is read like a file, any other is live.
        fps: Deliver at most so many frames a second, chosen by timestamp.
        start: Seconds from the start; the first frame delivered is the first at or after it. Files only.
        end: Seconds from the start; frames from then on are not delivered.
        live: Timeouts and reconnection of live streams.

    Returns:
        The open video; close it, or use it in a ``with`` statement.

    Raises:
        UnreadableVideo: Missing, empty, damaged beyond use, without pictures, or no video.
        StreamUnavailable: A stream or camera that cannot be opened; raised while reading when it was lost for good.
        ImageTooLarge: Frames of more than `MAX_PIXELS`.
        InvalidArgument: A rate or time out of range, or an address of an unknown kind.
    """
    _check_range(fps, start, end)
    # PyAV is loaded only where a video is opened.
    from mien.media import container
    from mien.media.clip import VideoFile
    from mien.media.live import LiveVideo

    options = live or LiveOptions()
    origin = container.locate(source)
    if isinstance(origin, Path):
        return VideoFile(container.open_file(origin), fps=fps, start=start, end=end)
    connection = container.connect(origin, options)
    if connection.finite:
        return VideoFile(connection, fps=fps, start=start, end=end)
    if start:
        connection.close()
        raise InvalidArgument(f"start: {origin.name} is live and has no {start:g} seconds to skip")
    return LiveVideo(connection, lambda: container.connect(origin, options), options, fps=fps, end=end)


def _check_range(fps: float | None, start: float, end: float | None) -> None:
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise InvalidArgument(f"fps: expected a positive number of frames a second, got {fps!r}")
    if not (math.isfinite(start) and start >= 0):
        raise InvalidArgument(f"start: expected seconds from the start, 0 or more, got {start!r}")
    if end is not None and not end > start:
        raise InvalidArgument(f"end: expected a time after the start ({start:g} s), got {end!r}")
