"""Faces drawn into their picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.render.lettering import lettering, shorten
from mien.render.placement import Chip, place
from mien.render.words import Verdict, title, verdict
from mien.types import Array, Face, Faces, Image

__all__ = ["COLOURS", "annotate", "draw"]


class Colours(NamedTuple):
    """RGB of a verdict's outline, its chip and the text on it."""

    line: tuple[int, int, int]
    chip: tuple[int, int, int]
    text: tuple[int, int, int]


# Apart for colour-blind eyes too (after Okabe and Ito) and in grey; the outline's shape says the same again.
COLOURS = {
    Verdict.FOUND: Colours((86, 180, 233), (86, 180, 233), (10, 20, 30)),
    Verdict.MATCHED: Colours((24, 190, 140), (0, 112, 84), (255, 255, 255)),
    Verdict.UNKNOWN: Colours((245, 178, 25), (245, 178, 25), (32, 22, 0)),
    Verdict.REFUSED: Colours((226, 228, 234), (62, 66, 76), (255, 255, 255)),
}
_CASING = (16, 20, 24)
_SHIFT = 4  # bits of a pixel's fraction in OpenCV's drawing


class _Style(NamedTuple):
    """Measures in pixels, which follow the size of the picture and of the face."""

    font: int
    line: float
    radius: float


def annotate(image: Image, faces: Faces) -> Image:
    """Draw faces into a copy of their image: an outline each, and a chip with what was decided.

    A matched face has a full outline and a name, an unknown one only the corners of an outline, one that was refused
    a dashed outline and the reasons; a face nothing was asked about has a thin outline and its five landmarks. Sizes
    follow the picture's and the face's. Chips stay within the picture, and off each other and the faces where there
    is room; a name too long for the picture is shortened.

    Args:
        image: (height, width, 3) uint8 RGB, the image the faces were found in.
        faces: Its faces.

    Returns:
        (height, width, 3) uint8 RGB, a new array.
    """
    return draw(image, faces, faces.sizes, None)[0]


def draw(
    image: Image, faces: Faces, sizes: Array, before: Sequence[int | None] | None
) -> tuple[Image, list[int | None]]:
    """As `annotate`, with what a video holds from frame to frame.

    Args:
        image: (height, width, 3) uint8 RGB.
        faces: Its faces.
        sizes: (n,) pixels, what lines and letters follow, as a rule the faces' own sizes.
        before: Which way each chip went in the frame before, see `mien.render.placement.place`.

    Returns:
        The annotated copy, and which way each chip went.
    """
    canvas = np.array(image, copy=True, order="C")
    height, width = canvas.shape[:2]
    styles = [_style(float(size), width, height) for size in sizes]
    for face, style in zip(faces, styles, strict=True):
        _draw_outline(canvas, face, style)
    chips = [_chip(face, style, width, height) for face, style in zip(faces, styles, strict=True)]
    boxes = [(float(left), float(top), float(right), float(bottom)) for left, top, right, bottom in faces.boxes]
    places = place(chips, boxes, (width, height), before)
    for face, style, chip, at in zip(faces, styles, chips, places, strict=True):
        if chip is not None and at is not None:
            _draw_chip(canvas, chip, at.corner, COLOURS[verdict(face.decision)], style)
    return canvas, [None if at is None else at.way for at in places]


def _style(size: float, width: int, height: int) -> _Style:
    base = 0.015 * math.hypot(width, height)
    size = size if math.isfinite(size) else 0.0
    font = round(max(11.0, min(max(0.11 * size, 0.8 * base), 1.6 * base)))
    line = max(1.0, min(0.13 * font, 0.06 * size))
    return _Style(font, line, min(0.14 * size, 1.2 * font))


def _draw_outline(canvas: Image, face: Face, style: _Style) -> None:
    if not np.isfinite(face.box).all():
        return
    state = verdict(face.decision)
    outline = _rounded(_visible(face.box, canvas, style), style.radius)
    points = [np.round(stroke * 2**_SHIFT).astype(np.int32) for stroke in _strokes(outline, state, style)]
    line = style.line if state is not Verdict.FOUND else 0.7 * style.line
    rim = max(1.0, 0.25 * line)
    for extra, colour in ((2 * rim, _CASING), (0.0, COLOURS[state].line)):
        thickness = max(1, round(line + extra))
        cv2.polylines(canvas, points, False, colour, thickness, cv2.LINE_AA, _SHIFT)
    if state is Verdict.FOUND and np.isfinite(face.landmarks).all():
        _draw_landmarks(canvas, face.landmarks, style)


