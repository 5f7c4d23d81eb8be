"""Calibrations that are in use, and one to be put to use."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from mien.server.documents.base import Document, Label
from mien.server.documents.collections import PopulationRecord

__all__ = ["CalibrationInUse", "CalibrationsInUse", "InstalledRecord", "NewCalibration", "OtherCalibration"]


class NewCalibration(Document):
    """A calibration to be put to use: what came of a job, or a file of `mien calibrate`."""

    collection: Label | None = Field(default=None, description="whose job fitted it; with `job_id`")
    job_id: str | None = Field(default=None, pattern="^[0-9a-f]{32}$", description="a finished job that calibrates")
    calibration: dict[str, Any] | None = Field(default=None, description="the file's JSON, instead of a job")
    name: Label | None = Field(default=None, description="what decisions are to call it; else the name it has")

    @model_validator(mode="after")
    def _one_origin(self) -> NewCalibration:
        job = self.collection is not None and self.job_id is not None
        neither = self.collection is None and self.job_id is None
        if not (job and self.calibration is None) and not (neither and self.calibration is not None):
            raise ValueError("expected collection and job_id of a job, or calibration")
        return self


class InstalledRecord(Document):
    """Where a calibration that was installed came from."""

    time: str
    key_id: str
    collection: str | None = Field(description="whose job fitted it; null where a file was sent")
    job_id: str | None


class OtherCalibration(Document):
    """What a pipeline decides by while none is installed."""

    name: str
    source: Literal["file", "shipped"]


class CalibrationInUse(Document):
    """What every collection of a pipeline decides by."""

    pipeline: str
    name: str | None = Field(description="what decisions call it; null where nobody ever calibrated the pipeline")
    source: Literal["installed", "file", "shipped"] | None = Field(
        description="`installed` over this service, `file` of `mien calibrate` on its machine, or `shipped` with Mien"
    )
    population: PopulationRecord | None
    installed: InstalledRecord | None
    without: OtherCalibration | None = Field(description="what a reset brings back")
    collections: list[str] = Field(description="that decide by it")


class CalibrationsInUse(Document):
    """One a pipeline."""

    calibrations: list[CalibrationInUse]
