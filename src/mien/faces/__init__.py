"""Where the faces are: detection, landmarks, alignment."""

from mien.faces.alignment import CHIP_SIZE, REFERENCE_LANDMARKS, align, similarity_transforms, warp
from mien.faces.detect import Detector
from mien.faces.landmarks import Landmarker

__all__ = [
    "CHIP_SIZE",
    "REFERENCE_LANDMARKS",
    "Detector",
    "Landmarker",
    "align",
    "similarity_transforms",
    "warp",
]
