"""Faces, and decisions about them."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from mien.server.documents.base import Document

__all__ = ["Comparison", "FacesFound", "ImageSize", "Unsearched"]


class ImageSize(Document):
    """Of the upright image, in pixels."""

    width: int
    height: int


class Unsearched(Document):
    """A face that nobody was looked up for, and why."""

    box: dict[str, float]
    box_normalised: dict[str, float]
    reasons: list[str] = Field(description="`exceeds_max_faces`")


class FacesFound(Document):
    """The faces of an image: a `mien.faces/1` document."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True, serialize_by_alias=True)

    document: str = Field(alias="schema")
    source: str
    image: ImageSize
    space: str | None
    faces: list[dict[str, Any]]
    unsearched: list[Unsearched] = Field(default=[])


class Comparison(Document):
    """Whether two images show one person, or an image shows the person that is claimed."""

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
    space: str | None
