"""What a collection's operating points cost: strangers who get a name, and people who get none, as a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from mien.recognition.points import IdentificationPoint

__all__ = ["Choice", "Plot", "missed", "plot"]

RATES = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 5e-4, 2e-4, 1e-4)
WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 16, 44


@dataclass(frozen=True, slots=True)
class Choice:
    """An operating point.

    Attributes:
        fpir: Share of strangers who are given a name.
        fnir: Share of enrolled people who are not.
        x: Where it lies in the picture.
        y: Where it lies in the picture.
    """

    fpir: float
    fnir: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Plot:
    """A curve in a picture of `WIDTH` by `HEIGHT`, with the choices on it.

    Attributes:
        path: The curve, as of an SVG path.
        choices: Highest rate of strangers first.
        ticks_x: Rates of strangers, with where they lie.
        ticks_y: Shares of misses, with where they lie.
    """

    path: str
    choices: tuple[Choice, ...]
    ticks_x: tuple[tuple[float, float], ...]
    ticks_y: tuple[tuple[float, float], ...]


def plot(curve: tuple[IdentificationPoint, ...], chosen: float) -> Plot | None:
    """A DET curve: its supported points, joined over the logarithm of the rate; None where there are fewer than two.

    Args:
        curve: As of `mien.recognition.search_curve`.
        chosen: The rate that is a choice in any case.
    """
    points = [(point.fpir, point.fnir) for point in curve if point.supported]
    if len(points) < 2:
        return None
    highest, lowest = points[0][0], points[-1][0]
    step = _step(max(miss for _, miss in points))
    top = step * math.ceil(max(miss for _, miss in points) / step)

    def x(rate: float) -> float:
        share = math.log(highest / rate) / math.log(highest / lowest)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(miss: float) -> float:
        return round(HEIGHT - BOTTOM - miss / top * (HEIGHT - TOP - BOTTOM), 1)

    rates = sorted({rate for rate in (*RATES, chosen) if lowest <= rate <= highest}, reverse=True)
    decades = [10.0**power for power in range(math.ceil(math.log10(lowest)), math.floor(math.log10(highest)) + 1)]
    return Plot(
        path="M" + " L".join(f"{x(rate)} {y(miss)}" for rate, miss in points),
        choices=tuple(Choice(rate, miss, x(rate), y(miss)) for rate in rates for miss in [missed(points, rate)]),
        ticks_x=tuple((rate, x(rate)) for rate in decades),
        ticks_y=tuple((n * step, y(n * step)) for n in range(round(top / step) + 1)),
    )


def missed(points: list[tuple[float, float]], rate: float) -> float:
    """Misses at a rate between those of points, highest rate first; beyond them those of the nearest."""
    if rate >= points[0][0]:
        return points[0][1]
    for (above, more), (below, fewer) in pairwise(points):
        if below <= rate <= above:
            return more + (fewer - more) * math.log(above / rate) / math.log(above / below)
    return points[-1][1]


def _step(highest: float) -> float:
    """A round distance of ticks, of which three to six fit."""
    rough = highest / 4
    unit = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 0.01
    return next((unit * factor for factor in (1, 2, 5) if unit * factor >= rough), unit * 10)
