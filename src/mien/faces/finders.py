"""The networks that find faces, made once and shared by all threads: every recogniser is shown the same faces."""

from __future__ import annotations

from functools import cache

from mien import models
from mien.faces.detect import Detector
from mien.faces.landmarks import Landmarker

__all__ = ["default_detector", "default_landmarker"]


@cache
def default_detector() -> Detector:
    """YuNet, at several scales.

    Raises:
        ModelUnavailable: Weights are missing and could not be fetched.
    """
    return Detector(models.open_session("yunet-2023mar"))


@cache
def default_landmarker() -> Landmarker:
    """The 468-point mesh; errors as in `default_detector`."""
    return Landmarker(models.open_session("face-mesh-468"))
