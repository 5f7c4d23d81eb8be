"""Changes are noted with who made them, in the transaction that makes them; accesses where nobody is kept."""

from __future__ import annotations

import pytest
from gallery_fakes import looks, picture

from mien.errors import StoreFull, UnknownPerson
from mien.gallery import audit


def subject(gallery, person_id):
    with gallery._store.reading(gallery.collection) as transaction:
        return transaction.digest(f"person:{person_id}")


def first(gallery, label):
    return gallery.samples(label)[0].face_id


def waiting(gallery):
    return gallery.suggest(looks("cleo", 0, 1, 2))[0]


ENGINES = ["sqlite"]
"""What is noted is the same in every engine, and so are the statements."""

CHANGES = [
    ("enroll", lambda g: g.enroll("Eve", looks("eve", 0))),
    ("enroll", lambda g: g.enroll("Ada", [b"no image"])),
    ("rename", lambda g: g.rename("Ada", "Eda")),
    ("consent", lambda g: g.consent("Ada", "door", until="2999-01-01")),
    ("merge", lambda g: g.merge("Ada", "Bob")),
    ("split", lambda g: g.split("Ada", [first(g, "Ada")])),
    ("move", lambda g: g.move(first(g, "Ada"), "Bob")),
    ("reject", lambda g: g.reject(first(g, "Ada"), "Ada")),
    ("remember", lambda g: g.suggest(looks("dora", 0, 1))),
    ("suggest", lambda g: g.suggest()),
    ("name", lambda g: g.name(waiting(g).suggestion_id, "Cleo")),
    ("forget", lambda g: g.forget(waiting(g).suggestion_id)),
    ("undo", lambda g: (g.rename("Ada", "Eda"), g.undo())),
    ("erase_sample", lambda g: g.erase_sample(first(g, "Ada"))),
    ("erase", lambda g: g.erase("Ada")),
    ("proof", lambda g: g.erase("Ada", proof=True)),
]


@pytest.fixture
def two(gallery):
    gallery.enroll("Ada", looks("ada", 0, 1, 2), purpose="album")
    gallery.enroll("Bob", looks("bob", 0, 1), purpose="album")
    return gallery


@pytest.mark.parametrize(("action", "change"), CHANGES)
def test_a_change_is_noted_with_who_made_it(two, action, change):
    with two.acting("key 1"):
        change(two)
    lines = [entry for entry in two.audit() if entry.action == action]
    assert lines
    assert {entry.actor for entry in lines} == {"key 1"}
    assert two.verify_audit().sound
    before = len(two.audit())
    two.enroll("Dan", looks("dan", 0))
    assert len(two.audit()) == before


def test_a_merge_concerns_both(two):
    people = [two.person(label).person_id for label in ("Ada", "Bob")]
    with two.acting("key 1"):
        two.merge("Ada", "Bob")
    noted = {entry.subject for entry in two.audit() if entry.action == "merge"}
    assert noted == {subject(two, person_id) for person_id in people}


@pytest.mark.parametrize(("action", "change"), [row for row in CHANGES if row[0] not in {"proof", "suggest"}])
def test_what_cannot_be_noted_is_not_done(two, monkeypatch, action, change):
    waiting(two)
    before = two.people(), [two.samples(one.person_id) for one in two.people()], two.suggestions(), two.space
    whole = audit.append

    def full(transaction, done, *more, **details):
        if done == action:
            raise StoreFull("no room")
        return whole(transaction, done, *more, **details)

    monkeypatch.setattr(audit, "append", full)
    if action != "undo":
        with two.acting("key 1"), pytest.raises(StoreFull):
            change(two)
    else:
        two.rename("Ada", "Ada")
        with two.acting("key 1"), pytest.raises(StoreFull):
            two.undo()
        assert [edit.action for edit in two.edits()] == ["rename"]
    assert (two.people(), [two.samples(one.person_id) for one in two.people()], two.suggestions(), two.space) == before


def test_a_consent_that_runs_out_is_nobodys_doing(two, monkeypatch):
    import datetime as dt

    from gallery_fakes import set_today

    two.consent("Ada", "door", until="2999-01-01")
    set_today(monkeypatch, dt.date(2999, 1, 2))
    with two.acting("key 1"):
        two.identify(picture("ada", look=7))
    assert [(entry.action, entry.actor) for entry in two.audit()] == [("expire", None), ("purge", None)]
    with pytest.raises(UnknownPerson):
        two.person("Ada")


def test_an_access_of_no_collection_says_so(two):
    (here,) = two.note_access("identify", "key 1", faces=1)
    (nowhere,) = two.note_access("verify", "key 1", of_store=True, faces=2)
    assert here.collection is not None
    assert nowhere.collection is None
    assert two.verify_audit(two.public_key).sound


def test_the_last_line_is_read_alone(gallery):
    assert gallery.last_entry() is None
    gallery.enroll("Ada", looks("ada", 0))
    gallery.erase("Ada")
    gallery.note_access("identify", "key 1", faces=1)
    assert gallery.last_entry() == gallery.audit()[-1]
