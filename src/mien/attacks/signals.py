"""What a face does, in three numbers of its 468-point mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.types import Array

__all__ = ["Signals", "read_signals"]

# Outer corner, two points of the upper lid, inner corner, two points of the lower lid.
_EYES = ((33, 160, 158, 133, 153, 144), (263, 387, 385, 362, 380, 373))
_CORNERS = (61, 291)
_OUTER = (33, 263)


@dataclass(frozen=True, slots=True)
class Signals:
    """What a face shows in one frame.

    Attributes:
        yaw: Degrees, positive where the subject looks to their own left.
        eyes: Opening of the eye that is open less, height by width (Soukupová & Čech 2016); about 0.3 at rest.
        mouth: Width of the mouth, as a share of the distance between the outer corners of the eyes.
        template: Of the face, (d,) float32 of unit length; None where it was not embedded.
    """

    yaw: float
    eyes: float
    mouth: float
    template: Array | None = None


def read_signals(mesh: Array, yaw: float, template: Array | None = None) -> Signals:
    """Signals of one face.

    Args:
        mesh: (468, 3) float32, as from `mien.faces.Landmarker.meshes`.
        yaw: Degrees, as from `mien.quality.head_pose`.
        template: Of the face.
    """
    points = mesh[:, :2]
    openings = [_opening(points[list(eye)]) for eye in _EYES]
    width = float(np.linalg.norm(points[_CORNERS[0]] - points[_CORNERS[1]]))
    span = float(np.linalg.norm(points[_OUTER[0]] - points[_OUTER[1]]))
    return Signals(float(yaw), min(openings), width / max(span, 1e-6), template)


def _opening(eye: Array) -> float:
    outer, upper, upper_2, inner, lower_2, lower = eye
    height = np.linalg.norm(upper - lower) + np.linalg.norm(upper_2 - lower_2)
    return float(height / (2 * max(float(np.linalg.norm(outer - inner)), 1e-6)))
