"""Faces, and decisions about them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mien.server.documents.base import Document

__all__ = ["Comparison", "FacesFound"]


class FacesFound(Document):
    """The faces of an image: a `mien.faces/1` document."""

    document: str = Field(alias="schema")
    source: str
    image: dict[str, int]
    space: str | None
    faces: list[dict[str, Any]]


class Comparison(Document):
    """Whether two images show one person."""

    match: bool
    person: dict[str, str] | None
    score: float | None
    threshold: float | None
    rate: float
    rate_kind: str
    interval: list[float | None]
    comparison: str
    llr: float | None
    reasons: list[str]
    candidates: list[dict[str, Any]]
    calibration: str | None
