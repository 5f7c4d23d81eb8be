"""What faces seem to express."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from mien.server.documents.base import Document

__all__ = ["Expression", "ExpressionsFound"]


class Expression(Document):
    """One face, and what people who were shown such a photo would choose from a list; not what it feels."""

    index: int
    track_id: int | None
    box: dict[str, float] = Field(description="edges in pixels of the upright image")
    expression: str = Field(description="the most probable class")
    probabilities: dict[str, float] = Field(description="calibrated, of sum 1")


class ExpressionsFound(Document):
    """The faces of an image: a `mien.expressions/1` document."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True, serialize_by_alias=True)

    document: str = Field(alias="schema")
    source: str
    timestamp: float | None
    faces: list[Expression]
