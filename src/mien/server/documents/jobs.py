"""Jobs, and what to do."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mien.server.documents.base import Day, Document, Label, Purpose, Rate, Required

__all__ = [
    "CalibrateJob",
    "EnrollJob",
    "EvaluateJob",
    "IdentifyJob",
    "JobFile",
    "JobProblem",
    "JobRecord",
    "JobResult",
    "Jobs",
    "Rules",
    "WatchJob",
]


class IdentifyJob(Document):
    """Who is in each of many images."""

    fpir: Rate | None = Field(default=None, description="as in identify; else the collection's")
    candidates: int = Field(default=1, ge=1, le=100)
    require: Required | None = None


class EnrollJob(Document):
    """Enrol many people: a folder of images each."""

    purpose: Purpose | None = Field(default=None, description="what all of them agreed to")
    until: Day | None = None
    require: Required | None = None


class Rules(Document):
    """When something is worth telling; see `mien.watch.EventRules`."""

    confirm_frames: int = Field(default=3, ge=1, le=1000)
    absence_seconds: float = Field(default=2.0, gt=0, le=3600)
    cooldown_seconds: float = Field(default=30.0, ge=0, le=86400)
    emit_unknown: bool = True


class WatchJob(Document):
    """Who is in a video, and when."""

    fpir: Rate | None = Field(default=None, description="as in identify; else the collection's")
    fps: float | None = Field(default=None, gt=0, le=1000, description="frames a second that are looked at, at most")
    rules: Rules = Rules()
    require: Required | None = None


class EvaluateJob(Document):
    """Error rates on a folder of images a person."""

    task: Literal["verification", "identification"] = "verification"


class CalibrateJob(Document):
    """Thresholds of every rate, from a folder of images a person."""

    name: Label | None = Field(default=None, description="what decisions call it; else collection and time")


class JobProblem(Document):
    """Why it is not finished, or what came of it is gone."""

    code: str
    message: str


class JobRecord(Document):
    """A job."""

    job_id: str
    collection: str
    kind: str
    options: dict[str, Any]
    state: str = Field(
        description="`uploading` (waits for files, and then for `start`), `waiting`, `running`, `finished`, `failed` "
        "or `cancelled`"
    )
    created: str
    changed: str
    done: float = Field(description="images, or seconds of a video, that are done")
    total: float | None = Field(description="of so many; null where that is not known")
    refused: int = Field(description="images that did not serve; the result says why")
    problem: JobProblem | None
    report: bool = Field(description="whether it has a report")


class Jobs(Document):
    """The newest first: those that the key might have begun."""

    jobs: list[JobRecord]


class JobFile(Document):
    """A file that was kept for a job."""

    name: str
    size: int


class JobResult(Document):
    """What came of a job, until it expires, or until somebody in it is erased."""

    job_id: str
    kind: str
    result: dict[str, Any] = Field(
        description="`identify`: `images`, each a mien.faces/1 document. `enroll`: `people`, each as an enrolment. "
        "`watch`: `tracks` with the times at which they were in view, and `events`, each a mien.event/1 document. "
        "`evaluate`: as `mien evaluate --format json`. `calibrate`: `calibration`, as in a file of `mien calibrate`. "
        "`refused` has the images that did not serve, with reasons"
    )
