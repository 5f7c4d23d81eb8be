"""Edits by hand, and how to take them back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from mien.server.documents.suggestions import EditRecord, Edits
from mien.server.routes.parts import InCollection, Operator, Serving, problems

__all__ = ["router"]

router = APIRouter(prefix="/collections/{collection}/edits", tags=["edits"], responses=problems(404))


@router.get("")
def list_edits(key: Operator, gallery: InCollection) -> Edits:
    """What was done by hand and can be undone, newest first; at most the last 1000 edits."""
    found = gallery.edits()
    gallery.note_access("list", key.key_id, edits=len(found))
    return Edits(edits=[EditRecord.model_validate(edit.to_dict()) for edit in found])


@router.delete("/{edit_id}", responses=problems(404, 409))
def undo_edit(
    key: Operator, gallery: InCollection, service: Serving, edit_id: Annotated[int, Path(ge=1, lt=2**63)]
) -> EditRecord:
    """Undo the last edit; 409 where another one came after it."""
    with gallery.acting(key.key_id):
        undone = gallery.undo(edit_id)
    service.bus.publish("edit.undone", gallery.collection, edit_id=undone.edit_id, action=undone.action)
    return EditRecord.model_validate(undone.to_dict())
