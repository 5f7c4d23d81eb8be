"""Where labels go in a picture: by their face, within the picture, off each other and off the other faces."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from mien.types import Array

__all__ = ["Chip", "Place", "place"]

Rectangle: TypeAlias = "tuple[float, float, float, float]"

# What it costs to cover a pixel: another label is worst, the middle of a face next, its own face's rim least.
_LABEL, _OTHER_FACE, _OWN_FACE = 20.0, 3.0, 1.0


# A label goes where it went in the frame before unless that covers so much more, as a share of its own area.
_STAY = 0.35


class Place(NamedTuple):
    """Where a chip goes.

    Attributes:
        corner: Its left and top, pixels.
        way: Which of the places around a face it is.
    """

    corner: tuple[int, int]
    way: int


class Chip(NamedTuple):
    """A label before it has a place.

    Attributes:
        coverage: Of its text, see `mien.render.lettering.lettering`.
        width: Of the chip, pixels.
        height: Of the chip, pixels.
    """

    coverage: Array
    width: int
    height: int


def place(
    chips: Sequence[Chip | None],
    boxes: Sequence[Rectangle],
    size: tuple[int, int],
    before: Sequence[int | None] | None = None,
) -> list[Place | None]:
    """Where each chip goes, None where there is no chip.

    Above the face is preferred, then below it, beside it and within its border; the first of these that covers
    nothing is taken, else the one that covers least. Small faces choose first: they have the least room.

    Args:
        chips: One a face, none larger than the picture.
        boxes: Of the faces, left, top, right, bottom in pixels.
        size: Width and height of the picture.
        before: Which way each chip went in the frame before; it goes that way again unless another is much better.
    """
    places: list[Place | None] = [None] * len(chips)
    taken: list[Rectangle] = []
    for index in sorted(range(len(chips)), key=lambda i: boxes[i][2] - boxes[i][0]):
        chip = chips[index]
        if chip is None:
            continue
        others = [box for i, box in enumerate(boxes) if i != index]
        way = None if before is None else before[index]
        best = _best(chip, boxes[index], others, taken, size, way)
        places[index] = best
        taken.append(_at(best.corner, chip))
    return places


def _best(
    chip: Chip,
    box: Rectangle,
    others: Sequence[Rectangle],
    taken: Sequence[Rectangle],
    size: tuple[int, int],
    before: int | None,
) -> Place:
    ways = [_within(corner, chip, size) for corner in _corners(chip, box)]
    best, least = 0, math.inf
    allowance = _STAY * chip.width * chip.height
    for way in range(len(ways)) if before is None else (before, *range(len(ways))):
        cost = _cost(_at(ways[way], chip), taken, others, box) - (allowance if way == before else 0)
        if cost < least:
            best, least = way, cost
        if least <= 0:
            break
    return Place(ways[best], best)


def _corners(chip: Chip, box: Rectangle) -> Iterator[tuple[float, float]]:
    left, top, right, bottom = box
    gap = 0.3 * chip.height
    above, below = top - chip.height - gap, bottom + gap
    lefts = (left, right - chip.width, (left + right - chip.width) / 2)
    yield from ((x, y) for y in (above, below) for x in lefts)
    yield from ((x, y) for y in (top, bottom - chip.height) for x in (right + gap, left - chip.width - gap))
    yield from ((x, y) for y in (bottom - chip.height - gap, top + gap) for x in (left + gap, right - chip.width - gap))
    yield from ((x, y) for y in (above - 1.15 * chip.height, below + 1.15 * chip.height) for x in lefts)


def _within(corner: tuple[float, float], chip: Chip, size: tuple[int, int]) -> tuple[int, int]:
    x, y = corner
    return round(min(max(x, 0), size[0] - chip.width)), round(min(max(y, 0), size[1] - chip.height))


def _at(corner: tuple[int, int], chip: Chip) -> Rectangle:
    return corner[0], corner[1], corner[0] + chip.width, corner[1] + chip.height


def _cost(at: Rectangle, taken: Sequence[Rectangle], others: Sequence[Rectangle], own: Rectangle) -> float:
    return (
        _LABEL * sum(_overlap(at, label) for label in taken)
        + _OTHER_FACE * sum(_overlap(at, face) for face in others)
        + _OWN_FACE * _overlap(at, own)
    )


def _overlap(a: Rectangle, b: Rectangle) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(0.0, width) * max(0.0, height)
