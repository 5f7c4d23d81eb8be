"""What every reader of a face set gives: captures of subjects, and pairs to compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Pair", "Record"]


@dataclass(frozen=True, slots=True)
class Record:
    """One capture of one subject.

    Attributes:
        person: Subject identifier, or None where the set does not say who it is.
        capture: Unique within the set; for files the path from its root, with forward slashes.
        source: A file, or an encoded image; `mien.media.read` takes both.
        groups: Demographic labels as the set gives them, such as ``{"gender": "female"}``.
        condition: What the set says of the capture, such as ``"frontal"`` or ``"smiling"``.
    """

    person: str | None
    capture: str
    source: Path | bytes = field(repr=False)
    groups: Mapping[str, str] = field(default_factory=dict, hash=False)
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two captures to compare; ``mated`` if they show one subject, ``fold`` counts from 0."""

    first: Record
    second: Record
    mated: bool
    fold: int
