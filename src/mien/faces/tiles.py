"""Very large pictures cut into tiles, so that their small faces are looked at as closely as those of small pictures."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.types import Array

__all__ = ["Tile", "tiles"]


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture, and the smaller one inside whose faces are its own; all in pixels of the picture.

    Attributes:
        outer: Left, top, right, bottom of what is looked at.
        inner: The same of its own part. Inner parts cover the picture without overlap.
    """

    outer: tuple[int, int, int, int]
    inner: tuple[int, int, int, int]

    def owns(self, boxes: Array) -> NDArray[np.bool_]:
        """(n,) bool: whose centre lies in the inner part; boxes (n, 4) in pixels of the picture.

        At the picture's border faces whose centre lies beyond it are owned as well.
        """
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
        low_x, low_y, high_x, high_y = (
            edge if edge != end else end + sign * float("inf")
            for edge, end, sign in zip(self.inner, self.outer, (-1, -1, 1, 1), strict=True)
        )
        return (x >= low_x) & (x < high_x) & (y >= low_y) & (y < high_y)


def tiles(width: int, height: int, side: int, margin: int) -> list[Tile]:
    """Cut a picture into tiles of nearly equal size.

    Args:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        side: Largest width and height of an inner part.
        margin: How far the outer part reaches beyond the inner one: a face whose centre is in the inner part and
            that is at most twice as large is seen whole.

    Returns:
        Tiles, row by row.
    """
    return [
        Tile(
            (max(0, left - margin), max(0, top - margin), min(width, right + margin), min(height, bottom + margin)),
            (left, top, right, bottom),
        )
        for top, bottom in _cuts(height, side)
        for left, right in _cuts(width, side)
    ]


def _cuts(extent: int, side: int) -> list[tuple[int, int]]:
    count = -(-extent // side)
    edges = [extent * step // count for step in range(count + 1)]
    return list(itertools.pairwise(edges))
