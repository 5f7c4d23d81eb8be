"""What every engine owes: searches, filters, pages, writes that are whole, requests done once, moves without loss."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gallery_fakes import DIMENSION, FakePipeline, looks, open_fake, picture, set_today, template

from mien.errors import InvalidArgument, NoImages, SpaceMismatch, UnwritableFile
from mien.gallery import And, Contains, Eq, In, Not, Or, Range
from mien.recognition import fuse

ENGINES = ["sqlite", "postgres", "spread"]


@pytest.fixture
def crowd(gallery):
    """40 people of two purposes with one to three samples."""
    for number in range(40):
        name = f"p{number}"
        purpose = ("door", "album")[number % 2] if number % 5 else None
        gallery.enroll(name, looks(name, *range(1 + number % 3)), purpose=purpose)
    return gallery


@pytest.fixture
def probes():
    return np.stack([fuse(np.stack([template(f"p{n}", 7), template(f"p{n + 1}", 8)])) for n in range(0, 60, 4)])


def brute_force(gallery, probes, k, keep=lambda person: True):
    with gallery._store.reading(gallery.collection) as transaction:
        people = [person for person in transaction.people() if person.samples and keep(person)]
        templates = np.stack([fuse(transaction.templates(person.person_id)) for person in people])
    answers = []
    for probe in probes.astype(np.float64):
        scores = templates.astype(np.float64) @ probe
        order = sorted(range(len(people)), key=lambda i: (-scores[i], people[i].person_id))[:k]
        answers.append([(people[i].person_id, scores[i]) for i in order])
    return answers


def agree(found, expected):
    for one, best in zip(found, expected, strict=True):
        assert [candidate.person_id for candidate in one.candidates] == [key for key, _ in best]
        assert [c.score for c in one.candidates] == pytest.approx([score for _, score in best], abs=1e-6)


@pytest.mark.parametrize("k", [1, 5, 40, 99])
def test_a_search_finds_what_brute_force_finds(crowd, probes, k):
    found = crowd.search(probes, k=k)
    agree(found, brute_force(crowd, probes, k))
    assert {one.searched for one in found} == {40}
    assert {one.revision for one in found} == {crowd.revision}


def test_a_threshold_is_applied_to_exact_scores(crowd, probes):
    everybody = crowd.search(probes, k=40)
    edge = everybody[0].candidates[3].score
    (found,) = crowd.search(probes[0], k=40, threshold=edge)
    assert found.candidates == everybody[0].candidates[:4]


FILTERS = [
    (Eq("purpose", "door"), lambda p: p.purpose == "door"),
    (Eq("purpose", None), lambda p: p.purpose is None),
    (In("label", ("p3", "p4", "nobody")), lambda p: p.label in {"p3", "p4"}),
    (In("label", ()), lambda p: False),
    (Not(Eq("purpose", "door")), lambda p: p.purpose != "door"),
    (Range("label", "p2", "p3"), lambda p: "p2" <= p.label <= "p3"),
    (Range("created", dt.datetime(2000, 1, 1, tzinfo=dt.UTC)), lambda p: True),
    (Range("expires", dt.date(2000, 1, 1)), lambda p: False),
    (Contains("label", "P2"), lambda p: "p2" in p.label),
    (Contains("purpose", "o"), lambda p: p.purpose == "door"),
    (Contains("label", "p_"), lambda p: False),
    (Contains("label", "%"), lambda p: False),
    (And((Eq("purpose", "album"), Not(In("label", ("p1",))))), lambda p: p.purpose == "album" and p.label != "p1"),
    (Or((Eq("label", "p1"), Eq("label", "p2"))), lambda p: p.label in {"p1", "p2"}),
    (And(()), lambda p: True),
    (Or(()), lambda p: False),
]


@pytest.mark.parametrize("few", [0, 2048])
@pytest.mark.parametrize(("where", "keep"), FILTERS)
def test_a_filter_loses_nobody(crowd, probes, where, keep, few, monkeypatch):
    monkeypatch.setattr("mien.gallery.search.FEW", few)
    expected = [] if not any(keep(p) for p in crowd.people()) else brute_force(crowd, probes, 5, keep)
    found = crowd.search(probes, k=5, where=where)
    agree(found, expected or [[] for _ in probes])
    assert {one.searched for one in found} == {sum(keep(p) for p in crowd.people())}
    listed = crowd.page(limit=99, where=where).people
    assert {p.label for p in listed} == {p.label for p in crowd.people() if keep(p)}


@pytest.mark.parametrize("where", [Eq("person_id", "x"), Eq("label; DROP TABLE person", "x"), "label = 'x'"])
def test_a_filter_that_cannot_be_is_refused(crowd, probes, where):
    with pytest.raises(InvalidArgument, match="where: expected"):
        crowd.search(probes, where=where)


@pytest.mark.parametrize("value", ["'; DROP TABLE person; --", "100%", "?", ":label", "%s"])
def test_values_are_never_read_as_statements(gallery, value):
    gallery.enroll("Ada", looks("ada", 0), purpose=value)
    assert [p.label for p in gallery.page(where=Eq("purpose", value)).people] == ["Ada"]
    assert gallery.person("Ada").purpose == value


@pytest.mark.parametrize(
    ("templates", "error"),
    [
        (np.ones((1, DIMENSION), np.float32), InvalidArgument),
        (np.full((1, DIMENSION), np.nan, np.float32), InvalidArgument),
        (np.eye(3, dtype=np.float32), SpaceMismatch),
        (np.zeros((1, 1, DIMENSION), np.float32), InvalidArgument),
    ],
)
def test_templates_that_cannot_be_are_refused(crowd, templates, error):
    with pytest.raises(error):
        crowd.search(templates)


def test_who_expires_is_searched_no_more(crowd, probes, monkeypatch):
    crowd.enroll("p1", looks("p1", 5), until=dt.datetime.now(dt.UTC).date())
    set_today(monkeypatch, dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1))
    assert {one.searched for one in crowd.search(probes)} == {39}
    agree(crowd.search(probes, k=9), brute_force(crowd, probes, 9, lambda p: p.label != "p1"))
    for few in (0, 2048):
        monkeypatch.setattr("mien.gallery.search.FEW", few)
        assert crowd.search(probes, where=Eq("label", "p1"))[0].searched == 0


def test_how_many_samples_people_have(crowd):
    assert crowd.sample_counts == {1, 2, 3}
    for number in range(2, 40, 3):
        crowd.erase(f"p{number}")
    assert crowd.sample_counts == {1, 2}


@pytest.mark.parametrize("limit", [1, 7, 40, 41])
def test_pages_hold_everybody_once(crowd, limit):
    seen, place = [], None
    while True:
        page = crowd.page(place, limit=limit)
        seen += page.people
        place = page.next
        if place is None:
            break
        assert len(page.people) <= limit
    assert [p.label for p in seen] == [f"p{number}" for number in range(40)]


def test_pages_go_on_over_changes(crowd):
    first = crowd.page(limit=10)
    crowd.erase("p9")
    crowd.erase("p12")
    crowd.enroll("late", looks("late", 0))
    rest = crowd.page(first.next, limit=99)
    assert [p.label for p in rest.people] == [f"p{n}" for n in range(10, 40) if n != 12] + ["late"]
    assert rest.revision > first.revision


def test_a_place_in_another_collection_is_none(gallery, location):
    gallery.enroll("Ada", looks("ada", 0))
    gallery.enroll("Bob", looks("bob", 0))
    with open_fake(location, collection="other") as other, pytest.raises(InvalidArgument, match="after"):
        other.page(gallery.page(limit=1).next)


def test_a_place_that_is_none_is_refused(crowd):
    for place in ("x", "", "bWllbjp4", "ünïcode"):
        with pytest.raises(InvalidArgument, match="after"):
            crowd.page(place)
    with pytest.raises(InvalidArgument, match="limit"):
        crowd.page(limit=0)


def test_what_was_acknowledged_is_in_every_later_search(location):
    with open_fake(location) as one, open_fake(location) as other:
        for number in range(5):
            name = f"p{number}"
            one.enroll(name, looks(name, 0))
            other.wait_for(one.revision)
            assert other.search(template(name, 0), k=1)[0].candidates[0].label == name
            one.erase(name)
            assert other.search(template(name, 0), k=1)[0].candidates == ()


def test_many_threads_write_and_nothing_is_lost(location):
    failed = []

    def work(worker):
        try:
            with open_fake(location) as gallery:
                for number in range(5):
                    gallery.enroll(f"p{worker}-{number}", looks(f"p{worker}-{number}", 0))
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    with open_fake(location) as gallery:
        assert len(gallery.people()) == 20
        assert gallery.search(template("p3-4", 0), k=1)[0].candidates[0].label == "p3-4"


def test_a_request_sent_again_is_answered_and_not_done_again(gallery):
    first = gallery.enroll("Ada", looks("ada", 0, 1), request="order 7")
    revision = gallery.revision
    assert gallery.enroll("Ada", looks("ada", 0, 1), request="order 7") == first
    assert gallery.revision == revision
    with pytest.raises(InvalidArgument, match="order 7"):
        gallery.enroll("Ada", looks("ada", 2), request="order 7")
    with pytest.raises(InvalidArgument, match="order 7"):
        gallery.enroll("Eda", looks("ada", 0, 1), request="order 7")
    gallery.erase("Ada")
    assert gallery.enroll("Ada", looks("ada", 0), request="order 7").refused[0].reasons == ("erased_before",)


def test_capabilities_say_what_holds(gallery, engine):
    can = gallery.capabilities
    assert can.exact_search
    assert can.approximate_search == (engine != "sqlite")
    assert can.transactions
    assert can.read_your_writes
    assert can.purge_level == {"sqlite": "purged_logs"}.get(engine, "purged_store")
    assert can.proof == (engine == "sqlite")
    assert not can.sealed
    gallery.enroll("Ada", looks("ada", 0))
    if not can.approximate_search:
        assert gallery.search(template("ada", 1), approximate=True)[0].exact
        with pytest.raises(InvalidArgument, match="needs no graph"):
            gallery.build_graph()
    assert gallery.erase("Ada", proof=can.proof).level == can.purge_level


def everything(gallery):
    with gallery._store.reading(gallery.collection) as transaction:
        return [
            (
                {**person.to_dict()},
                [
                    (s.face_id, s.created, s.sample.template.tobytes(), s.sample.sha256, s.sample.source, s.sample.box)
                    for s in transaction.stored(person.person_id)
                ],
            )
            for _, person in transaction.page(0, 999, None)
        ]


def test_people_move_between_engines_and_back(crowd, location, path, tmp_path):
    crowd.enroll("consenting", looks("consenting", 0), purpose="door", until="2999-01-01")
    before = everything(crowd)
    with open_fake(tmp_path / "other.mien") as other:
        moved = crowd.copy_to(other)
        assert (moved.people, moved.samples, moved.refused) == (41, sum(len(s) for _, s in before), ())
        assert everything(other) == before
        assert crowd.copy_to(other).to_dict() == {"people": 0, "samples": 0, "refused": []}
        with open_fake(location, collection="back") as back:
            assert other.copy_to(back).people == 41
            assert other.copy_to(back).to_dict() == {"people": 0, "samples": 0, "refused": []}
            assert {p.person_id for p in back.people()}.isdisjoint({p.person_id for p in crowd.people()})
            assert back.search(template("p3", 0), k=1)[0].candidates[0].label == "p3"


def test_an_exported_file_comes_back_whole(crowd, location, tmp_path):
    done = crowd.export(tmp_path / "people.parquet")
    assert (tmp_path / "people.parquet").stat().st_mode & 0o777 == 0o600
    with open_fake(tmp_path / "other.mien") as other:
        assert other.import_people(tmp_path / "people.parquet") == done
        assert everything(other) == everything(crowd)
        revision = other.revision
        assert other.import_people(tmp_path / "people.parquet").people == 0
        assert other.revision == revision
    with pytest.raises(InvalidArgument, match="there already"):
        crowd.export(tmp_path / "people.parquet")
    with pytest.raises(UnwritableFile):
        crowd.export(tmp_path / "missing" / "people.parquet")
    assert [p.name for p in tmp_path.glob("*.tmp*")] == []


def test_who_was_erased_is_not_imported_unnoticed(crowd, tmp_path):
    crowd.export(tmp_path / "people.parquet")
    person_id = crowd.erase("p7").person.person_id
    moved = crowd.import_people(tmp_path / "people.parquet")
    assert [(one.source, one.reasons) for one in moved.refused] == [(person_id, ("erased_before",))]
    assert len(crowd.people()) == 39
    assert crowd.import_people(tmp_path / "people.parquet", allow_erased=True).people == 1


def test_a_file_of_another_kind_changes_nothing(crowd, tmp_path):
    (tmp_path / "text").write_text("no parquet")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "foreign")
    whole = tmp_path / "people.parquet"
    crowd.export(whole)
    cut = whole.read_bytes()
    (tmp_path / "cut").write_bytes(cut[: len(cut) // 2])
    damaged = bytearray(cut)
    damaged[len(cut) // 3 : len(cut) // 3 + 400] = os.urandom(400)
    (tmp_path / "damaged").write_bytes(damaged)
    with open_fake(tmp_path / "other.mien") as other:
        for name in ("text", "foreign", "cut", "damaged", "none"):
            with pytest.raises(InvalidArgument):
                other.import_people(tmp_path / name)
        assert other.people() == []
    with open_fake(tmp_path / "third.mien", pipeline=FakePipeline("other-space")) as third:
        third.enroll("Ada", looks("ada", 0))
        with pytest.raises(SpaceMismatch):
            third.import_people(whole)


def test_nobody_is_not_exported(gallery, tmp_path):
    with pytest.raises(InvalidArgument, match="nobody"):
        gallery.export(tmp_path / "people.parquet")
    assert not list(tmp_path.glob("*.parquet*"))


def test_a_block_that_fails_leaves_nothing(gallery):
    gallery.enroll("Ada", looks("ada", 0))
    revision = gallery.revision

    def fail():
        with gallery._store.writing("main") as transaction:
            person_id = transaction.add_person("Bob")
            transaction.rename(person_id, "Eve")
            raise NoImages("on purpose")

    with pytest.raises(NoImages):
        fail()
    assert gallery.revision == revision
    assert [p.label for p in gallery.people()] == ["Ada"]
    assert gallery.identify(picture("ada", look=1))[0].person == "Ada"


WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from gallery_fakes import looks, open_fake
import mien.quality, gallery_fakes
mien.quality.reasons = gallery_fakes.fake_reasons
with open_fake(sys.argv[1]) as gallery:
    for number in range(10_000):
        gallery.enroll(f"p{number}", looks(f"p{number}", 0))
        print(number, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_was_acknowledged(location):
    folder = os.path.dirname(__file__)  # noqa: PTH120
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(location), folder], stdout=subprocess.PIPE, text=True)
    acknowledged = [int(writer.stdout.readline()) for _ in range(12)][-1]
    writer.kill()
    acknowledged = max([acknowledged, *map(int, writer.stdout.read().split())])
    writer.wait()
    writer.stdout.close()
    with open_fake(location) as gallery:
        labels = {person.label: person.samples for person in gallery.people()}
    assert set(labels) >= {f"p{number}" for number in range(acknowledged + 1)}
    assert len(labels) <= acknowledged + 2
    assert set(labels.values()) == {1}
