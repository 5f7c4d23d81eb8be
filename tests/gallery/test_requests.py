"""What came of a request is kept, and forgotten with whom it concerned; two who ask at the same time get one answer."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from gallery_fakes import looks, open_fake

from mien.errors import InvalidArgument, UnknownPerson
from mien.gallery import editing


@pytest.fixture
def known(gallery):
    """Ada, Bob and Cleo, with two samples each."""
    for name in ("Ada", "Bob", "Cleo"):
        gallery.enroll(name, looks(name.lower(), 0, 1), purpose="door")
    return gallery


def test_outcomes_are_kept_until_the_person_is_erased(known):
    person_id = known.person("Ada").person_id
    assert known.outcome("order 8", "merge") is None
    done = known.once("order 8", "merge", lambda: known.merge("Ada", "Bob"))
    assert (done[0]["person_id"], done[0]["samples"], done[1]) == (person_id, 4, True)
    assert known.once("order 8", "merge", lambda: known.merge("Ada", "Bob")) == (done[0], False)
    assert known.outcome("order 8", "merge") == done[0]
    with pytest.raises(InvalidArgument, match="order 8"):
        known.once("order 8", "split", lambda: known.split("Ada", []))
    known.erase("Ada")
    assert known.outcome("order 8", "merge") is None


def test_an_enrolment_that_was_asked_for_before_anything_could_be_required_is_still_known(gallery):
    done = gallery.enroll("Ada", looks("ada", 0, 1), request="order 9")
    asked = json.dumps(["Ada", [sample.sha256 for sample in gallery.samples("Ada")]])
    assert gallery.outcome("order 9", asked) == done.to_dict()


def test_what_fails_is_not_kept_and_may_be_asked_again(known):
    with pytest.raises(UnknownPerson):
        known.once("order 8", "merge", lambda: known.merge("Ada", "Eve"))
    assert known.outcome("order 8", "merge") is None
    known.enroll("Eve", looks("eve", 0), purpose="door")
    assert known.once("order 8", "merge", lambda: known.merge("Ada", "Eve"))[1] is True


def merge(gallery):
    return gallery.merge("Ada", "Bob")


def split(gallery):
    return gallery.split("Ada", [gallery.samples("Ada")[0].face_id], "Eda")


def move(gallery):
    return gallery.move(gallery.samples("Bob")[0].face_id, "Ada")


def name(gallery):
    # Names half of them, so that the other half would still be there to be named by who comes second.
    (found,) = gallery.suggestions()
    return gallery.name(found.suggestion_id, "Dan", purpose="door", faces=[found.faces[0].face_id])


@pytest.mark.parametrize("edit", [merge, split, move, name], ids=lambda edit: edit.__name__)
def test_of_many_at_the_same_time_one_does_it_and_all_get_its_answer(known, edit):
    known.suggest(looks("dan", 0, 1), keep_days=30)
    others = [open_fake(known.location) for _ in range(3)] if "postgresql" not in str(known.location) else [known] * 3
    askers = [known, known, *others]
    start = threading.Barrier(len(askers))

    def ask(gallery):
        start.wait()
        return gallery.once("order 8", "x", lambda: edit(gallery))

    edits = len(known.edits())
    with ThreadPoolExecutor(len(askers)) as pool:
        answers = list(pool.map(ask, askers))
    assert sorted(is_new for _, is_new in answers) == [False] * (len(askers) - 1) + [True]
    assert len({str(done) for done, _ in answers}) == 1
    assert len(known.edits()) == edits + 1


def test_who_waited_for_a_turn_does_not_do_it_again(known, monkeypatch):
    """The second one found everything as the first did, and came to its turn when that was done."""
    first = [known.samples("Ada")[0].face_id]
    ready, go_on = threading.Event(), threading.Event()
    check = editing.outcomes.check

    def slowly(transaction):
        check(transaction)
        ready.set()
        assert go_on.wait(10)

    with monkeypatch.context() as slow, ThreadPoolExecutor(2) as pool:
        slow.setattr(editing.outcomes, "check", slowly)
        ask = [pool.submit(known.once, "order 8", "x", lambda: known.split("Ada", first)) for _ in range(2)]
        assert ready.wait(10)
        go_on.set()
        answers = [one.result(30) for one in ask]
    assert sorted(is_new for _, is_new in answers) == [False, True]
    assert [one.label for one in known.people()] == ["Ada", "Ada (2)", "Bob", "Cleo"]
