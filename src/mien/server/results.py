"""What came of jobs: sealed files, since there are names in them."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

from mien.errors import WrongKey
from mien.server.uploads import failure
from mien.server.vault import Vault

__all__ = ["Results"]


class Results:
    """Results, and reports, of jobs that are over.

    Args:
        folder: Where they lie.
        vault: Seals them.
    """

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder, self._vault = folder, vault

    def keep(self, job_id: str, result: dict[str, Any], report: bytes | None) -> None:
        """Keep what came of a job.

        Raises:
            StoreFull, StoreUnavailable: It cannot be written.
        """
        self._write(job_id, "json", zlib.compress(json.dumps(result).encode()))
        if report is not None:
            self._write(job_id, "html", report)

    def result(self, job_id: str) -> dict[str, Any] | None:
        """What came of a job; None where there is nothing (any more)."""
        data = self._read(job_id, "json")
        if data is None:
            return None
        found: dict[str, Any] = json.loads(zlib.decompress(data))
        return found

    def report(self, job_id: str) -> bytes | None:
        """Its page, HTML; None where there is none (any more)."""
        return self._read(job_id, "html")

    def has_report(self, job_id: str) -> bool:
        """Whether there is a page."""
        return self._path(job_id, "html").exists()

    def remove(self, job_id: str) -> None:
        """Remove what came of a job."""
        for form in ("json", "html"):
            self._path(job_id, form).unlink(missing_ok=True)

    def _path(self, job_id: str, form: str) -> Path:
        return self._folder / f"{job_id}.{form}"

    def _write(self, job_id: str, form: str, data: bytes) -> None:
        path = self._path(job_id, form)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_bytes(self._vault.close(data, f"job {job_id}.{form}"))
        except OSError as error:
            path.unlink(missing_ok=True)
            raise failure(error) from error

    def _read(self, job_id: str, form: str) -> bytes | None:
        try:
            return self._vault.open(self._path(job_id, form).read_bytes(), f"job {job_id}.{form}")
        except (FileNotFoundError, WrongKey):
            return None
