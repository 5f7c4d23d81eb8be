"""Jobs on the page: which there are, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from mien.gallery.people import today
from mien.recognition import Calibration
from mien.render.words import clock, reason_words
from mien.server.calibrating import pipeline_of
from mien.server.envelope import not_found
from mien.server.ledger import Job
from mien.server.page.comparing import offer
from mien.server.page.pages import Here, Page, PageRoute, ThePage, rates, said, templates
from mien.server.page.reports import POLICY
from mien.server.page.strings import WORDS
from mien.server.routes.jobs import SCOPES

__all__ = ["router", "verdict"]

_JOBS = 50
_IMAGES = 500

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/collections/{collection}/jobs")
def show_jobs(page: ThePage, gallery: Here) -> Response:
    """Those that the key might have begun, the newest first; and another one."""
    kinds = [kind for kind, scope in SCOPES.items() if page.may(scope)]
    listed = page.service.jobs.of(gallery.collection, kinds, _JOBS)
    return page.of(
        "jobs",
        collection=gallery.collection,
        said=said("jobs", "job_states", "job_units"),
        kinds=kinds,
        jobs=[(job, page.service.jobs.results.has_report(job.job_id)) for job in listed],
        consent=page.service.galleries.rules(gallery.collection).consent_required,
        today=today(),
        **rates(page, gallery),
    )


@router.get("/collections/{collection}/jobs/{job_id}")
def show_job(page: ThePage, gallery: Here, job_id: str) -> Response:
    """What came of one."""
    job = _job(page, gallery.collection, job_id)
    result = page.service.jobs.results.result(job_id)
    if result is None:
        raise not_found(f"result of job {job_id}")
    gallery.note_access("job_result", page.session.key.key_id)
    origin = page.service.calibrations.origin(pipeline_of(gallery))
    fitted = Calibration.from_dict(result["calibration"]) if job.kind == "calibrate" else None
    return page.of(
        "job",
        menu="jobs",
        collection=gallery.collection,
        said=said(),
        job=job,
        in_use=origin is not None and origin.job_id == job_id,
        offer=offer(page, gallery, fitted) if fitted else None,
        result=result,
        images=result.get("images", [])[:_IMAGES],
        report=page.service.jobs.results.has_report(job.job_id),
    )


@router.get("/collections/{collection}/jobs/{job_id}/report")
def show_report(page: ThePage, gallery: Here, job_id: str) -> Response:
    """The report of an evaluation, as it was written."""
    report = page.service.jobs.results.report(_job(page, gallery.collection, job_id).job_id)
    if report is None:
        raise not_found(f"report of job {job_id}")
    return HTMLResponse(report, headers={"content-security-policy": POLICY})


def verdict(decision: Mapping[str, Any] | None) -> tuple[str, str]:
    """What became of a face of a `mien.faces/1` document, and the same in words; as `mien.render.words` says it."""
    if decision is None or "undecided" in decision["reasons"]:
        return "found", WORDS["faces"]["found"]
    if decision["match"]:
        person = decision["person"]
        return "matched", person["label"] if person else WORDS["faces"]["match"]
    if not decision["reasons"]:
        return "unknown", WORDS["faces"]["unknown"]
    reasons = ", ".join(reason_words(reason) for reason in decision["reasons"])
    return "refused", WORDS["faces"]["refused"].format(reasons=reasons)


def _job(page: Page, collection: str, job_id: str) -> Job:
    job = page.service.jobs.find(collection, job_id)
    if job is None or not page.may(SCOPES[job.kind]):
        raise not_found(f"job {job_id}")
    return job


templates.filters["verdict"] = verdict
templates.filters["clock"] = clock
