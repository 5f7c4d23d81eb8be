"""The service itself."""

from __future__ import annotations

from pydantic import Field

from mien.server.documents.base import Document

__all__ = ["AuditLine", "AuditPage", "AuditVerification", "Health", "ModelRecord", "Models"]


class Health(Document):
    """Whether the service serves."""

    status: str
    waiting: int = Field(description="requests that wait for the models, or have them")


class AuditLine(Document):
    """A line of the audit log; see `mien.gallery.AuditEntry`."""

    sequence: int
    time: str
    action: str
    subject: str | None = Field(description="keyed hash of whom it concerns; null for nobody in particular")
    collection: str | None = Field(description="keyed hash of the collection's name; null where it concerns none")
    details: dict[str, int]
    level: str | None
    previous: str
    actor: str | None = Field(default=None, description="id of the key that did it")
    hash: str
    signature: str | None


class AuditPage(Document):
    """Who did what to whom, without saying whom."""

    entries: list[AuditLine]
    next: int | None = Field(description="where the next page begins: its `after`; null after the last line")


class AuditVerification(Document):
    """Whether the log is whole: no line changed, left out or put in."""

    sound: bool
    entries: int
    head: str | None = Field(description="hash of the last line, to be kept elsewhere")
    problems: list[str]
    public_key: str | None = Field(description="Ed25519, 64 hexadecimal digits; null where lines are not signed")


class ModelRecord(Document):
    """A model's card; see `mien.models.Card`."""

    name: str
    task: str
    weights_licence: str
    weights_origin: str
    training_data: str
    training_licence: str
    commercial: str = Field(description="whether licence and training data allow commercial use: yes, no or unclear")
    commercial_note: str
    paper: str
    sha256: str
    space: str | None
    dimension: int | None


class Models(Document):
    """The models that this version knows."""

    models: list[ModelRecord]
