import itertools

import numpy as np
import pytest

from mien.evaluation.worst import Mistake, least_alike, mated_rows, most_alike


@pytest.fixture
def samples():
    rng = np.random.default_rng(2)
    templates = rng.normal(size=(60, 8)).astype(np.float32)
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    return templates, rng.integers(0, 15, 60), np.arange(60) % 11 == 3


def test_every_two_samples_of_a_person_once(samples):
    _, people, _ = samples
    wanted = {(i, j) for i, j in itertools.combinations(range(60), 2) if people[i] == people[j]}
    assert {tuple(sorted(pair)) for pair in mated_rows(people).tolist()} == wanted
    assert len(mated_rows(people)) == len(wanted)
    assert mated_rows(np.arange(3)).shape == (0, 2)


@pytest.mark.parametrize("block", [1 << 22, 500], ids=["one block", "several blocks"])
def test_the_worst_are_those_of_the_whole_table(samples, block, monkeypatch):
    monkeypatch.setattr("mien.evaluation.worst._BLOCK", block)
    templates, people, failed = samples
    scores = templates @ templates.T
    usable = [(i, j) for i, j in itertools.combinations(range(60), 2) if not failed[[i, j]].any()]
    other = sorted((scores[i, j] for i, j in usable if people[i] != people[j]), reverse=True)[:5]
    same = sorted(scores[i, j] for i, j in usable if people[i] == people[j])[:5]
    found = most_alike(templates, people, failed, 5)
    assert [one.score for one in found] == pytest.approx(other, abs=1e-6)
    assert [one.score for one in least_alike(templates, people, failed, 5)] == pytest.approx(same, abs=1e-6)
    for one in found:
        assert people[one.first] != people[one.second]


def test_fewer_than_asked_for():
    templates = np.eye(3, dtype=np.float32)
    found = most_alike(templates, np.array([0, 1, 1]), np.zeros(3, bool), 10)
    assert {(one.first, one.second) for one in found} == {(0, 1), (0, 2)}
    assert least_alike(templates, np.array([0, 1, 1]), np.zeros(3, bool), 10) == (Mistake(1, 2, 0.0),)
