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
        crop_key: File of the key that seals pictures of faces, where collections keep them; None for one beside
            ``state``, with ``.crop-key`` after its name.
        reports: Folder of evaluation reports that the page shows; None to show none.
        max_bytes: Largest request body.
        max_images: Most images in a request.
        max_pixels: Largest image, width x height.
        body_seconds: How long a request may take to arrive.
        queue: Requests that wait for the models at most; more are told to come back.
        rate: Requests a minute with one key; 0 for no limit.
        burst: Requests at once with one key.
        attempts: Requests a minute without a valid key, from one address, and at once.
        max_streams: Streams that are watched at the same time.
        max_upload: Bytes of the files of one job, on the disk while it runs, and unpacked.
        job_hours: How long what came of a job is kept.
        webhook_allow_private: Whether webhooks may lead to this machine and its networks, and without TLS.
        stop_seconds: How long what was accepted may take when the service stops.
    """

    gallery: str | None
    state: Path
    key_file: Path | None = None
    crop_key: Path | None = None
    reports: Path | None = None
    max_bytes: int = 32 << 20
    max_images: int = 20
    max_pixels: int = 64_000_000
    body_seconds: float = 120
    queue: int = 64
    rate: float = 3000
    burst: int = 300
    attempts: int = 60
    max_streams: int = 4
    max_upload: int = 2 << 30
    job_hours: float = 24
    webhook_allow_private: bool = False
    stop_seconds: float = 30
