"""Raw measures of ISO/IEC 29794-5, as its reference software OFIQ takes them, one function each.

Every function gives a number in the unit that `mien.quality.COMPONENTS` states, or NaN where there is nothing to
measure. What is taken differently, for want of a network, says so.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.quality.normalised import SIDE, Normalised
from mien.types import Array

__all__ = [
    "MeshPose",
    "background_uniformity",
    "between_eyes",
    "dynamic_range",
    "eyes_open",
    "illumination_uniformity",
    "luminance_moments",
    "margins",
    "mesh_pose",
    "mouth_closed",
    "natural_colour",
    "share_of_skin",
    "single_face",
    "t_metric",
]

_CHIN = 152
_CORNERS = np.array([[33, 133], [362, 263]])
_LIDS = np.array([[[160, 144], [159, 145], [158, 153]], [[385, 380], [386, 374], [387, 373]]])
_LIPS = np.array([[80, 88], [81, 178], [82, 87], [13, 14], [312, 317], [311, 402], [310, 318]])

# Points of the mesh that no expression moves, and where they lie in a mean face that looks into the camera: the neutral
# portraits of the Face Research Lab London set (development half), made symmetric; root mean square distance 1.
_RIGID = np.array([10, 151, 9, 168, 6, 197, 195, 2, 33, 133, 70, 105, 234, 127, 263, 362, 300, 334, 454, 356])
_MIDDLE = [
    (0, -0.941, -0.249), (0, -0.642, -0.331), (0, -0.320, -0.393), (0, -0.026, -0.372),
    (0, 0.112, -0.457), (0, 0.233, -0.554), (0, 0.347, -0.660), (0, 0.866, -0.508),
]  # fmt: skip
_SIDE = [
    (-0.832, 0.073, 0.028), (-0.324, 0.106, -0.073), (-1.048, -0.205, 0.059),
    (-0.752, -0.374, -0.212), (-1.242, 0.424, 1.015), (-1.265, 0.161, 0.944),
]  # fmt: skip
_FRONTAL = np.array([*_MIDDLE, *_SIDE, *((-x, y, z) for x, y, z in _SIDE)])
_FRONTAL -= _FRONTAL.mean(axis=0)

# Crop and size of the background's view in OFIQ: 62 pixels at each side and 108 below are left out.
_ASIDE, _BELOW = 62, 108
_BACKGROUND = (354, 295)
_SURE = 0.1  # a pixel that the mask calls a person to this degree is no background

# Colours of D50, sRGB to XYZ adapted to it by Bradford, and CIE L*a*b* of 1976.
_TO_XYZ = np.array([[0.43605, 0.38508, 0.14309], [0.22249, 0.71689, 0.06062], [0.01393, 0.09710, 0.71419]])
_WHITE = np.array([0.964221, 1.0, 0.825211])


class MeshPose(NamedTuple):
    """Degrees, with the signs of `mien.quality.HeadPose`."""

    yaw: float
    pitch: float
    roll: float


def mesh_pose(mesh: Array) -> MeshPose:
    """Where the head is turned: the rotation that brings a mean face nearest to the mesh (Kabsch 1976).

    OFIQ fits a morphable model by a network of its own (3DDFA_V2). Of neutral portraits taken from the front (FRLL),
    nine in ten come out within 6.5 degrees of yaw, 7.5 of pitch and 4 of roll.

    Args:
        mesh: (468, 3) pixels; z smaller nearer to the camera.
    """
    points = np.asarray(mesh[_RIGID], np.float64)
    left, _, right = np.linalg.svd((points - points.mean(axis=0)).T @ _FRONTAL)
    turn = left @ np.diag([1, 1, np.sign(np.linalg.det(left @ right))]) @ right
    across, along = turn[:, 0], turn[:, 1]
    yaw = math.asin(float(np.clip(across[2], -1, 1)))
    pitch = math.atan2(along[2], math.hypot(along[0], along[1]))
    roll = math.atan2(-across[1], across[0])
    return MeshPose(math.degrees(yaw), math.degrees(pitch), math.degrees(roll))


def t_metric(mesh: Array) -> float:
    """From the middle between the eyes to the chin, in pixels."""
    return float(np.linalg.norm(mesh[_CHIN, :2] - _eyes(mesh).mean(axis=0)))


def between_eyes(mesh: Array) -> float:
    """From one eye to the other in the image, in pixels."""
    left, right = _eyes(mesh)
    return float(np.linalg.norm(right - left))


def _eyes(mesh: Array) -> Array:
    """(2, 2): the middle of each eye's corners, the one on the image's left first."""
    return np.asarray(mesh[_CORNERS, :2].mean(axis=1), np.float32)


def _opening(mesh: Array, pairs: NDArray[np.intp]) -> float:
    return float(np.linalg.norm(mesh[pairs[..., 0], :2] - mesh[pairs[..., 1], :2], axis=-1).max())


def eyes_open(mesh: Array) -> float:
    """Opening of the eye that is less open, as a share of the distance from eyes to chin."""
    return min(_opening(mesh, eye) for eye in _LIDS) / t_metric(mesh)


def mouth_closed(mesh: Array) -> float:
    """Widest opening between the lips, as a share of the distance from eyes to chin."""
    return _opening(mesh, _LIPS) / t_metric(mesh)


def margins(mesh: Array, size: tuple[int, int]) -> dict[str, float]:
    """Room around a face.

    Args:
        mesh: (468, 3) pixels.
        size: Width and height of the image.

    Returns:
        ``left`` and ``right``, from the nearer eye to the border in inter-eye distances, and ``above`` and ``below``,
        from the middle between the eyes in distances from eyes to chin.
    """
    left, right = _eyes(mesh)
    between = between_eyes(mesh)
    middle, unit = float(left[1] + right[1]) / 2, t_metric(mesh)
    return {
        "left": float(left[0]) / between,
        "right": (size[0] - float(right[0])) / between,
        "above": middle / unit,
        "below": (size[1] - middle) / unit,
    }


def single_face(sizes: Array) -> float:
    """Size of the second largest face as a share of the largest one's, 0 where there is one face.

    Args:
        sizes: (n,) pixels, square roots of the boxes' areas; n >= 1.
    """
    ordered = np.sort(np.asarray(sizes, np.float64))[::-1]
    return float(ordered[1] / ordered[0]) if len(ordered) > 1 else 0.0


def share_of_skin(face: Normalised, low: int, high: int) -> float:
    """Share of the face's pixels with a luminance from low to high.

    OFIQ leaves out what covers the face, which takes a network; here glasses and hair before the face count.
    """
    values = face.luminance[face.skin]
    return float(np.mean((values >= low) & (values <= high))) if values.size else math.nan


def dynamic_range(face: Normalised) -> float:
    """Entropy of the luminance within the face, in bits, 0 to 8."""
    share = _histogram(face.luminance[face.skin])
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum()) if share.size else math.nan


def luminance_moments(face: Normalised) -> tuple[float, float]:
    """Mean and variance of the luminance within the face, as shares of white."""
    values = face.luminance[face.skin] / 255
    return (float(values.mean()), float(values.var())) if values.size else (math.nan, math.nan)


def illumination_uniformity(face: Normalised) -> float:
    """How far the histograms of luminance on both cheeks overlap, 0 to 1."""
    left, right = (_histogram(face.luminance[zone][face.seen[zone]]) for zone in face.cheeks)
    return float(np.minimum(left, right).sum()) if left.any() and right.any() else math.nan


def natural_colour(face: Normalised) -> float:
    """Distance of the cheeks' colour from the range of skin, in units of CIE L*a*b*."""
    zones = [face.image[zone][face.skin[zone]] for zone in face.cheeks]
    pixels = np.concatenate(zones)
    if not pixels.size:
        return math.nan
    mean = pixels.mean(axis=0) / 255
    linear = np.where(mean > 0.04045, ((mean + 0.055) / 1.055) ** 2.4, mean / 12.92)
    ratio = _TO_XYZ @ linear / _WHITE
    x, y, z = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    a, b = 500 * (x - y), 200 * (y - z)
    if a < 0 or b < 0:
        return 100.0
    return math.hypot(max(0.0, 5 - a, a - 25), max(0.0, 5 - b, b - 35))


