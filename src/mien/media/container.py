"""Opening what FFmpeg reads, with its errors told in Mien's words and no password in any of them."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import av
import av.device

from mien.errors import ImageTooLarge, InvalidArgument, StreamUnavailable, UnreadableVideo
from mien.media.image import MAX_PIXELS
from mien.media.source import source_name
from mien.media.video import LiveOptions

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ["Address", "Connection", "check_pixels", "connect", "locate", "open_container", "open_file", "reason"]

# Named one by one: FFmpeg also takes text for ANSI art, pictures for one-frame videos, and playlists, which make it
# open whatever else they name.
_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,asf,flv,live_flv,ogg,mxf,dv,nut,rm,wtv,ivf,gif,y4m,"
    "yuv4mpegpipe,h264,hevc,av1,obu,mpegvideo,m4v,mjpeg,mpjpeg,vc1"
)
_SOUND = "mp3,wav,flac,aac,ac3,eac3,aiff,amr,w64,caf,au"
_FILE_OPTIONS = {"format_whitelist": f"{_CONTAINERS},{_SOUND}", "protocol_whitelist": "file"}
_PROTOCOLS = {
    "http": "http,https,httpproxy,tcp,tls,crypto,data",
    "https": "http,https,httpproxy,tcp,tls,crypto,data",
    "rtsp": "rtsp,rtp,srtp,udp,tcp,http,httpproxy",
    "rtsps": "rtsp,rtsps,rtp,srtp,udp,tcp,tls,https,httpproxy",
    "camera": "file",
}
_CAMERAS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a stream or camera is; shows no credentials.

    Attributes:
        name: What to call it: the address without user, password, query and fragment, or ``"camera:0"``.
        scheme: ``"http"``, ``"https"``, ``"rtsp"``, ``"rtsps"`` or ``"camera"``.
        secret: What to open, with everything the user typed; never shown.
    """

    name: str
    scheme: str
    secret: str

    def __repr__(self) -> str:
        return f"<Address {self.name}>"


class Connection:
    """An open container and the one stream of it that is watched.

    Attributes:
        container: The open container.
        stream: Its best video stream that is no cover picture.
        name: What to call it in messages.
    """

    def __init__(self, container: InputContainer, name: str) -> None:
        self.container = container
        self.name = name
        try:
            self.stream = _choose(container, name)
            check_pixels(name, self.stream.width, self.stream.height)
        except BaseException:
            container.close()
            raise
        # A damaged stream may claim any size midway; the decoder then refuses it before it asks for the memory.
        self.stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}

    @property
    def duration(self) -> float | None:
        """Seconds, None where unknown."""
        duration = self.container.duration
        return duration / av.time_base if duration is not None and duration > 0 else None

    @property
    def finite(self) -> bool:
        """Whether it says how long it lasts, as files and recordings do and live streams do not."""
        return self.duration is not None

    @property
    def in_bursts(self) -> bool:
        """Whether frames come a segment at a time, faster than they are to be shown."""
        return "hls" in self.container.format.name

    @property
    def rate(self) -> float | None:
        """Nominal frames a second, None where the container says nothing."""
        rate = self.stream.average_rate or self.stream.guessed_rate
        return float(rate) if rate else None

    @property
    def audio(self) -> bool:
        """Whether there is sound."""
        return bool(self.container.streams.audio)

    def close(self) -> None:
        """Close the file or connection."""
        self.container.close()


def locate(source: str | os.PathLike[str]) -> Path | Address:
    """Tell a path from an address or a camera.

    Raises:
        InvalidArgument: Neither, or an address of a kind that cannot be read.
    """
    if not isinstance(source, str | os.PathLike):
        raise InvalidArgument(f"expected a path, an address or camera:0, got {type(source).__name__}")
    if not isinstance(source, str):
        return Path(source)
    scheme, colon, rest = source.partition(":")
    if scheme == "camera" and colon:
        if not rest.isdecimal():
            raise InvalidArgument("expected camera:0, camera:1 and so on, got " + source_name(source))
        return Address(source, scheme, rest)
    if "://" not in source:
        return Path(source)
    scheme = scheme.lower()
    if scheme not in _PROTOCOLS or scheme == "camera":
        raise InvalidArgument(f"expected a path, rtsp://, http://, https:// or camera:0, got an address of {scheme}://")
    return Address(_public_name(source), scheme, source)


