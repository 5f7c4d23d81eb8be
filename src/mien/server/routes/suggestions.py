"""People to be named: faces that nobody has a name for yet."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Query, UploadFile

from mien.errors import MienError
from mien.gallery import Gallery, Person, Suggestion
from mien.server.documents.people import PersonRecord, RefusedImage
from mien.server.documents.search import Neighbour
from mien.server.documents.suggestions import Forgotten, Naming, SuggestionRecord, Suggestions
from mien.server.routes.changing import FaceId, RequestKey, SuggestionId, check_consent, once, person, records
from mien.server.routes.parts import Enroller, InCollection, Operator, Reader, Serving, problems, several_images
from mien.server.service import Service

__all__ = ["router"]

router = APIRouter(prefix="/collections/{collection}", tags=["people to be named"], responses=problems(404))

MinFaces = Annotated[int, Query(ge=1, le=1000, description="leave out smaller groups of unknown people")]


@router.get("/suggestions")
def list_suggestions(key: Reader, gallery: InCollection, min_faces: MinFaces = 1) -> Suggestions:
    """Unnamed faces that seem to be of one person, as they were grouped last, less what was named since."""
    found = gallery.suggestions(min_faces=min_faces)
    gallery.note_access("list", key.key_id, suggestions=len(found), faces=sum(len(one.faces) for one in found))
    return _suggestions(gallery, found, [])


@router.post("/suggestions", responses=problems(400, 404, 409))
async def suggest(
    key: Enroller,
    gallery: InCollection,
    service: Serving,
    images: Annotated[list[UploadFile], File(default_factory=list)],
    keep_days: Annotated[
        int, Form(ge=1, le=36_500, description="after how many days faces found now are forgotten, unless named")
    ] = 30,
    min_faces: MinFaces = 1,
) -> Suggestions:
    """Keep the faces of new photos, and group all unnamed faces anew; a photo that was looked at before is skipped.

    Whoever is in them consented to nothing: give a number of days that you can justify.
    """
    sources = await several_images(service, images)
    crops = service.galleries.rules(gallery.collection).crops

    def call() -> Suggestions:
        refused: list[RefusedImage] = []

        def failed(position: int, error: MienError) -> None:
            refused.append(RefusedImage(source=sources[position].name, reasons=[error.code], message=error.message))

        with gallery.acting(key.key_id):
            found = gallery.suggest(sources, keep_days=keep_days, min_faces=1, on_error=failed)
        if crops:
            contents = [source.getvalue() for source in sources]
            service.crops.keep(gallery, contents, [face for one in found for face in one.faces])
        faces = sum(len(one.faces) for one in found)
        service.bus.publish("faces.suggested", gallery.collection, suggestions=len(found), faces=faces)
        shown = [one for one in found if one.candidate or len(one.faces) >= min_faces]
        return _suggestions(gallery, shown, refused)

    return await service.work.run(call, key.key_id)


@router.post("/suggestions/{suggestion_id}/name", responses=problems(400, 404, 409))
def name_suggestion(
    key: Enroller,
    gallery: InCollection,
    service: Serving,
    suggestion_id: SuggestionId,
    who: Naming,
    request: RequestKey,
) -> PersonRecord:
    """Say who a suggestion is: its faces become samples of that person."""

    def change() -> Person:
        known = None if who.person_id is None else person(gallery, who.person_id)
        check_consent(service, gallery, who.purpose, known)
        label = who.person_id or who.label or ""
        return gallery.name(suggestion_id, label, purpose=who.purpose, until=who.until, faces=who.faces)

    return once(service, gallery, key, request, f"name {suggestion_id} {who.model_dump_json()}", change)


@router.delete("/suggestions/{suggestion_id}")
def forget_suggestion(key: Operator, gallery: InCollection, service: Serving, suggestion_id: SuggestionId) -> Forgotten:
    """Remove the faces of a suggestion with every byte of them; their photos are not looked at again."""
    return _forgotten(service, gallery, key.key_id, suggestion_id)


@router.delete("/faces/{face_id}")
def forget_face(key: Operator, gallery: InCollection, service: Serving, face_id: FaceId) -> Forgotten:
    """Remove an unnamed face with every byte of it."""
    return _forgotten(service, gallery, key.key_id, face_id)


@router.delete("/faces")
def forget_all_faces(key: Operator, gallery: InCollection, service: Serving) -> Forgotten:
    """Remove every unnamed face with every byte of it, and which photos were looked at."""
    return _forgotten(service, gallery, key.key_id)


def _forgotten(service: Service, gallery: Gallery, actor: str, *keys: str) -> Forgotten:
    with gallery.acting(actor):
        count = gallery.forget(*keys)
    service.bus.publish("faces.forgotten", gallery.collection, faces=count)
    return Forgotten(faces=count)


def _suggestions(gallery: Gallery, found: list[Suggestion], refused: list[RefusedImage]) -> Suggestions:
    calibration = gallery.calibration
    return Suggestions(
        space=gallery.space,
        calibration=calibration.name if calibration else None,
        suggestions=[
            SuggestionRecord(
                suggestion_id=one.suggestion_id,
                candidate=None
                if one.candidate is None
                else Neighbour(
                    person_id=one.candidate.person_id,
                    label=one.candidate.label,
                    score=one.candidate.score,
                    samples=one.candidate.samples,
                ),
                faces=records(gallery, [*one.faces]),
            )
            for one in found
        ],
        refused=refused,
    )
