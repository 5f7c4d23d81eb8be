"""Jobs: begun, given files, started, looked at, cancelled; and what came of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from mien.gallery import Gallery
from mien.gallery.people import now, parse_purpose, parse_until
from mien.server.access import ApiKey, Scope
from mien.server.documents.jobs import (
    CalibrateJob,
    EnrollJob,
    EvaluateJob,
    IdentifyJob,
    JobFile,
    JobProblem,
    JobRecord,
    JobResult,
    Jobs,
    WatchJob,
)
from mien.server.envelope import Refused, not_found
from mien.server.ledger import Job, Kind
from mien.server.routes.changing import check_consent
from mien.server.routes.parts import Admin, Enroller, Holder, Identifier, InCollection, Serving, problems
from mien.server.service import Service
from mien.server.uploads import Writing

__all__ = ["router"]

SCOPES: dict[Kind, Scope] = {
    "identify": Scope.identify,
    "enroll": Scope.enroll,
    "watch": Scope.identify,
    "evaluate": Scope.admin,
    "calibrate": Scope.admin,
}
"""Who may begin a job, see it, and what came of it."""

_PIECE = 1 << 20

router = APIRouter(prefix="/collections/{collection}/jobs", tags=["jobs"], responses=problems(404))

JobId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


@router.get("")
def list_jobs(
    key: Holder, gallery: InCollection, service: Serving, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Jobs:
    """Jobs that the key might have begun, the newest first."""
    kinds = [kind for kind, scope in SCOPES.items() if key.has(scope)]
    found = service.jobs.of(gallery.collection, kinds, limit)
    return Jobs(jobs=[_record(service, job) for job in found])


@router.post("/identify", status_code=201, responses=problems(400, 404))
def begin_identify(key: Identifier, gallery: InCollection, service: Serving, new: IdentifyJob) -> JobRecord:
    """Begin a job that says who is in each of many images, or of a zip file of them."""
    return _begun(service, gallery, key, "identify", new.model_dump())


@router.post("/enroll", status_code=201, responses=problems(400, 404))
def begin_enroll(key: Enroller, gallery: InCollection, service: Serving, new: EnrollJob) -> JobRecord:
    """Begin a job that enrols many people: files are PERSON/IMAGE, or a zip file of such."""
    check_consent(service, gallery, new.purpose)
    until = parse_until(new.until)
    options = {"purpose": parse_purpose(new.purpose), "until": until and until.isoformat(), "require": new.require}
    return _begun(service, gallery, key, "enroll", options)


@router.post("/watch", status_code=201, responses=problems(400, 404))
def begin_watch(key: Identifier, gallery: InCollection, service: Serving, new: WatchJob) -> JobRecord:
    """Begin a job that says who is in a video, and when."""
    return _begun(service, gallery, key, "watch", new.model_dump())


@router.post("/evaluate", status_code=201, responses=problems(400, 404))
def begin_evaluate(key: Admin, gallery: InCollection, service: Serving, new: EvaluateJob) -> JobRecord:
    """Begin a job that measures error rates on images of people, PERSON/IMAGE, and writes a report."""
    return _begun(service, gallery, key, "evaluate", new.model_dump())


@router.post("/calibrate", status_code=201, responses=problems(400, 404))
def begin_calibrate(key: Admin, gallery: InCollection, service: Serving, new: CalibrateJob) -> JobRecord:
    """Begin a job that fits thresholds to images of people, PERSON/IMAGE; see `POST /v1/calibrations`."""
    name = new.name or f"{gallery.collection} {now():%Y-%m-%d %H:%M:%S}"
    return _begun(service, gallery, key, "calibrate", {"name": name})


@router.get("/{job_id}")
def show_job(key: Holder, gallery: InCollection, service: Serving, job_id: JobId) -> JobRecord:
    """One job, and how far it is."""
    return _record(service, _job(service, gallery, key, job_id))


@router.put(
    "/{job_id}/files/{name:path}",
    status_code=201,
    responses=problems(400, 404),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def send_file(
    key: Holder,
    gallery: InCollection,
    service: Serving,
    request: Request,
    job_id: JobId,
    name: Annotated[str, Path(min_length=1, max_length=1000, description="`photo.jpg`, `Ada/photo.jpg`, `all.zip`")],
) -> JobFile:
    """Send a file for a job: the body is the file. It goes to the disk, and is removed when the job is over."""
    writing = await run_in_threadpool(lambda: service.jobs.files(_job(service, gallery, key, job_id)).writing(name))
    try:
        await _received(request, writing, service.jobs.limit)
        await run_in_threadpool(writing.done)
    except BaseException:
        writing.undo()
        raise
    return JobFile(name=name, size=writing.size)


@router.post("/{job_id}/start", status_code=202, responses=problems(404, 409))
def start_job(key: Holder, gallery: InCollection, service: Serving, job_id: JobId) -> JobRecord:
    """All files are there; the job is done when its turn comes."""
    job = _job(service, gallery, key, job_id)
    return _record(service, service.jobs.submit(job))


@router.post("/{job_id}/cancel", status_code=202)
def cancel_job(key: Holder, gallery: InCollection, service: Serving, job_id: JobId) -> JobRecord:
    """End a job, soon where it runs; its files are removed. What it did stays: people whom it enrolled, for one."""
    return _record(service, service.jobs.cancel(_job(service, gallery, key, job_id)))


@router.delete("/{job_id}", status_code=204, responses=problems(404, 409))
def remove_job(key: Holder, gallery: InCollection, service: Serving, job_id: JobId) -> None:
    """Remove a job that is over, and what came of it."""
    job = _job(service, gallery, key, job_id)
    if not job.ended:
        raise Refused(409, "not_over", f"expected a job that is over, got one that is {job.state}; cancel it first")
    service.jobs.remove(job)


@router.get("/{job_id}/result")
def show_result(key: Holder, gallery: InCollection, service: Serving, job_id: JobId) -> JobResult:
    """What came of a job; 404 where it is not finished, or what came of it has expired."""
    job = _job(service, gallery, key, job_id)
    result = service.jobs.results.result(job_id)
    if result is None:
        raise not_found(f"result of job {job_id}")
    gallery.note_access("job_result", key.key_id)
    return JobResult(job_id=job_id, kind=job.kind, result=result)


@router.get(
    "/{job_id}/report",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}, "description": "A page of its own"}},
)
def show_report(key: Holder, gallery: InCollection, service: Serving, job_id: JobId) -> Response:
    """The report of an evaluation, to be saved."""
    report = service.jobs.results.report(_job(service, gallery, key, job_id).job_id)
    if report is None:
        raise not_found(f"report of job {job_id}")
    # Saved, not shown: its styles are its own, which this service's pages may not have.
    return HTMLResponse(report, headers={"Content-Disposition": 'attachment; filename="report.html"'})


async def _received(request: Request, writing: Writing, limit: int) -> None:
    held = bytearray()
    async for data in request.stream():
        held += data
        if len(held) >= _PIECE:
            await _write(writing, bytes(held), limit)
            held.clear()
    await _write(writing, bytes(held), limit)
    if not writing.size:
        raise Refused(422, "empty_file", "file: expected something in it, got an empty body")


async def _write(writing: Writing, data: bytes, limit: int) -> None:
    if data and not await run_in_threadpool(writing.write, data):
        raise Refused(413, "too_large", f"files: expected at most {limit} bytes in a job", {"Connection": "close"})


def _begun(service: Service, gallery: Gallery, key: ApiKey, kind: Kind, options: dict[str, Any]) -> JobRecord:
    job = service.jobs.make(gallery.collection, kind, options, key.key_id)
    if job is None:
        raise Refused(503, "busy", "too many jobs wait; come back in 60 s", {"Retry-After": "60"})
    return _record(service, job)


def _job(service: Service, gallery: Gallery, key: ApiKey, job_id: str) -> Job:
    job = service.jobs.find(gallery.collection, job_id)
    if job is None or not key.has(SCOPES[job.kind]):
        raise not_found(f"job {job_id}")
    return job


def _record(service: Service, job: Job) -> JobRecord:
    return JobRecord(
        job_id=job.job_id,
        collection=job.collection,
        kind=job.kind,
        options=job.options,
        state=job.state,
        created=job.created.isoformat(),
        changed=job.changed.isoformat(),
        done=job.done,
        total=job.total,
        refused=job.refused,
        problem=None if job.code is None else JobProblem(code=job.code, message=job.problem or ""),
        report=service.jobs.results.has_report(job.job_id),
    )
