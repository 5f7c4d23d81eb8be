"""Faces as rows of a spreadsheet, one a face."""

from __future__ import annotations

from typing import Any

from mien.render.document import faces_to_dict
from mien.render.words import verdict
from mien.types import Face, Faces

__all__ = ["CSV_COLUMNS", "faces_to_rows"]

CSV_COLUMNS = (
    "source",
    "image_width",
    "image_height",
    "face",
    "left",
    "top",
    "right",
    "bottom",
    "detection_score",
    "quality",
    "verdict",
    "person",
    "person_id",
    "score",
    "threshold",
    "rate",
    "rate_kind",
    "interval_low",
    "interval_high",
    "comparison",
    "llr",
    "reasons",
    "best_candidate",
    "calibration",
    "timestamp",
    "track_id",
)
"""The header of every CSV; columns may be added at its end."""

_DECIDED = ("score", "threshold", "rate", "rate_kind", "comparison", "llr", "calibration")


def faces_to_rows(faces: Faces, source: str) -> list[dict[str, Any]]:
    """One row a face, keyed by `CSV_COLUMNS`, for `csv.DictWriter`.

    Numbers are numbers, what is missing is an empty string, several reasons are separated by a space. Text that a
    spreadsheet would run as a formula is preceded by an apostrophe.

    Args:
        faces: Faces of one image.
        source: What to call the image.
    """
    document = faces_to_dict(faces, source)
    rows = (_row(face, document["image"], entry) for face, entry in zip(faces, document["faces"], strict=True))
    return [{name: _cell({"source": source, **row}.get(name)) for name in CSV_COLUMNS} for row in rows]


def _row(face: Face, image: dict[str, int], entry: dict[str, Any]) -> dict[str, Any]:
    row = {
        "image_width": image["width"],
        "image_height": image["height"],
        "face": entry["index"] + 1,
        **entry["box"],
        **{name: entry[name] for name in ("detection_score", "quality", "person", "timestamp", "track_id")},
        "verdict": str(verdict(face.decision)),
    }
    decision = entry["decision"]
    if decision is None:
        return row
    low, high = decision["interval"]
    best = decision["candidates"][0]["label"] if decision["candidates"] else None
    row |= {name: decision[name] for name in _DECIDED}
    row |= {"interval_low": low, "interval_high": high, "best_candidate": best}
    row |= {"reasons": " ".join(decision["reasons"]), "person_id": (decision["person"] or {}).get("person_id")}
    return row


def _cell(value: Any) -> Any:  # noqa: ANN401 - whatever a cell may hold
    if value is None:
        return ""
    if isinstance(value, str) and value.lstrip().startswith(("=", "+", "-", "@")):
        return f"'{value}"
    return f"'{value}" if isinstance(value, str) and value.startswith(("\t", "\r", "\n")) else value
