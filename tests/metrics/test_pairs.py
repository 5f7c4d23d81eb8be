from __future__ import annotations

import itertools

import numpy as np
import pytest

from mien.errors import InvalidArgument
from mien.metrics import all_pairs, cross_pairs, pairs, scored_pairs


def templates(n: int, dtype: type = np.float32, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, 16))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(dtype)


SUBJECTS = np.array(["ada", "bob", "ada", "cy", "ada", "cy", "dee", "eve", "bob"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("block", [1, 20, 1 << 22])
def test_all_pairs_are_those_of_a_double_loop(monkeypatch, dtype, block):
    monkeypatch.setattr(pairs, "_BLOCK", block)
    rows, failed = templates(9, dtype), np.arange(9) == 4
    names = np.unique(SUBJECTS)
    mated, other = [], []
    for i, j in itertools.combinations(range(9), 2):
        score = -np.inf if failed[i] or failed[j] else float(rows[i] @ rows[j])
        if SUBJECTS[i] == SUBJECTS[j]:
            mated.append((score, SUBJECTS[i]))
        else:
            other.append((score, *sorted((SUBJECTS[i], SUBJECTS[j]))))
    found = all_pairs(rows, SUBJECTS, failed=failed)
    assert found.mated.dtype == found.tail.dtype == dtype
    assert found.complete
    assert found.non_mated_total == len(other)
    np.testing.assert_allclose(found.mated, sorted(score for score, _ in mated), rtol=1e-5)
    np.testing.assert_allclose(found.tail, sorted((score for score, *_ in other), reverse=True), rtol=1e-5)
    finite = np.isfinite(found.tail)
    expected = [who for score, *who in sorted(other, reverse=True) if np.isfinite(score)]
    assert [sorted(names[pair]) for pair in found.tail_subjects[finite]] == expected
    assert sorted(names[found.mated_subjects]) == sorted(who for _, who in mated)


def test_a_failed_sample_counts_whatever_its_row_holds():
    rows = templates(4)
    rows[1] = np.nan
    found = all_pairs(rows, [0, 0, 1, 1], failed=np.array([False, True, False, False]))
    assert found.mated[0] == -np.inf
    assert np.isneginf(found.tail).sum() == 2
    with pytest.raises(InvalidArgument, match="failed"):
        all_pairs(rows, [0, 0, 1, 1])


def test_the_tail_is_the_top_of_all_scores(monkeypatch):
    rows, subjects = templates(120), np.arange(120) // 3
    everything = all_pairs(rows, subjects, reach=1)
    monkeypatch.setattr(pairs, "_ALWAYS_KEPT", 10)
    monkeypatch.setattr(pairs, "_BLOCK", 300)
    top = all_pairs(rows, subjects, reach=0.05)
    assert top.non_mated_total == len(everything.tail)
    assert len(top.tail) == int(np.ceil(0.05 * top.non_mated_total))
    assert not top.complete
    np.testing.assert_allclose(top.tail, everything.tail[: len(top.tail)], rtol=1e-5)
    np.testing.assert_allclose(top.mated, everything.mated, rtol=1e-5)


def test_cross_pairs_are_those_of_a_double_loop():
    probes, references = templates(6, seed=1), templates(4, seed=2)
    ours, theirs = np.array([0, 1, 1, 2, 5, 5]), np.array([0, 1, 2, 3])
    table = probes @ references.T
    same = ours[:, None] == theirs[None]
    found = cross_pairs(probes, ours, references, theirs, failed=np.arange(6) == 0)
    np.testing.assert_allclose(found.mated, np.sort(np.r_[-np.inf, table[1:][same[1:]]]), rtol=1e-5)
    np.testing.assert_allclose(found.tail[:-3], np.sort(table[1:][~same[1:]])[::-1], rtol=1e-5)
    assert np.isneginf(found.tail[-3:]).all()
    assert found.non_mated_total == 24 - 4


@pytest.mark.parametrize("symmetric", [True, False])
def test_weighted_totals_are_those_of_the_weighted_pairs(symmetric):
    rows = templates(30)
    subjects = np.arange(30) % 7
    found = all_pairs(rows, subjects) if symmetric else cross_pairs(rows[:20], subjects[:20], rows[20:], subjects[20:])
    weights = np.random.default_rng(0).integers(0, 4, (50, 7))
    first, second = found.tail_subjects.T
    np.testing.assert_array_equal(found.non_mated_totals(weights), (weights[:, first] * weights[:, second]).sum(axis=1))
    np.testing.assert_array_equal(found.mated_totals(weights), weights[:, found.mated_subjects].sum(axis=1))


@pytest.mark.parametrize(
    "call",
    [
        lambda: all_pairs(templates(3), [0, 1]),
        lambda: all_pairs(templates(3)[0], [0]),
        lambda: all_pairs(np.ones((3, 2), int), [0, 1, 1]),
        lambda: all_pairs(templates(3), [0, 1, 1], failed=np.zeros(2, bool)),
        lambda: all_pairs(templates(3), [0, 1, 1], reach=0),
        lambda: cross_pairs(templates(3), [0, 1], templates(2), [0, 1, 2]),
        lambda: cross_pairs(templates(3), [0, 1, 2], templates(2)[:, :8], [0, 1]),
        lambda: all_pairs(np.empty((0, 4), np.float32), []),
    ],
    ids=["subjects", "a row", "integers", "failed", "reach", "sides", "dimensions", "empty"],
)
def test_columns_that_do_not_belong_together_are_refused(call):
    with pytest.raises(InvalidArgument):
        call()


@pytest.mark.parametrize("symmetric", [True, False])
def test_scores_given_are_those_of_their_templates(symmetric):
    rows, subjects = templates(30), np.arange(30) // 4
    if symmetric:
        expected, found = all_pairs(rows, subjects), scored_pairs(rows @ rows.T, subjects)
    else:
        left, right = slice(0, 12), slice(12, 30)
        expected = cross_pairs(rows[left], subjects[left], rows[right], subjects[right])
        found = scored_pairs(rows[left] @ rows[right].T, subjects[left], subjects[right])
    for name in ("mated", "mated_subjects", "tail"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-5)
    assert found.non_mated_total == expected.non_mated_total == len(found.tail)
    weights = np.random.default_rng(1).integers(0, 3, (5, expected.subjects))
    np.testing.assert_array_equal(found.non_mated_totals(weights), expected.non_mated_totals(weights))
    np.testing.assert_array_equal(found.mated_totals(weights), expected.mated_totals(weights))


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.zeros((2, 2)), "expected \\(3, 3\\)"),
        (np.zeros((3, 3), int), "int64"),
        (np.full((3, 3), np.nan), "not a number"),
    ],
)
def test_scores_that_cannot_be_compared(scores, message):
    with pytest.raises(InvalidArgument, match=message):
        scored_pairs(scores, [0, 0, 1])
