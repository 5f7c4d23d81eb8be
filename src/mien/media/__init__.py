"""Pictures and video in and out: whatever a user hands over becomes (height, width, 3) uint8 RGB arrays, upright."""

from mien.media.files import EXTENSIONS, list_images, replacing, write, write_bytes, write_failure
from mien.media.image import MAX_BYTES, MAX_PIXELS, read
from mien.media.quantisation import quantisation
from mien.media.recording import VideoWriter
from mien.media.regions import Region, regions
from mien.media.source import Source, source_name
from mien.media.video import VIDEO_EXTENSIONS, Frame, LiveOptions, Video, is_video, open_video

__all__ = [
    "EXTENSIONS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "VIDEO_EXTENSIONS",
    "Frame",
    "LiveOptions",
    "Region",
    "Source",
    "Video",
    "VideoWriter",
    "is_video",
    "list_images",
    "open_video",
    "quantisation",
    "read",
    "regions",
    "replacing",
    "source_name",
    "write",
    "write_bytes",
    "write_failure",
]