def _draw_landmarks(canvas: Image, landmarks: Array, style: _Style) -> None:
    for extra, colour in ((1.0, _CASING), (0.0, COLOURS[Verdict.FOUND].line)):
        radius = round((0.9 * style.line + extra) * 2**_SHIFT)
        for x, y in np.round(np.clip(landmarks, -1e4, 1e5) * 2**_SHIFT).astype(int).tolist():
            cv2.circle(canvas, (x, y), radius, colour, -1, cv2.LINE_AA, _SHIFT)


def _visible(box: Array, canvas: Image, style: _Style) -> Array:
    """The box pulled in from the picture's border, so that an outline that reaches beyond it still shows."""
    height, width = canvas.shape[:2]
    inset = style.line
    return np.clip(box, inset, [width - 1 - inset, height - 1 - inset] * 2).astype(np.float32)


def _rounded(box: Array, radius: float) -> Array:
    """(n, 2) points along a closed rectangle with round corners, clockwise from the middle of its top."""
    left, top, right, bottom = (float(edge) for edge in box)
    radius = max(0.0, min(radius, (right - left) / 2, (bottom - top) / 2))
    quarter = np.linspace(0, np.pi / 2, 9)
    arc = radius * np.stack([np.sin(quarter), -np.cos(quarter)], axis=-1)
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])  # a quarter clockwise, y downwards, of row vectors
    points = [np.array([[(left + right) / 2, top]])]
    for centre in (
        (right - radius, top + radius),
        (right - radius, bottom - radius),
        (left + radius, bottom - radius),
        (left + radius, top + radius),
    ):
        points.append(arc + centre)
        arc = arc @ turn
    return np.concatenate([*points, points[0]]).astype(np.float32)


def _strokes(outline: Array, state: Verdict, style: _Style) -> list[Array]:
    """The parts of an outline that are drawn: all of it, its corners, or dashes."""
    steps = np.linalg.norm(np.diff(outline, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    length = float(along[-1])
    if length <= 0 or state in {Verdict.MATCHED, Verdict.FOUND}:
        return [outline]
    if state is Verdict.UNKNOWN:
        # Each of the four arcs is nine points, the first of them after the starting point.
        middles = along[[5, 14, 23, 32]]
        half = min(length / 13, 0.5 * length / 8 + style.radius)
        spans = [(middle - half, middle + half) for middle in middles]
    else:
        count = max(8, round(length / (5.5 * style.line)))
        spans = [((i + 0.22) * length / count, (i + 0.78) * length / count) for i in range(count)]
    return _cut(outline, along, np.array(spans))


def _cut(outline: Array, along: NDArray[np.floating], spans: NDArray[np.floating]) -> list[Array]:
    """The parts of an outline from one distance along it to another, (n, 2)."""
    ends = np.stack([np.interp(spans, along, outline[:, axis]) for axis in (0, 1)], axis=-1).astype(np.float32)
    first = np.searchsorted(along, spans[:, 0], "right").tolist()
    last = np.searchsorted(along, spans[:, 1], "left").tolist()
    return [np.concatenate([end[:1], outline[i:j], end[1:]]) for end, i, j in zip(ends, first, last, strict=True)]


def _chip(face: Face, style: _Style, width: int, height: int) -> Chip | None:
    text = title(face)
    if not text or not np.isfinite(face.box).all():
        return None
    padding = 0.5 * style.font
    text = shorten(text, style.font, width - 2 * padding - 2)
    coverage = lettering(text, style.font)
    chip = Chip(coverage, math.ceil(coverage.shape[1] + 2 * padding), math.ceil(1.08 * coverage.shape[0]))
    fits = text and chip.width <= width and chip.height <= height / 2
    return chip if fits else None


def _draw_chip(canvas: Image, chip: Chip, corner: tuple[int, int], colours: Colours, style: _Style) -> None:
    left, top = corner
    view = canvas[top : top + chip.height, left : left + chip.width]
    shape = np.zeros((chip.height, chip.width), np.uint8)
    outline = _rounded(np.array([0, 0, chip.width - 1, chip.height - 1], np.float32), 0.35 * style.font)
    cv2.fillPoly(shape, [np.round(outline * 2**_SHIFT).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)
    face = np.full((chip.height, chip.width, 3), colours.chip, np.uint8)
    rows, columns = chip.coverage.shape
    y, x = (chip.height - rows) // 2, (chip.width - columns) // 2
    _blend(face[y : y + rows, x : x + columns], np.array(colours.text, np.uint8), chip.coverage)
    _blend(view, face, (shape / 255).astype(np.float32))


def _blend(view: Image, over: Image, coverage: Array) -> None:
    """Lay an image or a colour over another as far as ``coverage`` in [0, 1] says, in place."""
    if coverage.size:
        cover = np.ascontiguousarray(coverage, np.float32)
        over = np.ascontiguousarray(np.broadcast_to(over, view.shape))
        view[...] = cv2.blendLinear(over, np.ascontiguousarray(view), cover, 1 - cover)
