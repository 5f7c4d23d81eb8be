"""Where the faces are: detection, landmarks, alignment."""

from mien.faces.alignment import CHIP_SIZE, REFERENCE_LANDMARKS, align, similarity_transforms, warp
from mien.faces.detect import Detector
from mien.faces.finders import default_detector, default_landmarker
from mien.faces.landmarks import Landmarker
from mien.faces.track import Looks, Sameness, Tracked, Tracker

__all__ = [
    "CHIP_SIZE",
    "REFERENCE_LANDMARKS",
    "Detector",
    "Landmarker",
    "Looks",
    "Sameness",
    "Tracked",
    "Tracker",
    "align",
    "default_detector",
    "default_landmarker",
    "similarity_transforms",
    "warp",
]
