"""Video out: frames with their timestamps become a file that plays everywhere, with the sound they had."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

import cv2
import numpy as np

from mien.errors import InvalidArgument, UnwritableFile
from mien.media.files import replacing, write_failure
from mien.types import Image

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

__all__ = ["VideoWriter"]

_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
_H264 = ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf")
_VP9 = ("libvpx-vp9", "libvpx")
_OPTIONS = {
    "libx264": {"preset": "veryfast", "crf": "20"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "7", "row-mt": "1", "crf": "32", "b": "0"},
    "libvpx": {"deadline": "realtime", "cpu-used": "7", "crf": "10", "b": "4M"},
}
_TIME_BASE = Fraction(1, 90_000)
_SECONDS_A_KEYFRAME = 2
_LIMITED_RANGE = _BT709 = 1


class VideoWriter:
    """Writes a video; the file appears whole when it is closed, or not at all. A context manager.

    H.264 (VP9 in WebM), 4:2:0, BT.709. Each frame is shown from its timestamp until the next one's, so that a
    variable frame rate stays what it was. An odd width or height gets one more column or row, a copy of the last;
    an image of another size is scaled to fit and centred on black. Left by an error, or closed without a frame, it
    leaves no file, and one that was there stays.

    Args:
        path: Ends in ``.mp4``, ``.m4v``, ``.mov``, ``.mkv`` or ``.webm``.
        size: Width and height in pixels.
        rate: Nominal frames a second: how long the last frame is shown, and how often keyframes come.
        audio_from: A file whose sound is added: copied as it is where the container can hold it, otherwise encoded
            anew (AAC, in WebM Opus). One without sound adds none.
        start: Seconds of ``audio_from``, and timestamp of the images, at which the new video starts.
        end: Seconds of ``audio_from`` at which its sound ends; None for all of it.

    Raises:
        InvalidArgument: Another extension, or a size, rate or time out of range.
        UnwritableFile: No such folder, no permission, no room, or no encoder in this build of PyAV.
        UnreadableVideo: ``audio_from`` cannot be read.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        size: tuple[int, int],
        rate: float,
        audio_from: str | os.PathLike[str] | None = None,
        start: float = 0.0,
        end: float | None = None,
    ) -> None:
        self._path = Path(path)
        form = _check(self._path, size, rate)
        from mien.media.soundtrack import Soundtrack

        self._size, self._start = size, start
        self._step = max(1, round(1 / rate / _TIME_BASE))
        self._last: int | None = None
        self._whole = True
        self._cleanup = contextlib.ExitStack()
        self._container: OutputContainer | None = None
        with self._guard():
            # The encoder is chosen first: without one, no file is begun.
            codec = _encoder(self._path, _VP9 if form == "webm" else _H264)
            self._container = self._open(form)
            self._stream = self._add_stream(self._container, codec, rate)
            self._scaler = _scaler()
            self._sound = None
            if audio_from is not None:
                self._sound = Soundtrack(self._container, audio_from, start=start, end=end)
                self._cleanup.callback(self._sound.close)

    def write(self, image: Image, timestamp: float) -> None:
        """Add a frame.

        Args:
            image: (height, width, 3) uint8, RGB.
            timestamp: Seconds; later than the frame before, and not before ``start``.

        Raises:
            InvalidArgument: Not an image, or a timestamp that does not rise; the file goes on.
            UnwritableFile: No room, or the encoder failed; nothing is left of the file.
        """
        if self._container is None:
            raise InvalidArgument(f"{self._path}: expected an open video, got one that is closed")
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise InvalidArgument(f"expected a uint8 image (height, width, 3), got {image.dtype} {image.shape}")
        ticks = round((timestamp - self._start) / _TIME_BASE) if math.isfinite(timestamp) else -1
        if ticks < 0 or (self._last is not None and ticks <= self._last):
            after = self._start if self._last is None else float(self._last * _TIME_BASE) + self._start
            raise InvalidArgument(f"timestamp: expected one after {after:g} s, got {timestamp:g}")
        with self._guard():
            if self._sound is not None:
                self._sound.write_until(float(ticks * _TIME_BASE))
            self._container.mux(self._stream.encode(self._to_frame(image, ticks)))
        self._last = ticks

    def cut(self) -> None:
        """Let the sound end with the last frame written, where the pictures stop before their source does."""
        self._whole = False

    def close(self) -> None:
        """Finish the file and put it in its place.

        Raises:
            UnwritableFile: No room, or the encoder failed; nothing is left of the file.
        """
        if self._container is None:
            return
        if self._last is None:
            self._abandon()
            return
        with self._guard():
            self._container.mux(self._stream.encode())
            if self._sound is not None:
                shown_until = float((self._last + self._step) * _TIME_BASE)
                self._sound.write_until(math.inf if self._whole else shown_until)
            self._container.close()
            self._container = None
            self._cleanup.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._abandon()

    def _open(self, form: str) -> OutputContainer:
        import av

        # Python's file tells why a write failed; FFmpeg's own loses "no room" on the way.
        file = self._cleanup.enter_context(replacing(self._path))
        return av.open(file, "w", format=form)

    def _add_stream(self, container: OutputContainer, codec: str, rate: float) -> VideoStream:
        width, height = (extent + extent % 2 for extent in self._size)
        nominal = Fraction(rate).limit_denominator(1001)
        stream = cast("VideoStream", container.add_stream(codec, rate=nominal, options=dict(_OPTIONS.get(codec, {}))))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = _TIME_BASE
        context.gop_size = max(1, round(_SECONDS_A_KEYFRAME * rate))
        context.color_range = _LIMITED_RANGE
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        return stream

    def _to_frame(self, image: Image, ticks: int) -> VideoFrame:
        import av

        source = av.VideoFrame.from_ndarray(_fit(image, self._size), format="rgb24")
        frame = self._scaler.reformat(
            source, format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED_RANGE, threads=1
        )
        frame.pts, frame.time_base, frame.duration = ticks, _TIME_BASE, self._step
        return frame

    def _abandon(self) -> None:
        """Leave nothing behind, whatever state the file is in."""
        container, self._container = self._container, None
        if container is not None:
            with contextlib.suppress(Exception):
                container.close()
        abandoned = _Abandoned()
        self._cleanup.__exit__(_Abandoned, abandoned, None)

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        """Where an error leaves nothing of the file, and is told in Mien's words."""
        import av

        try:
            yield
        except (OSError, av.FFmpegError) as error:
            self._abandon()
            message = f"{self._path}: cannot be written: {write_failure(error)}; nothing was changed"
            raise UnwritableFile(message, path=str(self._path)) from error
        except BaseException:
            self._abandon()
            raise


