"""Text for pictures: OpenCV's built-in typeface, which reaches from Latin to Arabic, Chinese and Korean."""

from __future__ import annotations

import functools
import itertools
import unicodedata

import cv2
import numpy as np

from mien.types import Array

__all__ = ["ASCENT", "DESCENT", "lettering", "shorten"]

ASCENT, DESCENT = 0.98, 0.32
"""Height above and below the base line, of the font size; holds accents on capitals."""

_WEIGHT = 560
_LONGEST = 80


@functools.lru_cache(maxsize=256)
def shorten(text: str, size: float, width: float) -> str:
    """The text, or as much of it as fits in ``width`` pixels with an ellipsis; empty where nothing does."""
    text = "".join(char if char.isprintable() else " " for char in text[:_LONGEST]).strip()
    if _advance(text, size) <= width:
        return text
    kept = next((end for end in range(len(text) - 1, 0, -1) if _advance(f"{text[:end]}...", size) <= width), 0)
    return f"{text[:kept].rstrip()}..." if kept else ""


@functools.lru_cache(maxsize=256)
def lettering(text: str, size: float) -> Array:
    """Coverage of the text, (height, width) float32 in [0, 1], anti-aliased, read-only.

    Args:
        text: One line, already short; characters without a glyph come as question marks.
        size: Font size in pixels; the height is ``ceil(size * (ASCENT + DESCENT))``.
    """
    ascent, descent = int(np.ceil(size * ASCENT)), int(np.ceil(size * DESCENT))
    margin = round(size)
    canvas = np.zeros((ascent + descent, _advance(text, size) + 2 * margin, 3), np.uint8)
    font = cv2.FontFace("sans")
    cv2.putText(canvas, _visual(text), (margin, ascent), (255, 255, 255), font, round(size), _WEIGHT)
    ink = np.flatnonzero(canvas[..., 0].any(axis=0))
    if not len(ink):
        return np.zeros((ascent + descent, 0), np.float32)
    coverage = (canvas[:, ink[0] : ink[-1] + 1, 0] / 255).astype(np.float32)
    coverage.flags.writeable = False  # everybody who asks for this text gets this array
    return coverage


def _advance(text: str, size: float) -> int:
    _, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace("sans"), round(size), _WEIGHT)
    return int(width)


def _visual(text: str) -> str:
    """The characters as they stand from left to right: OpenCV does not turn Hebrew and Arabic around itself."""
    directions = [unicodedata.bidirectional(char) in {"R", "AL"} for char in text]
    if not any(directions):
        return text
    for index, char in enumerate(text):  # a space between two right-to-left words belongs to them
        if char.isspace() and 0 < index < len(text) - 1:
            directions[index] = directions[index - 1] and directions[index + 1]
    pairs = zip(text, directions, strict=True)
    groups = itertools.groupby(pairs, key=lambda pair: (pair[1], pair[0].isspace() and not pair[1]))
    runs = [(leftward, "".join(char for char, _ in run)) for (leftward, _), run in groups]
    ordered = reversed(runs) if runs[0][0] else runs
    return "".join(run[::-1] if leftward else run for leftward, run in ordered)
