"""Pictures in and out: whatever a user hands over becomes one (height, width, 3) uint8 RGB array, upright."""

from mien.media.files import EXTENSIONS, list_images, replacing, write, write_bytes
from mien.media.image import MAX_BYTES, MAX_PIXELS, read
from mien.media.source import Source, source_name

__all__ = [
    "EXTENSIONS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "Source",
    "list_images",
    "read",
    "replacing",
    "source_name",
    "write",
    "write_bytes",
]
