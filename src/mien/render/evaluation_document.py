"""An evaluation as JSON: schema ``mien.evaluation/1``, described in docs/reference/json.md."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from mien.evaluation import Evaluation, Identification, SearchPoint, Verification
from mien.metrics import DetCurve, Rate
from mien.render.document import plain

__all__ = ["evaluation_to_dict", "rate_to_dict"]

_MOST_POINTS = 400


def evaluation_to_dict(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation as plain JSON values. It names no person and no capture, and holds no template."""
    document: dict[str, Any] = {
        "schema": "mien.evaluation/1",
        "task": evaluation.task,
        "provenance": asdict(evaluation.provenance),
        "failure_to_acquire": rate_to_dict(evaluation.failure_to_acquire),
    }
    result = evaluation.result
    document |= _verification(result) if isinstance(result, Verification) else _identification(result)
    shaped: dict[str, Any] = plain(document)
    return shaped


def rate_to_dict(rate: Rate) -> dict[str, Any]:
    """A rate as measured: value, its interval, what it counts, and whether the data support it."""
    return asdict(rate)


def _verification(result: Verification) -> dict[str, Any]:
    folds = result.folds
    return {
        "comparisons": {"mated": result.mated_total, "non_mated": result.non_mated_total},
        "supported_from_fmr": result.supported_from,
        "eer": result.eer,
        "d_prime": result.d_prime,
        "operating_points": [
            {
                "target_fmr": point.target,
                "threshold": point.threshold,
                "threshold_interval": point.threshold_interval,
                "fmr": rate_to_dict(point.fmr),
                "fnmr": rate_to_dict(point.fnmr),
            }
            for point in result.points
        ],
        "stated": [
            {
                "fmr": row.fmr,
                "threshold": row.threshold,
                "interval": row.interval,
                "measured_fmr": rate_to_dict(row.measured_fmr),
                "measured_fnmr": rate_to_dict(row.measured_fnmr),
            }
            for row in result.stated
        ],
        "folds": None
        if folds is None
        else {
            "accuracy": folds.mean,
            "standard_error": folds.standard_error,
            "accuracies": folds.accuracies,
            "thresholds": folds.thresholds,
        },
        "det": _curve(result.curve),
        "discard": None if result.discard is None else asdict(result.discard),
        "groups": [asdict(table) for table in result.groups],
    }


def _identification(result: Identification) -> dict[str, Any]:
    return {
        "people": result.people,
        "mated_people": result.mated,
        "draws": result.draws,
        "operating_points": [_search(point) for point in result.points],
        "stated": [_search(point) | {"interval": point.stated} for point in result.stated],
        "cmc": result.cmc,
        "galleries": [
            {
                "people": curve.size,
                "rank_1_fnir": rate_to_dict(curve.rank_1),
                "fpir": curve.fpir,
                "fnir": curve.fnir,
                "low": curve.low,
                "high": curve.high,
            }
            for curve in result.curves
        ],
    }


def _search(point: SearchPoint) -> dict[str, Any]:
    return {
        "gallery": point.size,
        "target_fpir": point.target,
        "threshold": point.threshold,
        "fpir": rate_to_dict(point.fpir),
        "fnir": rate_to_dict(point.fnir),
    }


def _curve(curve: DetCurve) -> dict[str, Any]:
    rows = np.unique(np.linspace(0, len(curve.fmr) - 1, min(len(curve.fmr), _MOST_POINTS)).astype(np.intp))
    names = ("thresholds", "fmr", "fnmr", "low", "high")
    columns = {name: getattr(curve, name) for name in names}
    return {name: None if column is None else column[rows] for name, column in columns.items()}