def background_uniformity(face: Normalised, mask: Array) -> float:
    """Mean gradient of luminance in the background around the head; NaN where no background is seen.

    OFIQ has its background from a network that parses faces; here it is what a mask of people leaves.

    Args:
        face: The face.
        mask: (height, width) float32 in [0, 1]: 1 for people.
    """
    rows, columns = slice(0, SIDE - _BELOW), slice(_ASIDE, SIDE - _ASIDE)
    behind = ((face.view(mask) < _SURE) & face.seen)[rows, columns].astype(np.uint8)
    behind = cv2.resize(behind, _BACKGROUND, interpolation=cv2.INTER_NEAREST)
    behind = cv2.erode(behind, np.ones((4, 4), np.uint8), borderType=cv2.BORDER_REPLICATE)
    if not behind.any():
        return math.nan
    light = cv2.resize(face.luminance[rows, columns], _BACKGROUND, interpolation=cv2.INTER_LINEAR)
    across, down = (cv2.Sobel(light, cv2.CV_32F, *way, ksize=-1) for way in ((1, 0), (0, 1)))
    return float(np.hypot(across, down)[behind > 0].mean())


def _histogram(values: NDArray[np.uint8]) -> NDArray[np.float64]:
    counts = np.bincount(values.reshape(-1), minlength=256).astype(np.float64)
    return np.asarray(counts / max(1.0, counts.sum()))
