"""Detection at several scales with YuNet (Wu et al., Machine Intelligence Research 2023)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.faces.tiles import tiles
from mien.metrics.tracking import box_overlap
from mien.models import Session
from mien.types import Array, Faces, Image

__all__ = ["Detector", "turn_back"]

_STRIDES = (8, 16, 32)
_TILED_PIXELS = 50_000_000
# A tile is looked at as large as an ordinary photo, and the coarse looks at a picture of this size miss no face that
# is larger than its margin shows.
_TILE_SIDE = 2304
_TILE_MARGIN = 128
_TILE_SCALE = 0.75
_TURNED_SIDE = 1280
# From 495 frames and 273 crops of LFW, upright and turned (development half): an upright face scores 0.88 or more, one
# in a hundred less than 0.9; what is seen upright in a face on its head reaches 0.91, and the same face turned always
# 0.85. In every other of 6,921 frames with the face painted over, no turn showed anything above 0.82.
_SURE = 0.9
_SURER = 0.02
_TURNED_SCORE = 0.85
_TURNED_SIZE = 32.0


@dataclass(frozen=True, slots=True)
class _Level:
    """One look at an image: shrunk or enlarged by ``scale`` and laid into a canvas at ``left``, ``top``."""

    scale: float
    width: int
    height: int
    left: int
    top: int
    canvas: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Found:
    scores: Array
    boxes: Array
    landmarks: Array


class Detector:
    """Finds faces from 24 pixels to those that fill the frame.

    An image is looked at in full (its longer side at most ``max_side``) and, where that is larger than 320 pixels,
    once more at a quarter of that or less: YuNet sees faces of about 10 to 300 pixels, so two looks overlap.
    The smallest look has a margin all round, since a face cut off by the border is hard to find.
    An image of more than 50 megapixels is also looked at tile by tile, at three quarters of its size.

    Args:
        session: An open session of YuNet that takes (n, h, w, 3) uint8 RGB with h and w multiples of 32.
        score_threshold: Lowest confidence of a face, in [0, 1].
        min_size: Smallest face (geometric mean of its box's sides) in pixels of the image. Below it no recogniser has
            enough to go by, and false faces are at their most common.
        overlap: Intersection over union above which two boxes are one face.
        max_side: The longer side of the largest look, in pixels.
    """

    def __init__(
        self,
        session: Session,
        *,
        score_threshold: float = 0.75,
        min_size: float = 16,
        overlap: float = 0.3,
        max_side: int = 2560,
    ) -> None:
        self._session = session
        self.score_threshold = score_threshold
        self.min_size = min_size
        self.overlap = overlap
        self.max_side = max_side

    def detect(self, images: Sequence[Image], indices: Sequence[int] | None = None) -> list[Faces]:
        """Find the faces of several images.

        Args:
            images: (H, W, 3) uint8 RGB, of any sizes.
            indices: ``image_index`` of each image; their position by default.

        Returns:
            One `Faces` an image, best score first.
        """
        found = self._look(images, self.max_side)
        for image, levels in zip(images, found, strict=True):
            if image.shape[0] * image.shape[1] > _TILED_PIXELS:
                levels += self._look_at_tiles(image)
        numbers = indices if indices is not None else range(len(images))
        return [
            self._merge(levels, image, number) for levels, image, number in zip(found, images, numbers, strict=True)
        ]

    def retry_turned(self, image: Image, found: Faces, index: int = 0) -> Faces:
        """Look once more at a photo that may lie on its side or stand on its head.

        Where no face was found, or none that is beyond doubt, the photo is looked at turned by a quarter, three
        quarters and a half. The turn with the surest face is taken if that is clearly surer than any found before,
        since in a face on its head the detector sees one upright, with all landmarks wrong. A turned face also has to
        be surer and larger than an upright one: three more looks find three times as much that is none.

        Args:
            image: (H, W, 3) uint8 RGB.
            found: What `detect` found in it.
            index: ``image_index`` of the image.

        Returns:
            The faces of the best turn in pixels of the image as given, or ``found``. Turned faces have their
            landmarks in the order of the turned image, so that alignment turns the face upright.
        """
        score = found.scores.max(initial=0.0)
        if score >= _SURE:
            return found
        best, least = found, max(_TURNED_SCORE, score + _SURER)
        for turns in (1, 3, 2):
            turned = np.ascontiguousarray(np.rot90(image, turns))
            (levels,) = self._look([turned], min(self.max_side, _TURNED_SIDE))
            faces = self._merge(levels, turned, index)
            faces = faces[(faces.scores >= _TURNED_SCORE) & (faces.sizes >= _TURNED_SIZE)]
            if len(faces) and faces.scores[0] >= least:
                best, least = turn_back(faces, turns), faces.scores[0]
        return best

    def follow(self, image: Image, before: Faces) -> Faces | None:
        """Find faces again that were found in the frame before, by looking around each; a tenth of a full look's time.

        Args:
            image: (H, W, 3) uint8 RGB, the next frame of a video.
            before: The faces of the frame before, of the same size.

        Returns:
            One face for each of ``before``, in their order, or None where that takes a full look: a face is not found
            again, two are close together, or they are many.
        """
        parts = _around(before)
        if parts is None:
            return None
        canvases = np.zeros((len(parts), _FOLLOWED_SIDE, _FOLLOWED_SIDE, 3), np.uint8)
        levels = [
            replace(_level(right - left, bottom - top, _FOLLOWED_SIDE / side, 0), canvas=canvases.shape[1:3])
            for left, top, right, bottom, side in parts
        ]
        for canvas, level, (left, top, right, bottom, _) in zip(canvases, levels, parts, strict=True):
            _lay(image[top:bottom, left:right], level, canvas)
        outputs = self._session.run(canvases)
        found = []
        for row, (level, part) in enumerate(zip(levels, parts, strict=True)):
            seen = _decode(outputs, row, level, self.score_threshold)
            corner = np.array(part[:2], np.float32)
            boxes = seen.boxes + np.tile(corner, 2)
            overlap = box_overlap(before.boxes[row : row + 1], boxes)[0]
            if overlap.max(initial=0.0) < _FOLLOWED_OVERLAP:
                return None
            best = int(overlap.argmax())
            found.append((seen.scores[best], boxes[best], seen.landmarks[best] + corner))
        scores, boxes, landmarks = (np.array(column) for column in zip(*found, strict=True))
        faces = Faces.of(boxes, scores, landmarks, before.image_size, image_index=int(before.image_index[0]))
        return faces if (faces.sizes >= self.min_size).all() else None

    def _look(self, images: Sequence[Image], max_side: int) -> list[list[_Found]]:
        looks: dict[tuple[int, int], list[tuple[int, _Level]]] = defaultdict(list)
        for position, image in enumerate(images):
            for level in _levels(image.shape[1], image.shape[0], max_side):
                looks[level.canvas].append((position, level))
        found: list[list[_Found]] = [[] for _ in images]
        for canvas, entries in looks.items():
            batch = np.zeros((len(entries), *canvas, 3), np.uint8)
            for slot, (position, level) in zip(batch, entries, strict=True):
                _lay(images[position], level, slot)
            outputs = self._session.run(batch)
            for row, (position, level) in enumerate(entries):
                found[position].append(_decode(outputs, row, level, self.score_threshold))
        return found

    def _look_at_tiles(self, image: Image) -> list[_Found]:
        found = []
        for tile in tiles(image.shape[1], image.shape[0], _TILE_SIDE, _TILE_MARGIN):
            left, top, right, bottom = tile.outer
            level = _level(right - left, bottom - top, _TILE_SCALE, 0)
            canvas = np.zeros((1, *level.canvas, 3), np.uint8)
            _lay(image[top:bottom, left:right], level, canvas[0])
            seen = _decode(self._session.run(canvas), 0, level, self.score_threshold)
            boxes = seen.boxes + np.array([left, top, left, top], np.float32)
            # What is larger than the margin shows may be a part of a face, and the coarse looks see it whole.
            kept = tile.owns(boxes) & ((boxes[:, 2:] - boxes[:, :2]).max(1, initial=0) <= 2 * _TILE_MARGIN)
            landmarks = seen.landmarks + np.array([left, top], np.float32)
            found.append(_Found(seen.scores[kept], boxes[kept], landmarks[kept]))
        return found

    def _merge(self, levels: list[_Found], image: Image, number: int) -> Faces:
        scores = np.concatenate([level.scores for level in levels])
        boxes = np.concatenate([level.boxes for level in levels])
        landmarks = np.concatenate([level.landmarks for level in levels])
        keep = _suppress(boxes, scores, self.overlap)
        size = (image.shape[1], image.shape[0])
        faces = Faces.of(boxes[keep], scores[keep], landmarks[keep], size, image_index=number)
        return faces[faces.sizes >= self.min_size]


def turn_back(faces: Faces, turns: int) -> Faces:
    """Faces of an image turned by quarters, in pixels of the image before it was turned.

    Args:
        faces: Found in ``np.rot90(image, turns)``.
        turns: Quarter turns anticlockwise, 1 to 3.
    """
    width, height = faces.image_size
    corners = faces.boxes.reshape(-1, 2, 2)
    points = np.concatenate([corners, faces.landmarks], axis=1)
    for _ in range(turns):
        points = np.stack([height - 1 - points[..., 1], points[..., 0]], -1)
        width, height = height, width
    corners = points[:, :2]
    boxes = np.concatenate([corners.min(1), corners.max(1)], axis=1)
    return replace(faces, boxes=boxes, landmarks=points[:, 2:], image_size=(width, height))


# Around a face that is followed: two and a half times its size, in a look that shows it with some 64 pixels.
_FOLLOWED_SIDE = 160
_FOLLOWED_SHARE = 2.5
_FOLLOWED_OVERLAP = 0.4
# More looks than that take longer than a full one.
_FOLLOWED_AREA = 0.4


def _around(faces: Faces) -> list[tuple[int, int, int, int, int]] | None:
    """Where to look for each face again: left, top, right, bottom, and the side of the square; None for a full look."""
    width, height = faces.image_size
    if not len(faces) or len(faces) * _FOLLOWED_SIDE**2 > _FOLLOWED_AREA * width * height:
        return None
    centres = faces.boxes.reshape(-1, 2, 2).mean(1)
    sides = np.maximum(_FOLLOWED_SHARE * (faces.boxes[:, 2:] - faces.boxes[:, :2]).max(1), _FOLLOWED_SIDE).astype(int)
    gaps = np.abs(centres[:, None] - centres[None]).max(-1) + np.diag(np.full(len(faces), np.inf))
    if (gaps < sides[:, None] / 2).any():
        return None
    corners = np.rint(centres - sides[:, None] / 2).astype(int)
    inside = np.clip(np.hstack([corners, corners + sides[:, None]]), 0, [width, height, width, height])
    if ((inside[:, 2:] - inside[:, :2]) < _FOLLOWED_SIDE // 4).any():
        return None
    return [(*edges, side) for edges, side in zip(inside.tolist(), sides.tolist(), strict=True)]


_COARSE_SIDE = 208
_SINGLE_LOOK_SIDE = 320
_MARGIN = 24


def _levels(width: int, height: int, max_side: int) -> list[_Level]:
    longer = max(width, height)
    finest = min(longer, max_side)
    if finest <= _SINGLE_LOOK_SIDE:
        return [_level(width, height, max(finest, _COARSE_SIDE) / longer, _MARGIN)]
    sides = [finest]
    while sides[-1] > 4 * _SINGLE_LOOK_SIDE:
        sides.append(sides[-1] // 4)
    plain = [_level(width, height, side / longer, 0) for side in sides]
    return [*plain, _level(width, height, min(_COARSE_SIDE, sides[-1] // 2) / longer, _MARGIN)]


def _level(width: int, height: int, scale: float, margin: int) -> _Level:
    inner_width, inner_height = max(1, round(width * scale)), max(1, round(height * scale))
    canvas = tuple(-(-(side + 2 * margin) // 32) * 32 for side in (inner_height, inner_width))
    left, top = ((canvas[1] - inner_width) // 2, (canvas[0] - inner_height) // 2) if margin else (0, 0)
    return _Level(scale, inner_width, inner_height, left, top, (canvas[0], canvas[1]))


def _lay(image: Image, level: _Level, canvas: Image) -> None:
    inside = canvas[level.top : level.top + level.height, level.left : level.left + level.width]
    if image.shape[:2] == inside.shape[:2]:
        inside[...] = image
        return
    # Halving bilinearly averages two by two, and in steps it takes a fifth of the time of averaging in one.
    while min(image.shape[0] // level.height, image.shape[1] // level.width) > 1:
        image = cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_LINEAR)
    cv2.resize(image, (level.width, level.height), dst=inside, interpolation=cv2.INTER_LINEAR)


def _decode(outputs: dict[str, NDArray[np.float32]], row: int, level: _Level, threshold: float) -> _Found:
    """Boxes and landmarks, in pixels of the image, of the anchors whose score reaches the threshold."""
    parts = [(np.empty(0, np.float32), np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32))]
    for stride in _STRIDES:
        confidence = outputs[f"cls_{stride}"][row, :, 0] * outputs[f"obj_{stride}"][row, :, 0]
        kept = np.flatnonzero(confidence >= threshold * threshold)
        if not len(kept):
            continue
        columns = level.canvas[1] // stride
        anchors = np.stack([kept % columns, kept // columns], 1).astype(np.float32)
        offsets = outputs[f"bbox_{stride}"][row, kept]
        centres = (anchors + offsets[:, :2]) * stride
        half = np.exp(offsets[:, 2:]) * (stride / 2)
        points = (outputs[f"kps_{stride}"][row, kept].reshape(-1, 5, 2) + anchors[:, None]) * stride
        parts.append((np.sqrt(confidence[kept]), np.hstack([centres - half, centres + half]), points))
    scores, boxes, landmarks = (np.concatenate(column) for column in zip(*parts, strict=True))
    # Pixel centres, not corners, coincide between the look and the image.
    shift = np.array([level.left, level.top], np.float32) - 0.5
    boxes = (boxes - np.tile(shift, 2)) / level.scale - 0.5
    landmarks = (landmarks - shift) / level.scale - 0.5
    return _Found(scores.astype(np.float32), boxes.astype(np.float32), landmarks.astype(np.float32))


def _suppress(boxes: Array, scores: Array, overlap: float) -> NDArray[np.intp]:
    """Greedy non-maximum suppression: indices of the boxes that stay, best score first."""
    order = np.argsort(-scores, kind="stable")
    corners = boxes[order]
    areas = np.prod(np.clip(corners[:, 2:] - corners[:, :2], 0, None), axis=1)
    alive = np.ones(len(order), bool)
    for index in range(len(order)):
        if not alive[index]:
            continue
        rest = slice(index + 1, None)
        low = np.maximum(corners[index, :2], corners[rest, :2])
        high = np.minimum(corners[index, 2:], corners[rest, 2:])
        shared = np.prod(np.clip(high - low, 0, None), axis=1)
        alive[rest] &= shared <= overlap * (areas[index] + areas[rest] - shared)
    return order[alive]
