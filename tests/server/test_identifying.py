"""Images that are identified at the same time, over the library's own decisions."""

from __future__ import annotations

import asyncio
import json

import pytest

from mien.errors import StoreFull, UnsupportedErrorRate
from mien.server.identifying import Question

pytestmark = [pytest.mark.weights, pytest.mark.samples]


@pytest.fixture
def faces(service, samples, enrolled, main_collection):
    enrolled()
    pipeline = service.galleries.main.pipeline()
    return {name: pipeline.find(samples / f"{name}.jpg") for name in ("obama2", "biden")}


def asked(service, faces, **changes):
    fields = {"actor": "key", "fpir": None, "candidates": 5, "require": None}
    return Question(gallery=service.galleries.main, faces=faces, **fields | changes)


def together(service, questions, then=lambda faces: faces):
    async def ask():
        asking = (service.identifying.identify(one, then) for one in questions)
        return await asyncio.gather(*asking, return_exceptions=True)

    return asyncio.run(ask())


def names(faces):
    return [decision.person and decision.person.label for decision in faces.decisions]


def test_those_that_come_together_are_one_search_and_one_commit(service, faces, monkeypatch):
    searched, committed = [], []
    gallery = service.galleries.main
    for calls, name in ((searched, "decide_all"), (committed, "note_accesses")):
        real = getattr(gallery, name)
        monkeypatch.setattr(
            gallery, name, lambda many, real=real, calls=calls, **how: (calls.append(len(many)), real(many, **how))[1]
        )
    questions = [asked(service, faces[name], actor=name) for name in ("obama2", "biden", "obama2")]
    before = len(gallery.audit())
    told = together(service, questions)
    assert [names(one) for one in told] == [names(gallery.decide(one.faces)) for one in questions]
    assert names(told[0]) != names(told[1])
    assert sum(searched[:-3]) == 3
    assert max(searched) > 1
    assert committed == searched[:-3]
    noted = gallery.audit()[before:]
    assert [line.actor for line in noted] == ["obama2", "biden", "obama2"]


def test_what_cannot_be_decided_concerns_nobody_else(service, faces):
    questions = [
        asked(service, faces["obama2"]),
        asked(service, faces["obama2"], fpir=1e-9),
        asked(service, faces["obama2"], candidates=1),
    ]
    before = len(service.galleries.main.audit())
    told = together(service, questions)
    assert [type(one).__name__ for one in told] == ["Faces", "UnsupportedErrorRate", "Faces"]
    assert isinstance(told[1], UnsupportedErrorRate)
    assert len(service.galleries.main.audit()) == before + 2


def test_what_is_made_of_one_answer_concerns_nobody_else(service, faces):
    def then(faces):
        if len(made) == 1:
            made.append(None)
            raise json.JSONDecodeError("no", "", 0)
        made.append(None)
        return "made"

    made = []
    told = together(service, [asked(service, faces["obama2"])] * 3, then)
    assert sorted(map(str, map(type, told))) == sorted(map(str, [str, json.JSONDecodeError, str]))


def test_nobody_is_answered_whose_access_cannot_be_noted(service, faces, monkeypatch):
    def full(*_, **__):
        raise StoreFull("no room")

    monkeypatch.setattr(service.galleries.main, "note_accesses", full)
    told = together(service, [asked(service, faces["obama2"])] * 2)
    assert [type(one) for one in told] == [StoreFull, StoreFull]


def test_who_goes_away_meanwhile_is_not_missed(service, faces):
    async def ask():
        gone, stays = (
            asyncio.ensure_future(service.identifying.identify(asked(service, faces["obama2"]), names))
            for _ in range(2)
        )
        await asyncio.sleep(0)
        gone.cancel()
        return await asyncio.gather(gone, stays, return_exceptions=True)

    told = asyncio.run(ask())
    assert isinstance(told[0], asyncio.CancelledError)
    assert told[1] == names(service.galleries.main.decide(faces["obama2"]))


def test_nobody_is_left_waiting_where_there_is_no_thread_for_it(service, faces, monkeypatch):
    async def closing(_):
        raise RuntimeError("cannot schedule new futures after shutdown")

    monkeypatch.setattr(service.work, "decide", closing)
    told = together(service, [asked(service, faces["obama2"])] * 2)
    assert [type(one) for one in told] == [RuntimeError, RuntimeError]
    monkeypatch.undo()
    (again,) = together(service, [asked(service, faces["obama2"])])
    assert names(again) == names(service.galleries.main.decide(faces["obama2"]))
