"""One-to-many evaluation: searches of galleries of several sizes, for people who are in them and people who are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien import metrics
from mien.errors import InvalidArgument, UnsupportedErrorRate
from mien.evaluation.samples import Samples
from mien.recognition import Calibration

__all__ = ["GalleryCurve", "Identification", "SearchPoint", "identify_all"]

_RATES = (1e-1, 1e-2, 1e-3)
_SIZES = (10, 100, 1000, 10_000, 100_000)
_RANKS = 50
_POINTS = 60


@dataclass(frozen=True, slots=True, eq=False)
class GalleryCurve:
    """The trade-off of searches of galleries of one size.

    Attributes:
        size: People in the gallery, one image each.
        fpir: (n,) false positive identification rate, ascending.
        fnir: (n,) false negative identification rate at the same thresholds.
        low: (n,) lower end of the false negative identification rate's interval.
        high: (n,) its upper end.
        rank_1: Share of mated searches whose mate does not come first, by rank alone.
    """

    size: int
    fpir: NDArray[np.float64]
    fnir: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    rank_1: metrics.Rate


@dataclass(frozen=True, slots=True)
class SearchPoint:
    """A threshold for searches of galleries of one size, and both error rates there.

    Attributes:
        size: People in the gallery.
        target: False positive identification rate asked for.
        threshold: Lowest score that is a match.
        fpir: As measured.
        fnir: As measured.
        stated: Where the threshold is a calibration's: the interval it states for the rate, (low, high); else None.
    """

    size: int
    target: float
    threshold: float
    fpir: metrics.Rate
    fnir: metrics.Rate
    stated: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """What a one-to-many evaluation found; galleries hold one image a person.

    Attributes:
        people: How many people there are.
        mated: How many of them have a second image to search with.
        draws: How often the images of each person were drawn.
        curves: The trade-off by gallery size.
        points: Operating points by gallery size, down to the first rate that the data cannot support.
        stated: The calibration's thresholds, as measured here.
        cmc: (ranks,) cumulative match characteristic of a gallery of everybody: a closed set.
    """

    people: int
    mated: int
    draws: int
    curves: tuple[GalleryCurve, ...]
    points: tuple[SearchPoint, ...]
    stated: tuple[SearchPoint, ...]
    cmc: NDArray[np.float64]


def identify_all(
    samples: Samples, *, calibration: Calibration | None = None, draws: int = 4, seed: int = 0
) -> Identification:
    """Search for everybody among everybody else: open set, in every gallery that could be drawn.

    Args:
        samples: Captures of known people.
        calibration: Whose stated rates are to be checked.
        draws: How often to draw which image of a person is enrolled and which is searched with.
        seed: Of the draws.

    Raises:
        InvalidArgument: The set does not say who is on its captures, has fewer than three people, or nobody twice.
    """
    searches = metrics.all_searches(
        samples.templates, samples.people, failed=samples.failed, draws=draws, reach=0.1, seed=seed
    )
    if searches.people < 3 or not len(searches.mates):
        raise InvalidArgument(
            f"expected three people at least, one of them with two captures, got {searches.people} people"
        )
    if not np.isfinite(searches.tail[:1]).any():
        raise InvalidArgument("expected captures of several people with a face that is found, almost all were missed")
    largest = searches.people - 1
    sizes = [*(size for size in _SIZES if size < largest), largest]
    return Identification(
        people=searches.people,
        mated=len(np.unique(searches.mate_people)),
        draws=draws,
        curves=tuple(_curve(searches, size) for size in sizes),
        points=tuple(point for size in sizes for point in _points(searches, size)),
        stated=tuple(_stated(searches, sizes, calibration)),
        cmc=searches.cmc(min(_RANKS, searches.people)),
    )


def _curve(searches: metrics.Searches, size: int) -> GalleryCurve:
    places = np.unique(np.geomspace(1, len(searches.tail), _POINTS).round().astype(np.intp)) - 1
    thresholds = np.unique(searches.tail[places][np.isfinite(searches.tail[places])])[::-1]
    if not searches.complete:
        thresholds = thresholds[thresholds > searches.tail[-1]]
    fpir = np.array([searches.fpir_value(size, float(threshold)) for threshold in thresholds])
    missed = [searches.fnir(size, float(threshold)) for threshold in thresholds]
    low, high = (np.array([getattr(rate, end) for rate in missed]) for end in ("low", "high"))
    return GalleryCurve(size, fpir, np.array([rate.value for rate in missed]), low, high, searches.fnir(size, -np.inf))


def _points(searches: metrics.Searches, size: int) -> Iterator[SearchPoint]:
    for rate in _RATES:
        try:
            threshold = searches.threshold_at_fpir(size, rate)
        except InvalidArgument:
            continue
        fpir = searches.fpir(size, threshold)
        yield SearchPoint(size, rate, threshold, fpir, searches.fnir(size, threshold))
        if not fpir.supported:
            return


def _stated(searches: metrics.Searches, sizes: list[int], calibration: Calibration | None) -> Iterator[SearchPoint]:
    if calibration is None:
        return
    for size in sizes:
        for rate in _RATES:
            try:
                known = calibration.identification_threshold(rate, size)
                measured = searches.fpir(size, known.value)
            except (UnsupportedErrorRate, InvalidArgument):
                continue
            missed = searches.fnir(size, known.value)
            yield SearchPoint(size, rate, known.value, measured, missed, (known.low, known.high))
