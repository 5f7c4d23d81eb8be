"""Calibration: which threshold gives which error rate, how sure that is, and where the data end.

A calibration belongs to one pipeline. For each comparison type it holds operating points for false match rates (FMR)
and a map from score to log-likelihood ratio, and for searches the operating points for false positive identification
rates (FPIR) by size of gallery. A rate that fewer than 30 errors of 30 people stand behind is never promised.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from mien import media
from mien.errors import InvalidArgument, NotCalibrated, UnsupportedErrorRate, UnwritableFile
from mien.recognition.points import Comparison, GroupPoint, IdentificationPoint, Population, Threshold
from mien.recognition.reading import SCHEMA, read

__all__ = [
    "COMPARISON_TYPES",
    "Calibration",
    "Probe",
    "comparison_type",
    "load_calibration",
    "user_calibration_path",
]

COMPARISON_TYPES = ("image-image", *(f"{probe}-person/{n}" for probe in ("image", "track") for n in ("1", "2-4", "5+")))

Probe: TypeAlias = Literal["image", "track"]


def comparison_type(samples: int, *, probe: Probe = "image") -> str:
    """Comparison type of a probe against a person enrolled with so many samples.

    Args:
        samples: Of the person; 1 or more.
        probe: ``"image"``, or ``"track"`` for the template fused over a track, compared anew as it grows.

    Raises:
        InvalidArgument: No samples, or no such probe.
    """
    if samples < 1:
        raise InvalidArgument(f"samples: expected 1 or more, got {samples}")
    if probe not in get_args(Probe):
        raise InvalidArgument(f"probe: expected one of {', '.join(get_args(Probe))}, got {probe!r}")
    return f"{probe}-person/{'1' if samples == 1 else '2-4' if samples < 5 else '5+'}"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds of one pipeline; see the module.

    Attributes:
        name: What decisions call it.
        pipeline: Name of the pipeline it belongs to.
        population: Whose images it rests on.
        comparisons: By comparison type.
        identification: Operating points of searches, against people with one sample.
        groups: How the stated rates of two images hold within groups of people, where the groups were told.
    """

    name: str
    pipeline: str
    population: Population
    comparisons: Mapping[str, Comparison]
    identification: tuple[IdentificationPoint, ...]
    groups: tuple[GroupPoint, ...] = ()

    def verification_threshold(self, comparison: str, fmr: float) -> Threshold:
        """Threshold for a false match rate, interpolated between operating points on a logarithmic scale.

        Raises:
            InvalidArgument: The rate is not between 0 and 1.
            NotCalibrated: Nothing is known of this comparison type.
            UnsupportedErrorRate: The rate is lower than the data support; ``details["bound"]`` is the lowest.
        """
        _check_rate("fmr", fmr)
        points = self._comparison(comparison).supported
        if not points or fmr < points[-1].fmr * (1 - 1e-9):
            raise _unsupported("FMR", fmr, points[-1].fmr if points else None, self)
        if fmr > points[0].fmr:
            # Above the highest rate that was fitted its threshold holds all the more.
            return Threshold(points[0].threshold, points[0].low, points[0].high)
        return _interpolate([p.fmr for p in points], [(p.threshold, p.low, p.high) for p in points], fmr)

    def identification_threshold(self, fpir: float, people: int, comparison: str = "image-person/1") -> Threshold:
        """Threshold for a false positive identification rate in a gallery of so many people.

        Between the sizes that were tried the threshold is interpolated over the logarithm of the size. Below the
        smallest and above the largest, the rate of a search is bounded by the sum of its comparisons' rates
        (FPIR <= people x FMR), which holds however comparisons depend on one another.

        Raises:
            InvalidArgument: The rate is not between 0 and 1, or the gallery is empty.
            NotCalibrated: Nothing is known of searches.
            UnsupportedErrorRate: The rate is lower than the data support at this size; ``details["bound"]`` is the
                lowest that could be promised.
        """
        _check_rate("fpir", fpir)
        if people < 1:
            raise InvalidArgument(f"people: expected a gallery of 1 or more, got {people}")
        sizes = sorted({point.gallery for point in self.identification if point.supported})
        if not sizes or not sizes[0] <= people <= sizes[-1]:
            return self._by_sum(fpir, people, comparison)
        below = max(size for size in sizes if size <= people)
        above = min(size for size in sizes if size >= people)
        ends = [self._at_size(fpir, size) for size in (below, above)]
        share = 0.0 if below == above else math.log(people / below) / math.log(above / below)
        single = Threshold(
            *(_between(getattr(ends[0], f), getattr(ends[1], f), share) for f in ("value", "low", "high"))
        )
        return Threshold(single.value + self._shift(comparison, single.value), single.low, single.high)

    def llr(self, comparison: str, score: float) -> float | None:
        """Natural logarithm of how much likelier the score is of one person than of two; None where not known."""
        if comparison not in self.comparisons or not math.isfinite(score):
            return None
        slope, intercept = self.comparisons[comparison].llr
        return slope * score + intercept

    def _comparison(self, comparison: str) -> Comparison:
        if comparison not in self.comparisons:
            raise NotCalibrated(
                f"calibration {self.name!r} knows nothing of {comparison} comparisons; it has "
                f"{', '.join(self.comparisons)}. Refit it: mien calibrate --from PEOPLE_FOLDER",
                comparison=comparison,
            )
        return self.comparisons[comparison]

    def _at_size(self, fpir: float, size: int) -> Threshold:
        points = [p for p in self.identification if p.gallery == size and p.supported]
        if fpir < points[-1].fpir * (1 - 1e-9):
            raise _unsupported(f"FPIR in a gallery of {size} people", fpir, points[-1].fpir, self)
        rate = min(fpir, points[0].fpir)
        return _interpolate([p.fpir for p in points], [(p.threshold, p.low, p.high) for p in points], rate)

    def _by_sum(self, fpir: float, people: int, comparison: str) -> Threshold:
        points = self._comparison(comparison).supported
        if not points or fpir / people < points[-1].fmr * (1 - 1e-9):
            bound = min(1.0, points[-1].fmr * people) if points else None
            raise _unsupported(f"FPIR in a gallery of {people} people", fpir, bound, self)
        single = self.verification_threshold(comparison, fpir / people)
        return Threshold(single.value, 0.0, min(1.0, single.high * people))

    def _shift(self, comparison: str, threshold: float) -> float:
        """How far the threshold of another comparison type lies from that of people with one sample.

        Taken where the score distributions are known best and closest to the threshold: at the lowest rate that
        both types support.
        """
        own, single = self.comparisons.get(comparison), self.comparisons.get("image-person/1")
        if own is None or single is None or own is single or not own.supported or not single.supported:
            return 0.0
        rate = max(own.supported[-1].fmr, single.supported[-1].fmr, self._fmr_at(threshold))
        return (
            self.verification_threshold(comparison, rate).value
            - self.verification_threshold("image-person/1", rate).value
        )

    def _fmr_at(self, threshold: float) -> float:
        points = self.comparisons["image-person/1"].supported
        logs = np.interp(threshold, [p.threshold for p in points], [math.log(p.fmr) for p in points])
        return math.exp(float(logs))

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Calibration:
        """From JSON.

        Raises:
            InvalidArgument: The document is no calibration, holds what none can hold, or was written by a newer Mien.
        """
        return cls(**read(document))

    def save(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write it where `load_calibration` finds it, or to ``path``; all or nothing.

        Raises:
            UnwritableFile: No permission or no room; nothing was changed.
        """
        target = Path(path) if path is not None else user_calibration_path(self.pipeline)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnwritableFile(
                f"{target.parent}: cannot be made a folder: {error.strerror}", path=str(target)
            ) from error
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
        media.write_bytes(target, f"{text}\n".encode())
        return target


def _check_rate(name: str, rate: float) -> None:
    if not 0 < rate < 1:
        raise InvalidArgument(f"{name}: expected a rate between 0 and 1, such as 0.001, got {rate}")


def _unsupported(what: str, rate: float, bound: float | None, calibration: Calibration) -> UnsupportedErrorRate:
    population = calibration.population
    known = f"the lowest it can promise is {bound:.2g}" if bound is not None else "it can promise none"
    return UnsupportedErrorRate(
        f"{what} of {rate:g} is lower than calibration {calibration.name!r} ({population.people} people, "
        f"{population.images} images) supports: {known}. Ask for a higher rate, or refit on more people with "
        "mien calibrate --from PEOPLE_FOLDER",
        rate=rate,
        bound=bound,
        calibration=calibration.name,
    )


def _interpolate(rates: Sequence[float], values: Sequence[tuple[float, float, float]], rate: float) -> Threshold:
    """Between points given in falling order of their rate; the interval keeps its proportion to the rate."""
    logs = -np.log(rates)
    at = -math.log(rate)
    thresholds, lows, highs = (np.array(column) for column in zip(*values, strict=True))
    threshold, low, high = (float(np.interp(at, logs, column)) for column in (thresholds, lows / rates, highs / rates))
    return Threshold(threshold, low * rate, high * rate)


def _between(first: float, second: float, share: float) -> float:
    return first + (second - first) * share


def user_calibration_path(pipeline: str) -> Path:
    """Where a calibration fitted by the user is kept; `load_calibration` prefers it to the shipped one."""
    from platformdirs import user_data_path

    folder = os.environ.get("MIEN_CALIBRATIONS")
    base = Path(folder) if folder else user_data_path("mien", appauthor=False) / "calibrations"
    return base / f"{pipeline.replace('/', '_')}.json"


def load_calibration(pipeline: str, path: str | os.PathLike[str] | None = None) -> Calibration | None:
    """The calibration of a pipeline: the one at ``path``, else the user's, else the one shipped with Mien.

    Returns:
        None where nobody ever calibrated this pipeline.

    Raises:
        InvalidArgument: The file is no calibration.
        NotCalibrated: The file at ``path`` belongs to another pipeline.
    """
    chosen = Path(path) if path is not None else user_calibration_path(pipeline)
    if path is None and not os.path.exists(chosen):  # noqa: PTH110 - Path.exists raises without permission
        return _shipped(pipeline)
    try:
        calibration = Calibration.from_dict(json.loads(chosen.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise _no_calibration(chosen, str(error)) from error
    except InvalidArgument as error:
        raise _no_calibration(chosen, error.message) from error
    if calibration.pipeline != pipeline:
        raise NotCalibrated(
            f"{chosen}: expected a calibration of pipeline {pipeline!r}, got one of {calibration.pipeline!r}; refit it "
            "with mien calibrate",
            pipeline=pipeline,
        )
    return calibration


def _no_calibration(path: Path, what: str) -> InvalidArgument:
    return InvalidArgument(f"{path}: expected a calibration file: {what}; refit it with mien calibrate, or remove it")


@cache
def _shipped(pipeline: str) -> Calibration | None:
    file = resources.files("mien.recognition") / "calibrations" / f"{pipeline.replace('/', '_')}.json"
    return Calibration.from_dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None
