"""Faces in images: found, compared, and identified."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, UploadFile

from mien.server.documents.faces import Comparison, FacesFound
from mien.server.routes.parts import PROBLEMS, InCollection, Reader, Serving, image

__all__ = ["router"]

router = APIRouter(tags=["faces"], responses={status: PROBLEMS[status] for status in (401, 403, 404, 413, 422, 503)})


@router.post("/detect")
async def detect(_: Reader, service: Serving, image_file: Annotated[UploadFile, Form(alias="image")]) -> FacesFound:
    """The faces of an image, without templates."""
    data = await image(image_file)

    def call() -> FacesFound:
        from mien.recognition import find
        from mien.render import faces_to_dict

        return FacesFound.model_validate(faces_to_dict(find(data), image_file.filename or "image"))

    return await service.work.run(call)


@router.post("/verify")
async def verify(
    _: Reader,
    service: Serving,
    first: UploadFile,
    second: UploadFile,
    fmr: Annotated[float, Form(gt=0, lt=1, description="false match rate to decide at")] = 1e-4,
) -> Comparison:
    """Whether the largest faces of two images are one person's, at a stated false match rate."""
    images = await image(first), await image(second)

    def call() -> Comparison:
        from mien.recognition import verify as decide
        from mien.render import decision_to_dict

        return Comparison.model_validate(decision_to_dict(decide(*images, fmr=fmr)))

    return await service.work.run(call)


@router.post("/collections/{collection}/identify")
async def identify(
    _: Reader,
    gallery: InCollection,
    service: Serving,
    image_file: Annotated[UploadFile, Form(alias="image")],
    fpir: Annotated[float, Form(gt=0, lt=1, description="false positive identification rate to decide at")] = 0.01,
    candidates: Annotated[int, Form(ge=1, le=100)] = 5,
) -> FacesFound:
    """Who is in an image, at a stated false positive identification rate for this collection."""
    data = await image(image_file)

    def call() -> FacesFound:
        from mien.render import faces_to_dict

        faces = gallery.identify(data, fpir=fpir, candidates=candidates)
        return FacesFound.model_validate(faces_to_dict(faces, image_file.filename or "image"))

    return await service.work.run(call)
