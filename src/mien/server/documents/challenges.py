"""Challenges: is somebody there who does as asked?"""

from __future__ import annotations

from pydantic import Field

from mien.server.documents.base import Document

__all__ = ["ChallengeRecord", "NewChallenge"]


class NewChallenge(Document):
    """A challenge to begin."""

    steps: int = Field(default=3, ge=2, le=8, description="how many things are asked, in an order that is drawn")


class ChallengeRecord(Document):
    """How far a challenge is."""

    challenge_id: str
    steps: int
    step: str | None = Field(
        description="what is asked now: `turn_left`, `turn_right` (the subject's own), `blink` or `smile`; null while "
        "the face is to be at rest, and at the end"
    )
    done: list[str]
    outcome: str | None = Field(
        description="`live`, `attack` or `uncertain`; null before the end. Not tested with real attacks"
    )
    reasons: list[str]
    seconds_left: float = Field(description="until it is forgotten")
