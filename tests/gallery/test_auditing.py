"""Changes are noted with who made them, in the transaction that makes them; accesses where nobody is kept."""

from __future__ import annotations

import itertools
import sqlite3

import pytest
from gallery_fakes import looks, picture

from mien.errors import StoreFull, UnknownPerson
from mien.gallery import Access, audit


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
    whole = audit.Chain.append

    def full(chain, done, *more, **details):
        if done == action:
            raise StoreFull("no room")
        return whole(chain, done, *more, **details)

    monkeypatch.setattr(audit.Chain, "append", full)
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


@pytest.fixture
def long_log(gallery):
    """A gallery with 3,500 lines in its log: pages of a thousand do not come out even."""
    gallery.note_access("identify", "key 1", [f"{number:032x}" for number in range(3500)])
    return gallery


def test_a_long_log_is_read_whole_while_it_grows(long_log):
    read = []
    for entry in long_log.audit_entries():
        read.append(entry)
        if entry.sequence in {1, 1000, 3500, 3501}:
            long_log.note_access("verify", "key 2")
    assert [entry.sequence for entry in read] == [*range(1, 3505)]
    assert read == long_log.audit()
    assert long_log.verify_audit().entries == 3504


# Databases count on where a transaction was given up, and more than once.
GAPS = {
    "none": "UPDATE audit SET entry = entry",
    "one": "UPDATE audit SET entry = entry + 100000 WHERE entry > 1200",
    "everywhere": "UPDATE audit SET entry = 1000000 + 3 * entry",
}


@pytest.mark.parametrize("gaps", GAPS.values(), ids=GAPS)
def test_pages_of_a_long_log_are_complete_and_do_not_shift(long_log, path, gaps):
    with sqlite3.connect(path) as connection:
        connection.execute(gaps)
    whole = long_log.audit()
    paged, after = [], 0
    while page := long_log.audit(after, 700):
        paged += page
        after = page[-1].sequence
        if len(paged) < 3500:
            long_log.note_access("verify", "key 2")
    assert paged[:3500] == whole
    assert [entry.sequence for entry in paged] == [*range(1, 3505)]
    for known in (0, 1, 1199, 1200, 1201, 3503, 3504, 10**6):
        assert [entry.sequence for entry in long_log.audit(known, 2)] == [*range(known + 1, 3505)][:2]


def test_a_page_costs_the_same_wherever_it_is(long_log):
    """Statements that count lines from the first read them all again for every page."""
    read = []

    def work(after):
        with long_log._store.reading(long_log.collection) as transaction:
            steps = itertools.count()
            transaction._connection.set_progress_handler(lambda: next(steps) and None, 10)
            read.append([entry.sequence for entry in audit.read(transaction, after, 10)])
            transaction._connection.set_progress_handler(None, 0)
        return next(steps)

    assert work(3400) < 2 * work(10)
    assert read == [[*range(3401, 3411)], [*range(11, 21)]]


def test_accesses_are_noted_together_or_not_at_all(two, monkeypatch):
    ada, bob = (two.person(label).person_id for label in ("Ada", "Bob"))
    before = len(two.audit())
    asked = [
        Access("identify", "key 1", frozenset({ada, bob}), details={"faces": 2}),
        Access("identify", "key 2", details={"faces": 0}),
        Access("detect", "key 3", of_store=True),
    ]
    lines = two.note_accesses(asked)
    assert [len(some) for some in lines] == [2, 1, 1]
    flat = [line for some in lines for line in some]
    assert two.audit()[before:] == flat
    assert [(line.action, line.actor, line.details) for line in flat] == [
        ("identify", "key 1", {"faces": 2}),
        ("identify", "key 1", {"faces": 2}),
        ("identify", "key 2", {"faces": 0}),
        ("detect", "key 3", {}),
    ]
    assert {line.subject for line in lines[0]} == {subject(two, ada), subject(two, bob)}
    assert flat[-1].collection is None
    assert two.verify_audit().sound
    sign = audit.Chain.append

    def fail(chain, action, *given, **details):
        if action == "detect":
            raise StoreFull("no room")
        return sign(chain, action, *given, **details)

    monkeypatch.setattr(audit.Chain, "append", fail)
    with pytest.raises(StoreFull):
        two.note_accesses(asked)
    assert two.audit()[before:] == flat
