"""What faces seem to express: nobody is recognised, and no template is made."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, File, Form, UploadFile

from mien.server.documents.expression import ExpressionsFound
from mien.server.routes.parts import Identifier, Serving, problems, several_images

if TYPE_CHECKING:
    from mien.expression import ExpressionReader

__all__ = ["router"]

router = APIRouter(tags=["faces"], responses=problems(400))

Labels = Literal["fer2013", "ferplus"]
Model = Literal["small", "accurate"]


@router.post("/expression")
async def expression(
    key: Identifier,
    service: Serving,
    image_file: Annotated[UploadFile, File(alias="image")],
    labels: Annotated[Labels, Form(description="whose labels are foretold")] = "fer2013",
    model: Annotated[Model, Form(description="accurate takes many times as long a face")] = "small",
) -> ExpressionsFound:
    """The apparent expression of each face of an image: what people shown such a photo chose, not what somebody feels.

    Not for judging people; where it is used at work or in schools the law of the European Union forbids it.
    """
    (source,) = await several_images(service, [image_file])

    def call() -> ExpressionsFound:
        from mien.render import expressions_to_dict

        faces = _reader(labels, model).read(source)
        service.galleries.main.note_access("expression", key.key_id, of_store=True, faces=len(faces))
        return ExpressionsFound.model_validate(expressions_to_dict(faces, source.name))

    return await service.work.run(call, key.key_id)


@cache
def _reader(labels: Labels, model: Model) -> ExpressionReader:
    from mien.expression import ExpressionReader, ExpressionRecognizer

    return ExpressionReader(ExpressionRecognizer(model, labels=labels))
