"""Reading a calibration: nothing gets in by which a decision could go wrong later, whoever wrote the document."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import groupby, pairwise
from typing import Any, TypeVar, get_type_hints

from mien.errors import InvalidArgument
from mien.recognition.points import Comparison, GroupPoint, IdentificationPoint, Population, VerificationPoint

__all__ = ["SCHEMA", "read"]

RecordT = TypeVar("RecordT")

_FORMAT, _VERSION = "mien.calibration", 1
SCHEMA = f"{_FORMAT}/{_VERSION}"

# Nobody may have been searched for who is enrolled: then no share of them was missed.
_MAY_BE_NAN = "fnir"


def read(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `Calibration`, out of its JSON.

    Raises:
        InvalidArgument: The document is no calibration, holds what none can hold, or was written by a newer Mien.
    """
    try:
        _check_schema(document["schema"])
        name, pipeline = (_text(document[field], field) for field in ("name", "pipeline"))
        return {
            "name": name,
            "pipeline": pipeline,
            "population": _record(Population, document["population"], "population"),
            "comparisons": {kind: _comparison(entry, kind) for kind, entry in document["comparisons"].items()},
            "identification": _searches(document["identification"]),
            "groups": tuple(_record(GroupPoint, entry, "groups") for entry in document.get("groups", ())),
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidArgument(f"not a calibration ({error!r})") from error


def _check_schema(schema: object) -> None:
    if schema == SCHEMA:
        return
    kind, _, version = str(schema).partition("/")
    if kind == _FORMAT and version.isdecimal() and int(version) > _VERSION:
        raise InvalidArgument(
            f"written by a newer Mien ({schema}, this one reads {SCHEMA}); upgrade Mien, or fit it with this one"
        )
    raise InvalidArgument(f"expected schema {SCHEMA!r}, got {schema!r}")


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidArgument(f"{where}: expected a text, got {value!r}")
    return value


def _record(kind: type[RecordT], entry: Mapping[str, Any], where: str) -> RecordT:
    """One of the flat records of `mien.recognition.points`, each field of the type that it is declared to have."""
    fields = get_type_hints(kind)
    if {*entry} != {*fields}:
        raise InvalidArgument(f"{where}: expected the fields {', '.join(fields)}, got {', '.join(map(str, entry))}")
    for name, declared in fields.items():
        value = entry[name]
        if type(value) is not declared and not (declared is float and type(value) is int):
            raise InvalidArgument(f"{where}: {name}: expected {declared.__name__}, got {value!r}")
        if declared is float and not math.isfinite(value) and not (name == _MAY_BE_NAN and math.isnan(value)):
            raise InvalidArgument(f"{where}: {name}: expected a finite number, got {value!r}")
    return kind(**entry)


def _comparison(entry: Mapping[str, Any], kind: str) -> Comparison:
    where = f"comparisons: {kind}"
    points = tuple(_record(VerificationPoint, point, where) for point in entry["points"])
    _check_curve([(point.fmr, point.threshold, point.low, point.high) for point in points], where)
    slope, intercept = _line(entry["llr"], where)
    counts = {name: entry[name] for name in ("mated", "non_mated")}
    for name, count in counts.items():
        if type(count) is not int or count < 0:
            raise InvalidArgument(f"{where}: {name}: expected a count, got {count!r}")
    return Comparison(counts["mated"], counts["non_mated"], points, (slope, intercept))


def _line(numbers: Any, where: str) -> tuple[float, float]:  # noqa: ANN401 - JSON
    good = len(numbers) == 2 and all(type(number) in {int, float} and math.isfinite(number) for number in numbers)
    if not good or not numbers[0]:
        raise InvalidArgument(f"{where}: llr: expected a slope other than 0 and an intercept, got {numbers!r}")
    return float(numbers[0]), float(numbers[1])


def _searches(entries: Iterable[Mapping[str, Any]]) -> tuple[IdentificationPoint, ...]:
    points = tuple(_record(IdentificationPoint, entry, "identification") for entry in entries)
    for size, of_size in groupby(points, key=lambda point: point.gallery):
        if size < 1:
            raise InvalidArgument(f"identification: gallery: expected 1 or more, got {size}")
        curve = [(point.fpir, point.threshold, point.low, point.high) for point in of_size]
        _check_curve(curve, f"identification: gallery of {size}")
    return points


def _check_curve(points: list[tuple[float, float, float, float]], where: str) -> None:
    """The lower the rate, the higher the threshold: what `Calibration` interpolates between, and ends at."""
    for rate, _, low, high in points:
        if not 0 < rate < 1 or not 0 <= low <= high <= 1:
            raise InvalidArgument(
                f"{where}: expected a rate between 0 and 1 with its interval, got {rate} [{low}, {high}]"
            )
    for (above, looser, *_), (below, stricter, *_) in pairwise(points):
        if not (below < above and stricter >= looser):
            raise InvalidArgument(
                f"{where}: expected falling rates with rising thresholds, got {above} at {looser}, then {below} at "
                f"{stricter}"
            )
