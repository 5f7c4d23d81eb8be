"""Who is in images that came at the same time: decided and noted together."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from mien.gallery import Access, Gallery
from mien.server.answers import Answer, Failed, result_of, tell
from mien.server.calibrations import Calibrations
from mien.server.galleries import Galleries
from mien.server.work import Work
from mien.types import Faces

__all__ = ["Identifying", "Question"]

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Question:
    """Who the faces of an image are.

    Attributes:
        gallery: Of whom.
        faces: With templates.
        actor: Who asks, as in the audit log.
        fpir: The rate to decide at; None for the collection's.
        candidates: How many people to list.
        require: What a face must be.
    """

    gallery: Gallery
    faces: Faces
    actor: str
    fpir: float | None
    candidates: int
    require: str | None


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    question: Question
    then: Callable[[Faces], Any]
    future: asyncio.Future[Any]


class Identifying:
    """Identifies for requests, in one event loop.

    Images whose faces were found in one batch come at the same time. One search for all of them, and one commit that
    notes all of them, cost less than one for each, and wake far fewer threads; see bench/serving.py.

    Args:
        work: Where there is a thread for it.
        galleries: What each collection decides at.
        calibrations: What it decides by.
    """

    def __init__(self, work: Work, galleries: Galleries, calibrations: Calibrations) -> None:
        self._work = work
        self._galleries = galleries
        self._calibrations = calibrations
        self._waiting: list[_Asked] = []
        self._serving: asyncio.Task[None] | None = None

    async def identify(self, question: Question, then: Callable[[Faces], ResultT]) -> ResultT:
        """What is made of the faces with decisions, when the access is noted.

        Args:
            question: Who is meant.
            then: Makes it, in another thread.

        Raises:
            MienError: As `mien.Gallery.decide`; nothing was noted.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ResultT] = loop.create_future()
        self._waiting.append(_Asked(question, then, future))
        if self._serving is None or self._serving.done():
            self._serving = loop.create_task(self._serve_all())
        return await future

    async def _serve_all(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, []
            try:
                await self._work.decide(partial(self._serve, asked))
            except Exception as error:  # nobody may be left waiting: the service may be closing
                tell([(one.future, Failed(error)) for one in asked])

    def _serve(self, asked: Sequence[_Asked]) -> None:
        # By one calibration, the one of now, whatever the first of these requests began with.
        with self._calibrations.held():
            self._serve_groups(asked)

    def _serve_groups(self, asked: Sequence[_Asked]) -> None:
        alike: defaultdict[tuple[Any, ...], list[_Asked]] = defaultdict(list)
        for one in asked:
            q = one.question
            alike[q.gallery, q.fpir, q.candidates, q.require].append(one)
        tell([answer for group in alike.values() for answer in self._answered(group)])

    def _answered(self, asked: Sequence[_Asked]) -> list[Answer]:
        try:
            decided = self._decided([one.question for one in asked])
        except BaseException as error:
            if len(asked) == 1:
                return [(asked[0].future, Failed(error))]
            # Whose fault it was shows when each is decided alone.
            return [answer for one in asked for answer in self._answered([one])]
        return [(one.future, result_of(partial(one.then, faces))) for one, faces in zip(asked, decided, strict=True)]

    def _decided(self, questions: Sequence[Question]) -> list[Faces]:
        first = questions[0]
        gallery = first.gallery
        decided = gallery.decide_all(
            [one.faces for one in questions],
            fpir=first.fpir or self._galleries.rules(gallery.collection).fpir,
            candidates=first.candidates,
            require=first.require,
        )
        gallery.note_accesses(
            [
                Access("identify", one.actor, _named(faces), details={"faces": len(faces)})
                for one, faces in zip(questions, decided, strict=True)
            ]
        )
        return decided


def _named(faces: Faces) -> frozenset[str]:
    return frozenset(decision.person.person_id for decision in faces.decisions or () if decision.person)
