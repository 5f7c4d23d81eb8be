"""People to be named, and edits."""

from __future__ import annotations

from pydantic import Field, model_validator

from mien.server.documents.base import Day, Document, Id, Label, Purpose
from mien.server.documents.people import RefusedImage, SampleRecord
from mien.server.documents.search import Neighbour

__all__ = ["EditRecord", "Edits", "Forgotten", "Naming", "SuggestionRecord", "Suggestions"]


class SuggestionRecord(Document):
    """Unnamed faces that seem to be of one person."""

    suggestion_id: str
    candidate: Neighbour | None = Field(description="whom they are decided to be; null for nobody known")
    faces: list[SampleRecord] = Field(description="best quality first")


class Suggestions(Document):
    """People to be named, and more faces of known ones; largest first."""

    space: str | None
    calibration: str | None
    suggestions: list[SuggestionRecord]
    refused: list[RefusedImage] = Field(default=[], description="images that could not be looked at")


class Naming(Document):
    """Who a suggestion is: somebody new, or somebody known by their id."""

    label: Label | None = Field(default=None, description="of somebody new, or of the one person who bears it")
    person_id: Id | None = Field(default=None, description="of somebody known")
    purpose: Purpose | None = None
    until: Day | None = None
    faces: list[Id] | None = Field(default=None, min_length=1, max_length=1000, description="null for all of them")

    @model_validator(mode="after")
    def _one(self) -> Naming:
        if (self.label is None) == (self.person_id is None):
            raise ValueError("expected a label or a person_id")
        return self


class Forgotten(Document):
    """How many unnamed faces were removed with every byte of them."""

    faces: int


class EditRecord(Document):
    """Something that was done by hand and can be undone."""

    edit_id: int
    action: str
    summary: str
    created: str


class Edits(Document):
    """What can be undone, newest first; only the newest can be."""

    edits: list[EditRecord]