class _Abandoned(Exception):
    """Tells the file that takes another's place not to."""


def _check(path: Path, size: tuple[int, int], rate: float) -> str:
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        raise InvalidArgument(f"{path}: expected a name that ends in one of {', '.join(sorted(_FORMATS))}")
    if len(size) != 2 or min(size) < 1:
        raise InvalidArgument(f"size: expected a width and a height in pixels, got {size!r}")
    if not (math.isfinite(rate) and 0 < rate <= 1000):
        raise InvalidArgument(f"rate: expected frames a second, more than 0 and at most 1000, got {rate!r}")
    return form


def _encoder(path: Path, names: tuple[str, ...]) -> str:
    """The first of these encoders that this build of FFmpeg has."""
    import av

    for name in names:
        with contextlib.suppress(av.codec.codec.UnknownCodecError):
            return av.codec.Codec(name, "w").name
    kind = "H.264" if names is _H264 else "VP9 or VP8"
    message = f"{path}: expected an encoder for {kind}, got a build of PyAV without one; install its wheel from PyPI"
    raise UnwritableFile(message, path=str(path))


def _scaler() -> VideoReformatter:
    from av.video.reformatter import VideoReformatter

    return VideoReformatter()


def _fit(image: Image, size: tuple[int, int]) -> Image:
    """The image at this size, then made even by repeating the last column and row."""
    width, height = size
    if image.shape[:2] != (height, width):
        scale = min(width / image.shape[1], height / image.shape[0])
        fitted = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        inner = cv2.resize(image, fitted, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        left, top = (width - fitted[0]) // 2, (height - fitted[1]) // 2
        image = np.zeros((height, width, 3), np.uint8)
        image[top : top + fitted[1], left : left + fitted[0]] = inner
    if width % 2 or height % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(image)
