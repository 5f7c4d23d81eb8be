"""What every document of the service has in common, and the envelope of what goes wrong."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

__all__ = ["Document", "Fault", "Problem"]


class Document(BaseModel):
    """Fields that it does not know are refused."""

    model_config = ConfigDict(extra="forbid")


class Fault(Document):
    """What went wrong."""

    code: str
    message: str
    details: Any


class Problem(Document):
    """The envelope of every answer that is no success."""

    error: Fault
    request_id: str
