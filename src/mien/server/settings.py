"""What a service is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a service runs.

    Attributes:
        gallery: Path or URL of the gallery; None for the user's own.
        state: File of the service's own: who may do what. No biometric data.
        key_file: Key of sealed collections.
        max_bytes: Largest request body.
        max_images: Most images in a request.
        queue: Requests that wait for the models at most; more are told to come back.
    """

    gallery: str | None
    state: Path
    key_file: Path | None = None
    max_bytes: int = 32 << 20
    max_images: int = 20
    queue: int = 64
