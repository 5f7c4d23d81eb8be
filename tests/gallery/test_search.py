from __future__ import annotations

import numpy as np
import pytest
from gallery_fakes import DIMENSION, vector

from mien.gallery import search
from mien.gallery.search import ExactIndex
from mien.gallery.sqlite import SqliteStore
from mien.gallery.store import Sample
from mien.recognition import fuse


@pytest.fixture
def store(path):
    opened = SqliteStore(path)
    yield opened
    opened.close()


def unit(*seed):
    return vector(*seed).astype(np.float32)


def add(store, label, templates):
    with store.writing("main") as transaction:
        if transaction.space() is None:
            transaction.pin("space", DIMENSION)
        person_id = transaction.add_person(label)
        for number, template in enumerate(templates):
            transaction.add_sample(person_id, Sample(template, "a.jpg", f"{number:064}", "f32", None))
    return person_id


def refreshed(store, index):
    with store.reading("main") as transaction:
        return index.refresh(transaction)


@pytest.mark.parametrize("k", [1, 3, 50, 99])
def test_the_best_are_those_of_brute_force(store, k, monkeypatch):
    people = {}
    for number in range(50):
        samples = [unit(number, look) for look in range(1 + number % 3)]
        people[add(store, f"p{number}", samples)] = np.mean(samples, 0, dtype=np.float64)
    probes = np.stack([unit("probe", number) for number in range(20)])
    view = refreshed(store, ExactIndex(fuse))
    found = view.search(probes, k)
    monkeypatch.setattr(search, "CHUNK", 100)
    assert view.search(probes, k) == found, "the answer must not depend on how probes are cut into chunks"
    for probe, candidates in zip(probes, found, strict=True):
        scores = {key: mean @ probe / np.linalg.norm(mean) for key, mean in people.items()}
        expected = sorted(scores, key=lambda key: -scores[key])[:k]
        assert [candidate.person_id for candidate in candidates] == expected
        assert [candidate.score for candidate in candidates] == pytest.approx(
            [scores[key] for key in expected], abs=1e-6
        )


def test_a_score_does_not_depend_on_the_batch(store):
    for number in range(37):
        add(store, f"p{number}", [unit(number)])
    probes = np.stack([unit("probe", number) for number in range(33)])
    view = refreshed(store, ExactIndex(fuse))
    assert view.search(probes, 37) == [view.search(probe[None], 37)[0] for probe in probes]


def test_equal_scores_are_ordered_by_person(store):
    ids = [add(store, f"p{number}", [unit("same")]) for number in range(9)]
    (found,) = refreshed(store, ExactIndex(fuse)).search(unit("same")[None], 5)
    assert [candidate.person_id for candidate in found] == sorted(ids)[:5]


def test_an_empty_collection_finds_nobody(store):
    view = refreshed(store, ExactIndex(fuse))
    assert view.people == 0
    assert view.search(np.zeros((2, DIMENSION), np.float32), 3) == [[], []]


def test_a_person_can_be_left_out(store):
    ada, bob = add(store, "Ada", [unit("ada")]), add(store, "Bob", [unit("bob")])
    (found,) = refreshed(store, ExactIndex(fuse)).search(unit("ada")[None], 5, without=ada)
    assert [candidate.person_id for candidate in found] == [bob]


def test_a_refreshed_index_equals_a_new_one(store):
    index = ExactIndex(fuse)
    rng = np.random.default_rng(0)
    ids = []
    for step in range(40):
        change = rng.integers(4) if len(ids) > 3 else 0
        if change < 2:
            ids.append(add(store, f"p{step}", [unit(step, look) for look in range(2)]))
        else:
            chosen = ids[rng.integers(len(ids))]
            with store.writing("main") as transaction:
                if change == 2:
                    transaction.rename(chosen, f"renamed {step}")
                else:
                    transaction.remove(chosen)
                    ids.remove(chosen)
        kept, fresh = refreshed(store, index), refreshed(store, ExactIndex(fuse))
        probes = unit("probe", step)[None]
        assert kept.search(probes, 99) == fresh.search(probes, 99)
        assert kept.people == len(ids)


def test_a_refresh_reads_only_what_changed(store):
    read = []
    index = ExactIndex(lambda templates: read.append(len(templates)) or fuse(templates))
    for number in range(5):
        add(store, f"p{number}", [unit(number)])
    refreshed(store, index)
    refreshed(store, index)
    assert len(read) == 5
    add(store, "new", [unit("new")])
    before = refreshed(store, index)
    assert len(read) == 6
    with store.writing("main") as transaction:
        transaction.remove(transaction.by_label("new")[0].person_id)
    assert refreshed(store, index).people == 5
    assert before.people == 6, "a search that runs keeps the view it began with"
