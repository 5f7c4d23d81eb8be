"""Video files, and addresses that end: every frame, in order, with the time it is shown at."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import av

from mien.errors import InvalidArgument, UnreadableVideo
from mien.media.container import Connection, reason
from mien.media.timing import TOLERANCE, Clock, Sampler
from mien.media.upright import Uprighter
from mien.media.video import Frame, Video

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["VideoFile"]

_Decoded: TypeAlias = "tuple[float, VideoFrame]"

_STEPS_BACK = (0.0, 1.0, 10.0, math.inf)
"""Seconds before the time wanted at which a place to start decoding is looked for; the last is the file's start."""
_BEFORE = 1.0
"""Seconds before the first frame that are asked for to go to the beginning."""
_USUAL_RATE = 25.0
_SHORT = 1.0
"""A file that ends so many seconds before it said it would was cut off."""


class VideoFile(Video):
    """A video that ends, see `mien.media.open_video`."""

    live: ClassVar[bool] = False

    def __init__(self, connection: Connection, *, fps: float | None, start: float, end: float | None) -> None:
        self.name = connection.name
        self.rate, self.duration, self.audio = connection.rate, connection.duration, connection.audio
        self._connection = connection
        self._start, self._end = start, end
        self._sampler = Sampler(fps)
        # Several frames at once where the codec allows it: that keeps decoding ahead of the caller, too.
        connection.stream.thread_type = "AUTO"
        self._uprighter = Uprighter(self.name, connection.stream.sample_aspect_ratio)
        self._origin = (connection.container.start_time or 0) / av.time_base
        self._clock = Clock(self._origin, 1 / (self.rate or _USUAL_RATE))
        try:
            self._frames = self._open()
        except BaseException:
            connection.close()
            raise
        self._delivered = self._deliver()

    def __next__(self) -> Frame:
        return next(self._delivered)

    def close(self) -> None:  # noqa: D102
        self._delivered.close()
        self._frames.close()
        self._connection.close()

    def _open(self) -> Generator[_Decoded]:
        """Decode the first frame, which tells the upright size, and go to the start."""
        if self.duration is not None and self._start >= self.duration:
            message = f"start: {self.name} lasts {self.duration:g} s, and is to start at {self._start:g} s"
            raise InvalidArgument(message, duration=self.duration)
        frames = self._decode()
        first = next(frames, None)
        if first is None:
            damage = f": {self.damaged}" if self.damaged else ""
            raise UnreadableVideo(f"{self.name}: expected a video, got none that decodes{damage}", source=self.name)
        height, width = self._uprighter.convert(first[1]).shape[:2]
        self.size = (width, height)
        return self._seek(first, frames) if self._start > first[0] else _resume(first, frames)

    def _deliver(self) -> Generator[Frame]:
        index = 0
        for timestamp, frame in self._frames:
            if self._end is not None and timestamp >= self._end - TOLERANCE:
                return
            if timestamp >= self._start - TOLERANCE and self._sampler.takes(timestamp):
                yield Frame(self._uprighter.convert(frame), timestamp, index)
                index += 1

    def _seek(self, first: _Decoded, frames: Generator[_Decoded]) -> Generator[_Decoded]:
        """Frames from the last keyframe that is shown no later than the start; the caller drops what is too early.

        Indexes may point past the time asked for (they count decoding times), so the outcome is looked at.
        """
        for back in _STEPS_BACK:
            target = self._start - back
            from_beginning = target <= first[0]
            # Asked for its very first moment, a transport stream may go to the keyframe after it.
            if first[1].pts is None or not self._jump(first[0] - _BEFORE if from_beginning else target):
                break
            frames.close()
            frames = self._decode()
            landed = next(frames, None)
            if landed is not None and (self._leads_up(landed) or from_beginning):
                return _resume(landed, frames)
        return _resume(first, frames)

    def _leads_up(self, landed: _Decoded) -> bool:
        """Whether decoding from here gives every frame from the start on, whole."""
        timestamp, frame = landed
        return frame.key_frame and timestamp <= self._start + TOLERANCE

    def _jump(self, seconds: float) -> bool:
        """Go to a keyframe at or before this time; False where the file cannot be gone about in."""
        try:
            self._connection.container.seek(int((seconds + self._origin) * av.time_base))
        except av.FFmpegError:
            return False
        self._clock.restart()
        return True

    def _decode(self) -> Generator[_Decoded]:
        """Frames as they leave the decoder, from where the file stands, as far as they decode."""
        timestamp = 0.0
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                self.damaged = f"a part could not be decoded ({reason(error)})"
                continue
            for frame in frames:
                timestamp = self._clock.at(frame.time)
                if frame.is_corrupt:
                    self.damaged = "a part could not be decoded without faults"
                yield timestamp, frame
        promised = self._promised()
        if promised is not None and timestamp < promised - _SHORT and not self.damaged:
            self.damaged = f"cut off: {promised:.1f} s of pictures were promised, {timestamp:.1f} s came"

    def _promised(self) -> float | None:
        """How long the pictures are to last; where only the whole is known, sound may go on longer."""
        stream = self._connection.stream
        if stream.duration is not None and stream.time_base is not None:
            return float(stream.duration * stream.time_base)
        return None if self.audio else self.duration

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        """Packets, and at the end the empty one that makes the decoder give what it still holds."""
        stream = self._connection.stream
        try:
            yield from self._connection.container.demux(stream)
        except av.FFmpegError as error:
            self.damaged = f"cut off, or damaged from here on ({reason(error)})"
            end: Packet[VideoStream] = av.Packet()  # type: ignore[assignment]  # a packet of no stream yet
            end.stream = stream
            yield end


def _resume(first: _Decoded, rest: Generator[_Decoded]) -> Generator[_Decoded]:
    """The frame that was looked at, then those that follow it."""
    yield first
    yield from rest
