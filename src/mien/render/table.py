"""Faces as a table of plain text."""

from __future__ import annotations

import unicodedata

from mien.render.words import number, title
from mien.types import Face, Faces

__all__ = ["table"]

_HEADER = ("#", "who", "score", "threshold", "quality", "box")


def table(faces: Faces) -> str:
    """The faces of one image for a terminal or a log, one line each below a header; ``"no face"`` where none is.

    Columns line up with wide (East Asian) and combining characters; control characters, which could steer a
    terminal, are escaped.
    """
    if not len(faces):
        return "no face"
    rows = [_HEADER, *(_row(face) for face in faces)]
    widths = [max(_columns(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = ("  ".join(_pad(cell, width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _row(face: Face) -> tuple[str, ...]:
    decision = face.decision
    score, threshold = (None, None) if decision is None else (decision.score, decision.threshold)
    left, top, right, bottom = (round(float(edge)) for edge in face.box)
    who = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in title(face) or "\N{EN DASH}")
    quality = number(face.quality, 0)
    return str(face.index + 1), who, number(score), number(threshold), quality, f"{left},{top} {right},{bottom}"


def _columns(text: str) -> int:
    """Columns the text takes in a terminal."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))
