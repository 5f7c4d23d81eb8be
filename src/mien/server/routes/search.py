"""Searches by template."""

from __future__ import annotations

from fastapi import APIRouter

from mien.errors import SpaceMismatch
from mien.server.documents.search import Neighbour, Neighbours, Search, SearchResult
from mien.server.routes.parts import Identifier, InCollection, Serving, problems

__all__ = ["router"]

router = APIRouter(tags=["faces"], responses=problems(400, 404, 409))


@router.post("/collections/{collection}/search")
async def search(key: Identifier, gallery: InCollection, service: Serving, asked: Search) -> Neighbours:
    """The people most like each template: exactly those that a comparison with everybody would find.

    This compares; it does not decide. Only templates of the collection's embedding space can be compared.
    """

    def call() -> Neighbours:
        space, calibration = gallery.space, gallery.calibration
        if space is not None and asked.space != space:
            message = f"space: expected templates of {space}, got {asked.space}; they cannot be compared"
            raise SpaceMismatch(message, expected=space, got=asked.space)
        where = asked.where.filter() if asked.where is not None else None
        found = gallery.search(asked.templates, k=asked.k, threshold=asked.threshold, where=where)
        named = {candidate.person_id for one in found for candidate in one.candidates}
        gallery.note_access("search", key.key_id, named, templates=len(found))
        return Neighbours(
            space=space,
            calibration=calibration.name if calibration else None,
            revision=gallery.revision if not found else found[0].revision,
            results=[
                SearchResult(
                    candidates=[
                        Neighbour(person_id=c.person_id, label=c.label, score=c.score, samples=c.samples)
                        for c in one.candidates
                    ],
                    searched=one.searched,
                    exact=one.exact,
                )
                for one in found
            ],
        )

    return await service.work.decide(call)
