"""What each error rate costs: the operating points of a calibration, in a gallery of a given size."""

from __future__ import annotations

import math

from mien.errors import InvalidArgument
from mien.recognition.calibration import Calibration
from mien.recognition.points import IdentificationPoint, VerificationPoint

__all__ = ["search_curve"]


def search_curve(calibration: Calibration, people: int) -> tuple[IdentificationPoint, ...]:
    """The operating points of searches in a gallery of some size, highest rate first: a DET curve.

    They are those of `Calibration.identification_threshold`: between the sizes that were tried they are interpolated
    over the logarithm of the size, and a point is supported where both its neighbours are. Beyond those sizes they
    come from single comparisons: a rate is at most the sum of its comparisons' rates, and the misses are those of one
    comparison, to which misses by somebody else's higher score are to be added.

    Args:
        calibration: Of a pipeline.
        people: Size of the gallery; misses are of people with one sample.

    Raises:
        InvalidArgument: An empty gallery.
    """
    if people < 1:
        raise InvalidArgument(f"people: expected a gallery of 1 or more, got {people}")
    sizes = sorted({point.gallery for point in calibration.identification if point.supported})
    if not sizes or not sizes[0] <= people <= sizes[-1]:
        known = calibration.comparisons.get("image-person/1")
        return tuple(_of_comparison(p, people) for p in known.points if p.fmr * people < 1) if known else ()
    below = max(size for size in sizes if size <= people)
    above = min(size for size in sizes if size >= people)
    share = 0.0 if below == above else math.log(people / below) / math.log(above / below)
    ends = [{p.fpir: p for p in calibration.identification if p.gallery == size} for size in (below, above)]
    rates = sorted(ends[0].keys() & ends[1].keys(), reverse=True)
    return tuple(_between(ends[0][rate], ends[1][rate], people, share) for rate in rates)


def _between(first: IdentificationPoint, second: IdentificationPoint, people: int, share: float) -> IdentificationPoint:
    def at(name: str) -> float:
        low, high = float(getattr(first, name)), float(getattr(second, name))
        return low + (high - low) * share

    return IdentificationPoint(
        gallery=people,
        fpir=first.fpir,
        threshold=at("threshold"),
        low=at("low"),
        high=at("high"),
        fnir=at("fnir"),
        errors=min(first.errors, second.errors),
        people=min(first.people, second.people),
        supported=first.supported and second.supported,
    )


def _of_comparison(point: VerificationPoint, people: int) -> IdentificationPoint:
    return IdentificationPoint(
        gallery=people,
        fpir=point.fmr * people,
        threshold=point.threshold,
        low=0.0,
        high=min(1.0, point.high * people),
        fnir=point.fnmr,
        errors=point.errors,
        people=point.people,
        supported=point.supported,
    )
