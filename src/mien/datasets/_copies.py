"""Copies of images: descriptors to find candidates by, and an aligned comparison that tells a copy from a likeness.

Two faces in one pose are alike when looked at coarsely, so a coarse descriptor only proposes. What decides is the fine
structure (pixels less their blur) after one image has been aligned with the other by an affine warp (enhanced
correlation coefficient; Evangelidis and Psarakis, "Parametric image alignment using enhanced correlation coefficient
maximization", TPAMI 2008): copies agree in it, two photographs of one person do not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types import Array, Image

__all__ = ["SIDE", "Copy", "Thumbnail", "find_copies", "thumbnail"]

SIDE = 64
"""Width and height of the thumbnails that are compared, in pixels."""

_COARSE = 16
_CANDIDATES = 5
_LEAST_LIKENESS = 0.6
_COPY_FROM = 0.8
_BLOCK = 256
_CELLS = 1 << 24
_OVERLAP = 0.4
_BORDER = 3
# Corners of a near-duplicate lie where they were, within some 3 % of its side.
_STILL = 2.0

_Transform: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """What is kept of an image.

    Attributes:
        pixels: (64, 64) uint8 grey; the whole image, squeezed.
        sha256: Of its shape and all its pixels.
    """

    pixels: Image
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Copy:
    """Two images that are one.

    Attributes:
        query: Row of the one.
        reference: Row of the other.
        similarity: Correlation of their fine structure after alignment, in [-1, 1].
        moved: Whether one is mirrored, cropped, turned or shifted, and not only re-compressed, scaled or recoloured.
    """

    query: int
    reference: int
    similarity: float
    moved: bool


def thumbnail(image: Image) -> Thumbnail:
    """Thumbnail of a (H, W, 3) uint8 RGB image."""
    digest = hashlib.sha256(np.array(image.shape, np.int64).tobytes() + np.ascontiguousarray(image).tobytes()).digest()
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return Thumbnail(np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8), digest)


def find_copies(queries: Image, references: Image | None = None) -> Iterator[Copy]:
    """Copies of the queries among the references, or among the queries themselves, each pair then once.

    Time grows with the product of both numbers; a query is compared closely with the five that are most like it, so
    that of more copies than that five are found.

    Args:
        queries: (n, 64, 64) uint8 thumbnails.
        references: (m, 64, 64) uint8 thumbnails; None for the queries.
    """
    others = queries if references is None else references
    if not len(queries) or not len(others):
        return
    described = _describe(others)
    with ThreadPoolExecutor() as pool:
        rows = max(1, min(_BLOCK, _CELLS // len(others)))
        for start in range(0, len(queries), rows):
            likeness, best = _likeness(queries[start : start + rows], described)
            if references is None:
                # Each pair once, and nothing with itself.
                later = np.arange(len(others)) > start + np.arange(len(likeness))[:, None]
                likeness[~later] = -1
            count = min(_CANDIDATES, likeness.shape[1])
            top = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
            pairs = [
                (start + row, int(column), int(best[row, column]))
                for row in range(len(likeness))
                for column in np.sort(top[row])
                if likeness[row, column] >= _LEAST_LIKENESS
            ]
            yield from filter(None, pool.map(lambda pair: _confirm(queries, others, *pair), pairs))


@cache
def _transforms() -> tuple[_Transform, ...]:
    """What a copy may have gone through: as it is and mirrored, each turned, scaled or moved."""
    moves = [(1.0, 0.0, 0, 0), (1.0, -7.0, 0, 0), (1.0, 7.0, 0, 0), (0.88, 0.0, 0, 0), (1.14, 0.0, 0, 0)]
    moves += [(scale, 0.0, dx, dy) for scale, dx, dy in product((1.0, 1.14), (-4, 4), (-4, 4))]
    mirror = np.array([[-1, 0, SIDE - 1], [0, 1, 0], [0, 0, 1]], np.float64)
    transforms = []
    for flip in (np.eye(3), mirror):
        for scale, degrees, dx, dy in moves:
            middle = (SIDE - 1) / 2
            warp = np.vstack([cv2.getRotationMatrix2D((middle, middle), degrees, scale), [0, 0, 1]])
            warp[:2, 2] += dx, dy
            transforms.append(warp @ flip)
    return tuple(transforms)


def _likeness(queries: Image, described: Array) -> tuple[Array, NDArray[np.int8]]:
    """(n, m) highest coarse correlation over all transforms of the queries, and which transform it was."""
    likeness = np.full((len(queries), len(described)), -1, np.float32)
    best = np.zeros(likeness.shape, np.int8)
    for index, transform in enumerate(_transforms()):
        moved = np.stack(
            [cv2.warpAffine(one, transform[:2], (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT) for one in queries]
        )
        found = _describe(moved) @ described.T
        better = found > likeness
        np.copyto(likeness, found, where=better)
        best[better] = index
    return likeness, best


def _describe(thumbnails: Image) -> Array:
    """(n, 256) float32 of mean 0 and length 1: the image coarsely; zeros where it is all of one grey."""
    coarse = np.stack(
        [
            cv2.resize(cv2.GaussianBlur(one, (0, 0), 1.5), (_COARSE, _COARSE), interpolation=cv2.INTER_AREA)
            for one in thumbnails
        ]
    ).reshape(len(thumbnails), -1)
    centred = coarse.astype(np.float32) - coarse.mean(axis=1, keepdims=True, dtype=np.float32)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(np.divide(centred, length, out=np.zeros_like(centred), where=length > 1), np.float32)


def _confirm(queries: Image, references: Image, query: int, reference: int, transform: int) -> Copy | None:
    """The pair, if it is one image; the warp is sought from the transform by which they are most alike."""
    one, other = queries[query].astype(np.float32), references[reference].astype(np.float32)
    start = np.linalg.inv(_transforms()[transform])[:2].astype(np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    try:
        _, found = cv2.findTransformECC(other, one, start, cv2.MOTION_AFFINE, criteria, None, 5)
    except cv2.error:  # nothing to align
        return None
    warp = np.asarray(found, np.float64)
    similarity = _agreement(one, other, warp)
    if similarity < _COPY_FROM:
        return None
    corners = np.array([[0, 0, 1], [SIDE, 0, 1], [0, SIDE, 1], [SIDE, SIDE, 1]], np.float64)
    moved = bool(np.abs(corners @ warp.T - corners[:, :2]).max() > _STILL)
    return Copy(query, reference, similarity, moved)


def _agreement(one: Array, other: Array, warp: _Transform) -> float:
    """Correlation of the fine structure where both images are, or -1 where they hardly meet."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    aligned = cv2.warpAffine(one, warp, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REFLECT)
    inside = cv2.warpAffine(np.ones_like(one), warp, (SIDE, SIDE), flags=flags) > 0.99
    inside[:_BORDER], inside[-_BORDER:], inside[:, :_BORDER], inside[:, -_BORDER:] = (False,) * 4
    if inside.mean() < _OVERLAP:
        return -1.0
    first, second = ((image - cv2.GaussianBlur(image, (0, 0), 2.5))[inside] for image in (aligned, other))
    first, second = first - first.mean(), second - second.mean()
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return min(1.0, float(first @ second) / length) if length > 0 else -1.0
