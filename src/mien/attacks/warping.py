"""Faces brought onto another shape: piecewise over triangles, or smoothly over a field."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.spatial import Delaunay

from mien.types import Array, Image

__all__ = ["colours_of", "face_mask", "frame_points", "oval", "warp_field", "warp_triangles"]

# The outline of the face in the mesh (MediaPipe's canonical face model), from the middle of the forehead clockwise.
_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152),
    *(148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
# How far from the outline hair, ears and neck are moved along with the face.
_AROUND = (1.35, 1.7)
_FIELD_STEP = 16
_FIELD_POINTS = 8


def oval(mesh: Array) -> Array:
    """(36, 2) outline of the face in a (468, 2 or 3) mesh."""
    return np.asarray(mesh[list(_OVAL), :2], np.float32)


def frame_points(mesh: Array, height: int, width: int) -> Array:
    """What a face is warped by: its mesh, rings around it that move with it, and the frame, which stays.

    Args:
        mesh: (468, 2 or 3), in pixels.
        height: Of the picture.
        width: Of the picture.

    Returns:
        (548, 2) float32.
    """
    outline = oval(mesh)
    middle = outline.mean(0)
    rings = [middle + (outline - middle) * share for share in _AROUND]
    right, bottom = width - 1, height - 1
    edges = [(x * right / 2, y * bottom / 2) for x in range(3) for y in range(3) if (x, y) != (1, 1)]
    points = np.concatenate([mesh[:, :2], *rings, np.array(edges)])
    return np.asarray(np.clip(points, 0, (right, bottom)), np.float32)


def warp_triangles(image: Image, source: Array, target: Array) -> Array:
    """Each triangle of the target's Delaunay triangulation filled from that of the source.

    Args:
        image: (H, W, 3) uint8 RGB.
        source: (n, 2) points in the image.
        target: (n, 2) where they come to lie; the frame's corners among them.

    Returns:
        (H, W, 3) float32 of 0 to 255.
    """
    height, width = image.shape[:2]
    triangles = Delaunay(target.astype(np.float64)).simplices
    which = np.zeros((height, width), np.int32)
    for index, corners in enumerate(triangles):
        cv2.fillConvexPoly(which, np.round(target[corners] * 16).astype(np.int32), index, cv2.LINE_8, 4)
    ones = np.ones((len(triangles), 3, 1))
    matrices = _solved(np.concatenate([target[triangles], ones], 2), source[triangles])
    y, x = np.mgrid[:height, :width].astype(np.float32)
    of = matrices[which]
    from_x = of[..., 0, 0] * x + of[..., 1, 0] * y + of[..., 2, 0]
    from_y = of[..., 0, 1] * x + of[..., 1, 1] * y + of[..., 2, 1]
    return _sampled(image, from_x, from_y)


def warp_field(image: Image, source: Array, target: Array) -> Array:
    """Thin-plate splines through some of the points: smooth everywhere, no edges of triangles; see `warp_triangles`."""
    height, width = image.shape[:2]
    chosen = np.r_[0 : len(target) - 8 : _FIELD_POINTS, len(target) - 8 : len(target)]
    _, first = np.unique(np.round(target[chosen]), axis=0, return_index=True)
    chosen = chosen[np.sort(first)]
    spline = RBFInterpolator(target[chosen], source[chosen] - target[chosen], kernel="thin_plate_spline", smoothing=1.0)
    rows, columns = np.arange(0, height + _FIELD_STEP, _FIELD_STEP), np.arange(0, width + _FIELD_STEP, _FIELD_STEP)
    grid = np.stack(np.meshgrid(columns, rows), -1).reshape(-1, 2)
    moved = spline(grid).reshape(len(rows), len(columns), 2).astype(np.float32)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    smooth = cv2.remap(moved, x / _FIELD_STEP, y / _FIELD_STEP, cv2.INTER_LINEAR)
    return _sampled(image, x + smooth[..., 0], y + smooth[..., 1])


def face_mask(mesh: Array, height: int, width: int, *, grown: float = 0.97, soft: bool = True) -> Array:
    """(height, width) float32 share of the face at each pixel, falling off over a twentieth of its width.

    Args:
        mesh: (468 or more, 2 or 3), in pixels.
        height: Of the picture.
        width: Of the picture.
        grown: How much larger than the face.
        soft: Whether it falls off.
    """
    outline = oval(mesh)
    middle = outline.mean(0)
    outline = middle + (outline - middle) * grown
    mask = np.zeros((height, width), np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(outline).astype(np.int32)), 1.0)
    if not soft:
        return mask
    sigma = float(np.ptp(outline[:, 0])) / 40
    inner = cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=max(1, round(2 * sigma)))
    return np.asarray(cv2.GaussianBlur(inner, (0, 0), max(0.5, sigma)), np.float32)


def colours_of(picture: Array, like: Array | Image, mask: Array) -> Array:
    """A picture with the means and deviations of another's face, a channel each (Reinhard et al., 2001).

    Args:
        picture: (H, W, 3) of 0 to 255.
        like: Another.
        mask: (H, W), above 0.5 where both faces are.
    """
    inside = mask > 0.5
    if not inside.any():
        return picture
    own, others = picture[inside], np.asarray(like[inside], np.float32)
    ratio = others.std(0) / np.maximum(own.std(0), 1.0)
    return np.asarray(np.clip((picture - own.mean(0)) * ratio + others.mean(0), 0, 255), np.float32)


def _solved(corners: NDArray[np.float64], values: Array) -> Array:
    """(t, 3, 2) affine matrices of triangles; those without area keep their place."""
    flat = np.abs(np.linalg.det(corners)) < 1e-6
    corners[flat] = np.eye(3)
    return np.asarray(np.linalg.solve(corners, values.astype(np.float64)), np.float32)


def _sampled(image: Image, x: Array, y: Array) -> Array:
    taken = cv2.remap(image.astype(np.float32), x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.clip(taken, 0, 255), np.float32)
