"""What every document of the service has in common, and the envelope of what goes wrong."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from mien.quality.gate import LEVELS

__all__ = ["Day", "Document", "Fault", "Id", "Label", "Problem", "Purpose", "Rate", "Required"]

Id: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
"""Key of a person, a sample or an unnamed face."""
Label: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
Purpose: TypeAlias = Annotated[str, Field(max_length=1000, description="what the person agreed to")]
Day: TypeAlias = Annotated[str, Field(max_length=10, description="last day (UTC), such as 2027-01-01")]
Rate: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
Required: TypeAlias = Annotated[
    str,
    Field(
        pattern=f"^quality=({'|'.join(LEVELS)})$",
        description="what a face must be beyond what every face is asked, such as quality=medium",
    ),
]
"""What `mien.quality.Gate.parse` takes."""


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
