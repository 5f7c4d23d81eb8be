"""Models: what is known about each."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from mien import models
from mien.models import Card
from mien.server.documents.service import ModelRecord, Models
from mien.server.routes.parts import Holder, problems

__all__ = ["router"]

router = APIRouter(prefix="/models", tags=["models"], responses=problems())


@router.get("")
def list_models(_: Holder) -> Models:
    """The cards of the models that this version knows, with their licences."""
    return Models(models=[_record(card) for card in models.cards()])


@router.get("/{name}", responses=problems(404))
def show_model(_: Holder, name: Annotated[str, Path(max_length=100)]) -> ModelRecord:
    """The card of a model."""
    return _record(models.card(name))


def _record(card: Card) -> ModelRecord:
    return ModelRecord(
        name=card.name,
        task=card.task,
        weights_licence=card.weights_licence,
        weights_origin=card.weights_origin,
        training_data=card.training_data,
        training_licence=card.training_licence,
        commercial=card.commercial,
        commercial_note=card.commercial_note,
        paper=card.paper,
        sha256=card.file.sha256,
        space=card.space,
        dimension=card.dimension,
    )
