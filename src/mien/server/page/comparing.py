"""What another calibration would change for a collection: thresholds at its operating point, and who is missed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mien.errors import NotCalibrated, UnsupportedErrorRate
from mien.gallery import Gallery
from mien.recognition import Calibration, search_curve
from mien.server.access import EVERY, Scope
from mien.server.calibrating import losses, pipeline_of, served
from mien.server.page.pages import Page, templates
from mien.server.page.plot import missed

__all__ = ["Change", "Offer", "offer"]

_Cost: TypeAlias = tuple[float, float | None]
_Pair: TypeAlias = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Change:
    """One kind of decision; None where a calibration does not support its rate.

    Attributes:
        kind: What is said of the threshold, in `WORDS`.
        cost: What is said of the misses.
        rate: At which it decides.
        threshold: Before and after.
        missed: Share of right matches that it costs, before and after.
    """

    kind: str
    cost: str
    rate: float
    threshold: tuple[float | None, float | None]
    missed: tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Offer:
    """A calibration that may be put to use in place of the one in use.

    Attributes:
        before: The one in use; None where there is none.
        after: The other one.
        changes: What it would change for this collection.
        collections: Which decide by it.
        lost: Why it cannot be put to use, a line a collection; empty where it can.
    """

    before: Calibration | None
    after: Calibration
    changes: tuple[Change, ...]
    collections: tuple[str, ...]
    lost: tuple[str, ...]


def offer(page: Page, gallery: Gallery, after: Calibration) -> Offer | None:
    """What a calibration would change; None for a key that may not put it to use."""
    if not page.may(Scope.admin) or EVERY not in page.session.key.collections:
        return None
    service, pipeline = page.service, pipeline_of(gallery)
    galleries, before = served(service)[pipeline], service.calibrations.of(pipeline)
    rules, people = service.galleries.rules(gallery.collection), max(1, gallery.size)
    return Offer(
        before,
        after,
        (
            Change("search", "search_missed", rules.fpir, *_both(_search, before, after, rules.fpir, people)),
            Change("claim", "claim_missed", rules.fmr, *_both(_claim, before, after, rules.fmr, people)),
        ),
        tuple(one.collection for one in galleries),
        tuple(losses(service, after, galleries)),
    )


def _both(
    cost: Callable[[Calibration, float, int], _Cost],
    before: Calibration | None,
    after: Calibration,
    rate: float,
    people: int,
) -> tuple[_Pair, _Pair]:
    """Thresholds before and after, and misses before and after."""
    costs: list[_Pair] = []
    for calibration in (before, after):
        try:
            costs.append(cost(calibration, rate, people) if calibration else (None, None))
        except (NotCalibrated, UnsupportedErrorRate):
            costs.append((None, None))
    (first, fewer), (second, more) = costs
    return (first, second), (fewer, more)


def _search(calibration: Calibration, rate: float, people: int) -> _Cost:
    threshold = calibration.identification_threshold(rate, people)
    points = [(point.fpir, point.fnir) for point in search_curve(calibration, people) if point.supported]
    return threshold.value, missed(points, rate) if points else None


def _claim(calibration: Calibration, rate: float, _: int) -> _Cost:
    threshold = calibration.verification_threshold("image-image", rate)
    points = [(point.fmr, point.fnmr) for point in calibration.comparisons["image-image"].supported]
    return threshold.value, missed(points, rate)


templates.filters["score"] = lambda value: f"{value:.3f}"
