"""Collections, and what decisions in them rest on."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from mien.errors import NotCalibrated
from mien.gallery import Gallery
from mien.gallery.people import parse_label
from mien.server.access import EVERY
from mien.server.documents.collections import (
    CalibrationRecord,
    CollectionErased,
    CollectionRecord,
    Collections,
    ComparisonPoint,
    NewCollection,
    OperatingPoint,
    PopulationRecord,
    Rates,
    SearchPoint,
)
from mien.server.envelope import Refused
from mien.server.erasing import erase_collection as erase
from mien.server.routes.parts import Admin, InCollection, Reader, Serving, problems
from mien.server.service import Service

if TYPE_CHECKING:
    from mien.recognition import Calibration

__all__ = ["router"]

router = APIRouter(prefix="/collections", tags=["collections"], responses=problems())


@router.get("")
def list_collections(key: Reader, service: Serving) -> Collections:
    """The collections that the key may see."""
    found = (service.galleries.of(key, name) for name in service.galleries.names())
    return Collections(collections=[_record(service, gallery) for gallery in found if gallery is not None])


@router.put("", responses={201: {"model": CollectionRecord}, **problems(400, 409)})
def make_collection(key: Admin, new: NewCollection, response: Response, service: Serving) -> CollectionRecord:
    """Make a collection, or change what is asked for, and kept, in it."""
    name = parse_label(new.name)
    if not key.may(name):
        raise Refused(403, "forbidden", f"expected a key that is granted {name}, or every collection ({EVERY})")
    is_new = name not in service.galleries.names()
    service.access.declare(name, **new.model_dump(include={"consent_required", "crops"}, exclude_none=True))
    gallery = service.galleries.of(key, name)
    if gallery is None:
        raise Refused(409, "collection_busy", f"{name}: is being erased; come back in 10 s", {"Retry-After": "10"})
    if new.crops is False:
        with gallery.acting(key.key_id):
            gallery.forget_crops()
    response.status_code = 201 if is_new else 200
    return _record(service, gallery)


@router.get("/{collection}", responses=problems(404))
def show_collection(_: Reader, gallery: InCollection, service: Serving) -> CollectionRecord:
    """One collection."""
    return _record(service, gallery)


@router.delete("/{collection}", responses=problems(404, 409))
def erase_collection(key: Admin, gallery: InCollection, service: Serving, proof: bool = False) -> CollectionErased:
    """Erase a collection for good: everybody in it, faces, pictures, jobs, streams, webhooks, rules and grants.

    With `proof`, the gallery's files are searched for the templates afterwards. A collection that is made under the
    same name later is a new one: of other keys, those that are granted every collection see it, and no others. Keys
    that were granted this one alone are revoked; the key that asks keeps its grant. 409 where a job or a stream in it
    does not end within seconds: nobody was removed then.
    """
    done, keys, revoked = erase(service, key, gallery.collection, proof=proof)
    told = [name for name in done.elsewhere if key.may(name)]
    return CollectionErased.model_validate({**done.to_dict(), "elsewhere": told, "keys": keys, "keys_revoked": revoked})


@router.get("/{collection}/calibration", responses=problems(404, 409))
def show_calibration(_: Reader, gallery: InCollection) -> CalibrationRecord:
    """What decisions of a collection rest on: whose images, and which rates they support."""
    calibration = _calibration(gallery)
    searches, pairs = _curves(calibration, gallery.size)
    return CalibrationRecord(
        name=calibration.name,
        pipeline=calibration.pipeline,
        space=gallery.pipeline().space,
        population=PopulationRecord.model_validate(asdict(calibration.population)),
        people=gallery.size,
        lowest_fpir=min((point.fpir for point in searches if point.supported), default=None),
        lowest_fmr=min((point.fmr for point in pairs if point.supported), default=None),
        comparisons={
            kind: [ComparisonPoint.model_validate(asdict(point)) for point in known.points]
            for kind, known in calibration.comparisons.items()
        },
    )


@router.get("/{collection}/operating-point", responses=problems(404, 409))
def show_operating_point(_: Reader, gallery: InCollection, service: Serving) -> OperatingPoint:
    """At which rates a collection decides, and what each rate costs in misses."""
    return _operating_point(gallery, service)


@router.put("/{collection}/operating-point", responses=problems(400, 404, 409))
def choose_operating_point(_: Admin, gallery: InCollection, service: Serving, rates: Rates) -> OperatingPoint:
    """Choose at which rates a collection decides where a request says none: rates that its calibration supports."""
    gallery.pipeline()  # loaded before others wait

    def agreed() -> None:
        calibration = _calibration(gallery)
        if rates.fpir is not None:
            calibration.identification_threshold(rates.fpir, max(1, gallery.size))
        if rates.fmr is not None:
            calibration.verification_threshold("image-image", rates.fmr)

    service.access.declare(gallery.collection, agreed, **rates.model_dump(exclude_none=True))
    return _operating_point(gallery, service)


def _operating_point(gallery: Gallery, service: Service) -> OperatingPoint:
    calibration, rules = _calibration(gallery), service.galleries.rules(gallery.collection)
    searches, pairs = _curves(calibration, gallery.size)
    return OperatingPoint(
        fpir=rules.fpir,
        fmr=rules.fmr,
        calibration=calibration.name,
        space=gallery.pipeline().space,
        people=gallery.size,
        searches=searches,
        comparisons=pairs,
    )


def _curves(calibration: Calibration, people: int) -> tuple[list[SearchPoint], list[ComparisonPoint]]:
    from mien.recognition import search_curve

    known = calibration.comparisons.get("image-image")
    return (
        [SearchPoint.model_validate(asdict(point)) for point in search_curve(calibration, max(1, people))],
        [ComparisonPoint.model_validate(asdict(point)) for point in known.points] if known else [],
    )


def _calibration(gallery: Gallery) -> Calibration:
    found = gallery.calibration
    if found is None:
        raise NotCalibrated(
            f"collection {gallery.collection}: no calibration fits its pipeline; make one with mien calibrate"
        )
    return found


def _record(service: Service, gallery: Gallery) -> CollectionRecord:
    return CollectionRecord(
        name=gallery.collection,
        people=gallery.size,
        space=gallery.space,
        revision=gallery.revision,
        **asdict(service.galleries.rules(gallery.collection)),
    )
