"""Faces in images: found, compared, and identified."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile

from mien.server.documents.base import Rate, Required
from mien.server.documents.faces import Comparison, FacesFound
from mien.server.identifying import Question
from mien.server.routes.parts import Identifier, InCollection, Serving, image, problems
from mien.types import Faces

__all__ = ["router"]

router = APIRouter(tags=["faces"], responses=problems(400))

ImageFile = Annotated[UploadFile, File(alias="image")]


@router.post("/detect")
async def detect(
    key: Identifier,
    service: Serving,
    image_file: ImageFile,
    templates: Annotated[bool, Form(description="also the numbers that each face is recognised by")] = False,
) -> FacesFound:
    """The faces of an image."""
    faces = await service.work.look(await image(image_file), key.key_id)

    def call() -> FacesFound:
        if templates:
            service.galleries.main.note_access("detect", key.key_id, of_store=True, faces=len(faces))
        return _found(faces, image_file, templates=templates)

    return await service.work.decide(call)


@router.post("/verify")
async def verify(
    key: Identifier,
    service: Serving,
    first: UploadFile,
    second: UploadFile,
    fmr: Annotated[Rate, Form(description="false match rate to decide at")] = 1e-4,
) -> Comparison:
    """Whether the largest faces of two images are one person's, at a stated false match rate."""
    images = await image(first), await image(second)
    found = await asyncio.gather(*(service.work.look(one, key.key_id) for one in images))

    def call() -> Comparison:
        from mien.recognition import verify_faces
        from mien.render import decision_to_dict

        decision = verify_faces(*found, fmr=fmr, calibration=service.calibrations.of())
        service.metrics.decided("verify", [decision])
        service.galleries.main.note_access("verify", key.key_id, of_store=True, faces=sum(map(len, found)))
        return Comparison.model_validate({**decision_to_dict(decision), "space": found[0].space})

    return await service.work.decide(call)


@router.post("/collections/{collection}/identify", responses=problems(400, 404, 409))
async def identify(
    key: Identifier,
    gallery: InCollection,
    service: Serving,
    image_file: ImageFile,
    fpir: Annotated[
        Rate | None, Form(description="false positive identification rate to decide at; else the collection's")
    ] = None,
    candidates: Annotated[int, Form(ge=1, le=100)] = 5,
    max_faces: Annotated[int, Form(ge=1, le=100, description="search the largest faces; the rest is unsearched")] = 100,
    require: Annotated[Required | None, Form()] = None,
) -> FacesFound:
    """Who is in an image, at a stated false positive identification rate for this collection.

    A face that falls short of what is required is unknown, with the reasons.
    """
    faces = await service.work.look(await image(image_file), key.key_id, gallery.pipeline)

    searched, left = faces.largest_first(max_faces)

    def told(decided: Faces) -> FacesFound:
        service.metrics.decided("identify", decided.decisions)
        service.bus.identified(gallery.collection, decided.decisions)
        return _found(decided, image_file, left)

    return await service.identifying.identify(Question(gallery, searched, key.key_id, fpir, candidates, require), told)


def _found(faces: Faces, upload: UploadFile, unsearched: Faces | None = None, *, templates: bool = False) -> FacesFound:
    from mien.render import faces_to_dict

    name = upload.filename or "image"
    left = faces_to_dict(unsearched, name)["faces"] if unsearched else []
    boxes = [{"box": face["box"], "box_normalised": face["box_normalised"]} for face in left]
    document = faces_to_dict(faces, name, templates=templates)
    return FacesFound.model_validate(
        {**document, "unsearched": [{**box, "reasons": ["exceeds_max_faces"]} for box in boxes]}
    )
