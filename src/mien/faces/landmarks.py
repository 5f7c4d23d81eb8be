"""Landmarks made steadier by a 468-point mesh.

YuNet's five landmarks wander by several percent of the face when the image is shifted or scaled by a little, and a
recogniser notices. The mesh network (Kartynnik et al., arXiv:1907.06724) sees the face at a fixed size; five points
taken from it err in other ways, so the mean of both is better than either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mien.faces.alignment import CHIP_SIZE, REFERENCE_LANDMARKS, similarity_transforms, warp
from mien.models import Session
from mien.types import Array, Faces, Image

__all__ = ["Landmarker"]

_INPUT_SIZE = 192
# The mesh was trained on a square 1.5 times the face's box; this share of an aligned chip's scale gives that margin.
_ZOOM = 0.8
_FRAME: Array = (REFERENCE_LANDMARKS - CHIP_SIZE / 2) * (_INPUT_SIZE / CHIP_SIZE * _ZOOM) + _INPUT_SIZE / 2
_POINTS: tuple[tuple[int, ...], ...] = (
    (33, 133, 160, 159, 158, 144, 145, 153),
    (362, 263, 387, 386, 385, 373, 374, 380),
    (1, 4),
    (61,),
    (291,),
)
# The mesh puts "nose" and "mouth corner" elsewhere than YuNet does: medians of its five points in chips aligned by
# YuNet's landmarks averaged over four scales, on LFW crops (development half).
_MESH_REFERENCE: Array = np.array([[37.3, 52.8], [74.2, 52.6], [56.2, 73.6], [41.4, 90.2], [71.3, 89.7]], np.float32)
# Logit of "there is a face here"; a mesh of something else would pull the landmarks away.
_PRESENT = 0.0


class Landmarker:
    """Refines the landmarks of detected faces.

    Args:
        session: An open session of a 468-point mesh that takes (n, 192, 192, 3) uint8 RGB.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def refine(self, images: Sequence[Image], faces: Sequence[Faces]) -> list[Faces]:
        """Replace each face's landmarks by the mean of the detector's and the mesh's.

        Args:
            images: (H, W, 3) uint8 RGB, one for each of ``faces``.
            faces: What the detector found in each image.

        Returns:
            The same faces with refined landmarks, and in ``extra["face_presence"]`` the mesh's logit that a face
            is there (float32).
        """
        counts = [len(found) for found in faces]
        if not sum(counts):
            return list(faces)
        landmarks = np.concatenate([found.landmarks for found in faces])
        refined, presence = self._refine(
            [image for image, n in zip(images, counts, strict=True) for _ in range(n)], landmarks
        )
        ends = np.cumsum(counts)
        return [
            replace(
                found, landmarks=refined[end - n : end], extra={**found.extra, "face_presence": presence[end - n : end]}
            )
            for found, n, end in zip(faces, counts, ends, strict=True)
        ]

    def meshes(self, images: Sequence[Image], faces: Sequence[Faces]) -> list[Array]:
        """The whole mesh of each face.

        Args:
            images: (H, W, 3) uint8 RGB, one for each of ``faces``.
            faces: What was found in each image.

        Returns:
            For each image (n, 468, 3) float32: x and y in pixels of the image, z in the same unit, smaller nearer to
            the camera, 0 about the head's middle. Points are numbered as in MediaPipe's canonical face model.
        """
        counts = [len(found) for found in faces]
        if not sum(counts):
            return [np.empty((0, 468, 3), np.float32) for _ in faces]
        landmarks = np.concatenate([found.landmarks for found in faces])
        into = similarity_transforms(landmarks, _FRAME)
        mesh, _ = self._run([image for image, n in zip(images, counts, strict=True) for _ in range(n)], into)
        out_of = np.linalg.inv(into[:, :, :2].astype(np.float64))
        plane = (mesh[..., :2] - into[:, None, :, 2]) @ out_of.transpose(0, 2, 1)
        depth = mesh[..., 2:] * np.sqrt(np.abs(np.linalg.det(out_of)))[:, None, None]
        placed = np.concatenate([plane, depth], axis=2).astype(np.float32)
        return np.split(placed, np.cumsum(counts)[:-1])

    def _run(self, images: Sequence[Image], into: Array) -> tuple[Array, Array]:
        """Meshes in the network's frame, (n, 468, 3), and logits that a face is there, (n,)."""
        batch = np.stack([warp(image, matrix, _INPUT_SIZE) for image, matrix in zip(images, into, strict=True)])
        outputs = self._session.run(batch)
        mesh = next(v for v in outputs.values() if v[0].size == 468 * 3).reshape(len(batch), 468, 3)
        presence = next(v for v in outputs.values() if v[0].size == 1).reshape(len(batch))
        return mesh, presence

    def _refine(self, images: Sequence[Image], landmarks: Array) -> tuple[Array, Array]:
        into = similarity_transforms(landmarks, _FRAME)
        mesh, presence = self._run(images, into)
        five = np.stack([mesh[:, points, :2].mean(1) for points in _POINTS], 1)
        out_of = np.linalg.inv(into[:, :, :2].astype(np.float64))
        five = (five - into[:, None, :, 2]) @ out_of.transpose(0, 2, 1)
        to_chip = similarity_transforms(five, _MESH_REFERENCE).astype(np.float64)
        estimate = (REFERENCE_LANDMARKS - to_chip[:, None, :, 2]) @ np.linalg.inv(to_chip[:, :, :2]).transpose(0, 2, 1)
        weight = np.where(presence > _PRESENT, 0.5, 0.0)[:, None, None]
        return ((1 - weight) * landmarks + weight * estimate).astype(np.float32), presence.astype(np.float32)
