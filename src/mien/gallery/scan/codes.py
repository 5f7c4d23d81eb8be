"""Codes: a template in one byte a number, and in a second one that is looked at for few, with the distance of each.

For a template x and its code's value y, |x - y| = r is stored, and so it is for the value of both bytes. With a probe q
and its code's value p, the scores differ by no more than

    |q.x - p.y| <= |p| r + |q - p| |x|        (both codes)
    |q.x - q.y| <= |q| r                      (the probe as it is)

which follows from Cauchy and Schwarz. `EPSILON` covers the rounding of the arithmetic itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.types import Array

__all__ = ["EPSILON", "LOOSE", "ZERO", "Coded", "Codes", "Query", "decode", "encode", "scale_of", "usual_distance"]

Codes = NDArray[np.uint8]

ZERO = 128
"""The code of 0: codes are unsigned, 1 to 255, as the fastest products of bytes want one side to be."""

SPREAD = 6.0
"""Standard deviations of an isotropic unit vector's numbers that codes reach to; what lies beyond is cut off."""

FINE = 254
"""Steps of the second code in one of the first: half a step to either side is 127."""

LOOSE = 1.5
"""A row whose distance is above so many times the usual one is compared exactly in every search."""

EPSILON = 4e-6
"""More than the rounding of scores: of the fused template, of the sum in double precision, of the stored distance."""


def scale_of(dimension: int) -> float:
    """The step between two codes: one for a whole collection, so that codes are ordered as scores are."""
    return min(1.0, SPREAD / math.sqrt(dimension)) / 127


def usual_distance(dimension: int) -> float:
    """Root mean square of the distance of a row within reach: steps are uniform, so s^2 / 12 a number."""
    return scale_of(dimension) * math.sqrt(dimension / 12)


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Vectors as codes.

    Attributes:
        codes: (n, d) uint8, offset by `ZERO`.
        fine: (n, d) uint8: what the first code leaves, in steps of its `FINE`-th part.
        distances: (n,) float32, Euclidean, between a vector and its code's value.
        rests: (n,) float32, the same with the value of both codes.
    """

    codes: Codes
    fine: Codes
    distances: Array
    rests: Array


def encode(vectors: Array, scale: float) -> Coded:
    """Codes of (n, d) float32 vectors, with steps of ``scale``."""
    exact = np.asarray(vectors, np.float64)
    steps = np.clip(np.rint(exact / scale), -127, 127)
    left = exact - steps * scale
    parts = np.clip(np.rint(left * (FINE / scale)), -127, 127)
    rest = left - parts * (scale / FINE)
    distances, rests = (np.linalg.norm(part, axis=1).astype(np.float32) for part in (left, rest))
    return Coded((steps + ZERO).astype(np.uint8), (parts + ZERO).astype(np.uint8), distances, rests)


def decode(codes: Codes, fine: Codes, scale: float) -> NDArray[np.float64]:
    """(n, d) float64: the values of both codes."""
    return (codes.astype(np.float64) - ZERO) * scale + (fine.astype(np.float64) - ZERO) * (scale / FINE)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """Probes on their way through a scan.

    Attributes:
        probes: (n, d) float32.
        codes: (n, d) int8, signed: the other side of the product.
        steps: (n,) float64, each probe's step, so that its largest number takes 127.
        norms: (n,) float64 Euclidean lengths of the codes' values.
        distances: (n,) float64 Euclidean distances between probe and code.
    """

    probes: Array
    codes: NDArray[np.int8]
    steps: NDArray[np.float64]
    norms: NDArray[np.float64]
    distances: NDArray[np.float64]

    @classmethod
    def of(cls, probes: Array) -> Query:
        """Probes, encoded."""
        exact = np.asarray(probes, np.float64)
        steps = np.maximum(np.abs(exact).max(1, initial=0.0), 1e-30) / 127
        codes = np.rint(exact / steps[:, None]).astype(np.int8)
        values = codes * steps[:, None]
        distances = np.linalg.norm(exact - values, axis=1)
        return cls(np.asarray(probes, np.float32), codes, steps, np.linalg.norm(values, axis=1), distances)

    def __len__(self) -> int:
        return len(self.probes)

    def ceiling(self, row: int, product: float, scale: float, distance: float) -> float:
        """The highest exact score of a template, ``distance`` from its code, whose product is at most ``product``."""
        slack = self.norms[row] * distance + self.distances[row] * (1 + EPSILON) + EPSILON
        return float(product * self.steps[row] * scale + slack)
