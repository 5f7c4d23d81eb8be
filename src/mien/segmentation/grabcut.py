"""People by the colours around their faces, without weights: GrabCut (Rother, Kolmogorov, Blake 2004)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.quality import head_pose
from mien.segmentation._window import check, joined, window
from mien.segmentation.refining import refine
from mien.types import Array, Faces, Image

__all__ = ["GrabCutSegmenter"]

_SIDE = 192
_ROUNDS = 4


class GrabCutSegmenter:
    """Seeded by the faces: the face is a person, the picture's upper edges are not, the rest is found out."""

    name = "grabcut"

    def segment(self, image: Image, faces: Faces) -> Array:
        """See `mien.segmentation.Segmenter`."""
        check(image, faces)
        rows, columns = window(faces)
        part = image[rows, columns]
        scale = min(1.0, _SIDE / max(part.shape[:2]))
        size = (max(8, round(part.shape[1] * scale)), max(8, round(part.shape[0] * scale)))
        seen = np.ascontiguousarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA)[..., ::-1])
        offset = np.array([columns.start, rows.start], np.float32)
        labels = _seeds((size[1], size[0]), [(points - offset) * scale for points in faces.landmarks])
        models = np.zeros((2, 1, 65), np.float64)
        # The mixture's first guess is drawn by chance; the same picture is to give the same mask.
        cv2.setRNGSeed(0)
        cv2.grabCut(seen, labels, None, models[0], models[1], _ROUNDS, cv2.GC_INIT_WITH_MASK)
        person = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.float32)
        mask = np.zeros(image.shape[:2], np.float32)
        mask[rows, columns] = refine(part, person)
        return joined(mask, faces)


def _seeds(shape: tuple[int, int], landmarks: list[Array]) -> NDArray[np.uint8]:
    """What is sure and what is likely, seen from the faces, as `cv2.grabCut` wants it."""
    labels = np.full(shape, cv2.GC_PR_BGD, np.uint8)
    centres = [tuple(points.mean(axis=0).tolist()) for points in landmarks]
    eyes = [max(2.0, float(scale)) for scale in head_pose(np.stack(landmarks)).scale]
    for (x, y), eye in zip(centres, eyes, strict=True):
        # Shoulders are some three inter-eye distances to either side, below the chin.
        shoulders = (int(x - 2.6 * eye), int(y + 2.2 * eye)), (int(x + 2.6 * eye), shape[0])
        cv2.rectangle(labels, *shoulders, cv2.GC_PR_FGD, -1)
        _ellipse(labels, (x, y - 0.3 * eye), (1.5 * eye, 2.2 * eye), cv2.GC_PR_FGD)
    for (x, y), eye in zip(centres, eyes, strict=True):
        _ellipse(labels, (x, y), (0.8 * eye, 1.1 * eye), cv2.GC_FGD)
    edge = max(1, shape[0] // 64)
    above = labels[: shape[0] // 2]
    for side in (labels[:edge], above[:, :edge], above[:, -edge:]):
        side[side == cv2.GC_PR_BGD] = cv2.GC_BGD
    return labels


def _ellipse(labels: NDArray[np.uint8], centre: tuple[float, float], axes: tuple[float, float], label: int) -> None:
    x, y = (int(v) for v in centre)
    across, down = (max(1, int(v)) for v in axes)
    cv2.ellipse(labels, (x, y), (across, down), 0, 0, 360, label, -1)
