"""The sound of one file, brought into another a piece at a time."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import av

from mien.media.container import open_container

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet

__all__ = ["Soundtrack"]

_MP4 = {"aac", "mp3", "ac3", "eac3", "alac", "opus"}
_HELD = {
    "mp4": _MP4,
    "mov": _MP4 - {"opus"} | {"pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_f32le"},
    "webm": {"opus", "vorbis"},
}
"""What players expect in a container; Matroska holds anything."""
_EDITED = {"mp4", "mov"}
"""Containers with an edit list; the others would move everything for sound from before the start."""
_RATE = 48_000
"""Samples a second where sound is encoded anew; the only rate at home in both AAC and Opus."""


class Soundtrack:
    """Copies the sound of a file into a container that is being written; encodes it anew only where it must.

    Args:
        output: The container; its header is not written yet.
        source: The file whose sound it is.
        start: Seconds from the start of the source that become 0.
        end: Seconds from the start of the source at which the sound ends, None for all.

    Raises:
        UnreadableVideo: The source cannot be read.
    """

    def __init__(
        self, output: OutputContainer, source: str | os.PathLike[str], *, start: float, end: float | None
    ) -> None:
        self._output = output
        self._input = open_container(Path(source))
        self._start = start
        self._length = math.inf if end is None else end - start
        self._origin = (self._input.start_time or 0) / av.time_base
        self._pending: tuple[float, Packet[Any]] | None = None
        self._packets: Iterator[tuple[float, Packet[Any]]] = iter(())
        best = self._input.streams.best("audio")
        if best is not None:
            self._begin(cast("AudioStream", best))

    def _begin(self, source: AudioStream) -> None:
        held = _HELD.get(self._output.format.name)
        self._copies = held is None or source.codec.canonical_name in held
        if self._copies:
            self._stream: AudioStream = self._output.add_stream_from_template(source)
        else:
            webm = self._output.format.name == "webm"
            self._stream = self._output.add_stream("libopus" if webm else "aac", rate=_RATE)
            self._stream.codec_context.layout = "mono" if source.channels == 1 else "stereo"
        if self._start > 0:
            self._input.seek(int((self._start + self._origin) * av.time_base))
        self._packets = self._read(source)

    def write_until(self, seconds: float) -> None:
        """Write what sounds before this time of the new video."""
        while True:
            if self._pending is None:
                self._pending = next(self._packets, None)
            if self._pending is None or self._pending[0] >= seconds:
                return
            self._output.mux_one(self._pending[1])
            self._pending = None

    def close(self) -> None:
        """Close the source."""
        self._packets = iter(())
        self._input.close()

    def _read(self, source: AudioStream) -> Iterator[tuple[float, Packet[Any]]]:
        """Packets of the new stream with their time in it; sound that is damaged ends where it is."""
        pieces = self._copy(source) if self._copies else self._encode(source)
        try:
            for piece in pieces:
                seconds = float((piece.pts or 0) * piece.time_base)
                if seconds >= self._length:
                    return
                yield seconds, piece
        except av.FFmpegError:
            return

    def _copy(self, source: AudioStream) -> Iterator[Packet[Any]]:
        for packet in self._input.demux(source):
            if packet.pts is None or not packet.size:  # the empty packet that ends a stream
                continue
            shift = round((self._origin + self._start) / packet.time_base)
            # What comes before the file's start is there for the decoder to settle on, where a container can say so.
            if packet.pts < shift and not (self._start == 0 and self._output.format.name in _EDITED):
                continue
            packet.pts -= shift
            packet.dts = None if packet.dts is None else packet.dts - shift
            packet.stream = self._stream
            yield packet

    def _encode(self, source: AudioStream) -> Iterator[Packet[Any]]:
        for packet in self._input.demux(source):
            for frame in packet.decode():
                seconds = (frame.time or 0.0) - self._origin - self._start
                if seconds < 0 and self._start > 0:
                    continue
                if seconds >= self._length:
                    break
                frame.time_base = Fraction(1, frame.sample_rate)
                frame.pts = round(seconds * frame.sample_rate)
                yield from self._stream.encode(frame)
        yield from self._stream.encode()
