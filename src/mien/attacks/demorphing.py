"""Differential morph detection: what is left of a document's face when that of a live capture is taken out of it.

Ferrara, Franco and Maltoni, "Face demorphing", IEEE TIFS 2018: of a photo of one person the same person is left, of a
morph the other one.
"""

from __future__ import annotations

import cv2
import numpy as np

from mien.attacks.warping import colours_of, face_mask, frame_points, warp_triangles
from mien.faces import default_landmarker, similarity_transforms
from mien.recognition import default_pipeline
from mien.types import Faces, Image

__all__ = ["demorph", "morph_score"]

SHARE = 0.45
"""Of the live face that is taken out: nearly a morph's own share."""
ALLOWANCE = 0.7
"""Of how unlike document and live capture are as they are, which is taken off: years and cameras make any remainder
more unlike. Chosen with FRLL's portraits and LFW's photos in view."""


def demorph(document: Image, face: Faces, live: Image, live_face: Faces, *, share: float = SHARE) -> Image:
    """The document with the live face taken out of its own.

    Args:
        document: (H, W, 3) uint8 RGB.
        face: Its face, one.
        live: (h, w, 3) uint8 RGB.
        live_face: Its face, one.
        share: How much is taken out, above 0 and below 1.

    Returns:
        (H, W, 3) uint8 RGB; outside the face the document as it was.
    """
    height, width = document.shape[:2]
    own, other = (mesh[0, :, :2] for mesh in default_landmarker().meshes([document, live], [face[:1], live_face[:1]]))
    (into,) = similarity_transforms(live_face.landmarks[:1], face.landmarks[0])
    brought = cv2.warpAffine(live, into, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    moved = np.asarray(other @ into[:, :2].T + into[:, 2], np.float32)
    source, target = (frame_points(points, height, width) for points in (moved, own))
    mask = face_mask(own, height, width)
    fitted = colours_of(warp_triangles(np.asarray(brought, np.uint8), source, target), document, mask)
    left = (document - share * fitted) / (1 - share)
    mixed = mask[..., None] * left + (1 - mask[..., None]) * document
    return np.asarray(np.clip(np.round(mixed), 0, 255), np.uint8)


def morph_score(document: Image, face: Faces, live: Image, live_face: Faces) -> tuple[float, float]:
    """How much a document seems a morph, and how unlike the live face its own is.

    Args:
        document: (H, W, 3) uint8 RGB.
        face: Its face, one.
        live: (h, w, 3) uint8 RGB.
        live_face: Its face, one.

    Returns:
        The score, which is what is left by `demorph` compared with the live face, less an allowance for how unlike both
        are anyway; and 1 minus the cosine of both.
    """
    pipeline = default_pipeline()
    left = demorph(document, face, live, live_face)
    described = pipeline.describe([document, left, live], [face[:1], face[:1], live_face[:1]])
    own, rest, alive = (faces.templates[0] for faces in described if faces.templates is not None)
    whole = 1 - float(own @ alive)
    return 1 - float(rest @ alive) - ALLOWANCE * whole, whole