def _public_name(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError as error:
        raise InvalidArgument("expected an address such as rtsp://host/path, got one that cannot be parsed") from error
    if not host:
        raise InvalidArgument(f"expected an address with a host, got {parts.scheme}:// without one")
    return source_name(f"{parts.scheme}://{host}{parts.path}")


def open_file(path: Path) -> Connection:
    """Open a local video file.

    Raises:
        UnreadableVideo: Missing, a folder, empty, no video, or without pictures.
        ImageTooLarge: Frames of more than `MAX_PIXELS`.
    """
    return Connection(open_container(path), source_name(path))


def open_container(path: Path) -> InputContainer:
    """Open a local file of pictures or sound; playlists, which name other files, are not followed.

    Raises:
        UnreadableVideo: Missing, a folder, empty, or none of these.
    """
    name = source_name(path)
    problem = _file_problem(path)
    if problem is None:
        try:
            return av.open(f"file:{path}", container_options=dict(_FILE_OPTIONS), metadata_errors="replace")
        except (av.FFmpegError, ValueError) as error:
            problem = "expected a video, got something else, or one damaged beyond reading"
            if isinstance(error, PermissionError):
                problem = reason(error)
    raise UnreadableVideo(f"{name}: {problem}", source=name)


def _file_problem(path: Path) -> str | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return "no such file"
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    if stat.S_ISDIR(status.st_mode):
        return "expected a video, got a folder"
    if not stat.S_ISREG(status.st_mode):
        return "expected a video file, got a pipe or a device; a camera is camera:0"
    if not status.st_size:
        return "expected a video, got an empty file"
    return None if os.access(path, os.R_OK) else "no permission to read it"


def connect(address: Address, options: LiveOptions) -> Connection:
    """Connect to a stream, or open a camera.

    Raises:
        StreamUnavailable: It cannot be reached, refuses, or does not answer within the timeouts.
        ImageTooLarge: Frames of more than `MAX_PIXELS`.
    """
    try:
        target, form, settings = _target(address, options)
        settings["protocol_whitelist"] = _PROTOCOLS[address.scheme]
        opened = av.open(
            target,
            format=form,
            container_options=settings,
            metadata_errors="replace",
            timeout=(options.open_timeout, options.read_timeout),
        )
        return Connection(opened, address.name)
    except UnreadableVideo as error:
        problem = error.message.removeprefix(f"{address.name}: ")
    except (av.FFmpegError, OSError, ValueError) as error:
        problem = reason(error)
    # Raised outside the handler: FFmpeg's own error quotes the address with its password.
    raise StreamUnavailable(f"{address.name}: cannot be opened: {problem}", source=address.name)


def _target(address: Address, options: LiveOptions) -> tuple[str, str | None, dict[str, str]]:
    if address.scheme == "camera":
        return _camera(address)
    if address.scheme.startswith("rtsp"):
        return address.secret, None, {"rtsp_transport": options.transport}
    return address.secret, None, {"format_whitelist": f"{_CONTAINERS},{_SOUND},hls,applehttp"}


def _camera(address: Address) -> tuple[str, str | None, dict[str, str]]:
    form = _CAMERAS.get(sys.platform)
    if form == "v4l2":
        return f"/dev/video{address.secret}", form, {}
    if form == "avfoundation":
        return address.secret, form, {"framerate": "30"}
    if form == "dshow":
        cameras = [camera for camera in av.device.enumerate_input_devices(form) if "video" in camera.media_types]
        if int(address.secret) >= len(cameras):
            raise StreamUnavailable(f"{address.name}: this computer has {len(cameras)} cameras", source=address.name)
        return f"video={cameras[int(address.secret)].name}", form, {}
    raise StreamUnavailable(f"{address.name}: cameras are not supported on {sys.platform}", source=address.name)


def _choose(container: InputContainer, name: str) -> VideoStream:
    cover = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    streams = [stream for stream in container.streams.video if not stream.disposition & cover]
    if not streams:
        got = "sound only" if container.streams.audio else "a file without pictures"
        raise UnreadableVideo(f"{name}: expected a video, got {got}", source=name)
    decodable = [stream for stream in streams if stream.codec_context is not None and stream.width and stream.height]
    if not decodable:
        raise UnreadableVideo(f"{name}: expected a video, got one in a codec that cannot be decoded here", source=name)
    default = av.stream.Disposition.default
    return max(decodable, key=lambda stream: (bool(stream.disposition & default), stream.width * stream.height))


def check_pixels(name: str, width: int, height: int) -> None:
    """Refuse frames over the limit.

    Raises:
        ImageTooLarge: More than `MAX_PIXELS`.
    """
    if width * height > MAX_PIXELS:
        message = f"{name}: expected frames of at most {MAX_PIXELS:,} pixels, got {width} x {height}"
        raise ImageTooLarge(message, source=name, limit=MAX_PIXELS, size=width * height)


def reason(error: Exception) -> str:
    """What FFmpeg says went wrong, without the address it went wrong with."""
    match error:
        case FileNotFoundError():
            return "there is no such thing"
        case PermissionError():
            return "no permission"
        case TimeoutError() | av.error.ExitError():
            return "no answer in time"
    return str(getattr(error, "strerror", None) or type(error).__name__)
