"""Calibrations: which are in use, and others that are put to use."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated

from fastapi import APIRouter, Path

from mien.gallery import Gallery
from mien.recognition import Calibration
from mien.server.calibrating import install, reset, served
from mien.server.documents.calibrations import (
    CalibrationInUse,
    CalibrationsInUse,
    InstalledRecord,
    NewCalibration,
    OtherCalibration,
)
from mien.server.documents.collections import PopulationRecord
from mien.server.envelope import not_found
from mien.server.routes.audit import check_grant
from mien.server.routes.parts import Admin, Serving, problems
from mien.server.service import Service

__all__ = ["router"]

router = APIRouter(prefix="/calibrations", tags=["calibrations"], responses=problems())


@router.get("")
def list_calibrations(key: Admin, service: Serving) -> CalibrationsInUse:
    """What every pipeline that collections have decides by, and where that came from."""
    check_grant(key)
    found = [_record(service, pipeline, galleries) for pipeline, galleries in served(service).items()]
    return CalibrationsInUse(calibrations=found)


@router.post("", status_code=201, responses=problems(400, 404, 409))
def install_calibration(key: Admin, service: Serving, new: NewCalibration) -> CalibrationInUse:
    """Let every collection of a calibration's pipeline decide by it, from the next request on, also after a restart.

    A request or job that is under way ends with the one that it began with; streams begin anew. 409 where a collection
    decides at rates that this one does not support (and the one in use does), where no collection has its pipeline, or
    where another one has its name. The key has to be granted every collection.
    """
    check_grant(key)
    calibration = _sent(service, new)
    install(service, key, calibration, collection=new.collection, job_id=new.job_id)
    return _shown(service, calibration.pipeline)


@router.delete("/{pipeline:path}", responses=problems(404, 409))
def reset_calibration(
    key: Admin, service: Serving, pipeline: Annotated[str, Path(min_length=1, max_length=200)]
) -> CalibrationInUse:
    """Let every collection of a pipeline decide by what it would if none had been installed; see `without`.

    409 where a collection decides at rates that this one does not support.
    """
    check_grant(key)
    if pipeline not in served(service):
        raise not_found(f"pipeline {pipeline}")
    reset(service, key, pipeline)
    return _shown(service, pipeline)


def _sent(service: Service, new: NewCalibration) -> Calibration:
    document = new.calibration
    if document is None:
        assert new.collection is not None
        assert new.job_id is not None
        job = service.jobs.find(new.collection, new.job_id)
        result = service.jobs.results.result(new.job_id) if job is not None and job.kind == "calibrate" else None
        if result is None:
            raise not_found(f"calibration of job {new.job_id}")
        document = result["calibration"]
    calibration = Calibration.from_dict(document)
    return calibration if new.name is None else replace(calibration, name=new.name)


def _shown(service: Service, pipeline: str) -> CalibrationInUse:
    return _record(service, pipeline, served(service)[pipeline])


def _record(service: Service, pipeline: str, galleries: list[Gallery]) -> CalibrationInUse:
    now, origin = service.calibrations.now(pipeline), service.calibrations.origin(pipeline)
    other = service.calibrations.without(pipeline)
    source = service.calibrations.source(pipeline)
    return CalibrationInUse(
        pipeline=pipeline,
        name=now.name if now else None,
        source=("installed" if origin else source) if now else None,
        population=PopulationRecord.model_validate(asdict(now.population)) if now else None,
        installed=InstalledRecord(
            time=origin.installed.isoformat(), key_id=origin.key_id, collection=origin.collection, job_id=origin.job_id
        )
        if origin
        else None,
        without=OtherCalibration(name=other.name, source=source) if other else None,
        collections=[gallery.collection for gallery in galleries],
    )
