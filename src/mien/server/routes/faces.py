"""Faces in images: found, compared, and identified."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile

from mien.server.documents.faces import Comparison, FacesFound
from mien.server.routes.parts import PROBLEMS, InCollection, Reader, Serving, image
from mien.types import Faces

__all__ = ["router"]

router = APIRouter(tags=["faces"], responses={status: PROBLEMS[status] for status in (401, 403, 404, 413, 422, 503)})


@router.post("/detect")
async def detect(key: Reader, service: Serving, image_file: Annotated[UploadFile, File(alias="image")]) -> FacesFound:
    """The faces of an image, without templates."""
    faces = await service.work.look(await image(image_file), key.key_id)
    return _found(faces, image_file)


@router.post("/verify")
async def verify(
    key: Reader,
    service: Serving,
    first: UploadFile,
    second: UploadFile,
    fmr: Annotated[float, Form(gt=0, lt=1, description="false match rate to decide at")] = 1e-4,
) -> Comparison:
    """Whether the largest faces of two images are one person's, at a stated false match rate."""
    images = await image(first), await image(second)
    found = await asyncio.gather(*(service.work.look(one, key.key_id) for one in images))

    def call() -> Comparison:
        from mien.recognition import verify_faces
        from mien.render import decision_to_dict

        decision = verify_faces(*found, fmr=fmr)
        service.metrics.decided("verify", [decision])
        return Comparison.model_validate(decision_to_dict(decision))

    return await service.work.decide(call)


@router.post("/collections/{collection}/identify")
async def identify(
    key: Reader,
    gallery: InCollection,
    service: Serving,
    image_file: Annotated[UploadFile, File(alias="image")],
    fpir: Annotated[float, Form(gt=0, lt=1, description="false positive identification rate to decide at")] = 0.01,
    candidates: Annotated[int, Form(ge=1, le=100)] = 5,
) -> FacesFound:
    """Who is in an image, at a stated false positive identification rate for this collection."""
    faces = await service.work.look(await image(image_file), key.key_id, gallery.pipeline)
    decided = await service.work.decide(lambda: gallery.decide(faces, fpir=fpir, candidates=candidates))
    service.metrics.decided("identify", decided.decisions)
    return _found(decided, image_file)


def _found(faces: Faces, upload: UploadFile) -> FacesFound:
    from mien.render import faces_to_dict

    return FacesFound.model_validate(faces_to_dict(faces, upload.filename or "image"))
