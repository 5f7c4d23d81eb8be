from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from mien.errors import InvalidArgument
from mien.metrics import (
    PairScores,
    all_pairs,
    cross_pairs,
    estimate_fmr,
    estimate_fnmr,
    predict_fmr,
    rule_of_three,
    scored_pairs,
)


def scores_of_people(rng: np.random.Generator, people: int, effect: float) -> PairScores:
    """Synthetic: the score of two samples is the sum of what both people bring and of noise, of variance 1 in all."""
    own = rng.normal(size=people) * effect
    noise = np.triu(rng.normal(size=(people, people)), 1) * np.sqrt(1 - 2 * effect**2)
    return scored_pairs(own[:, None] + own + noise + noise.T, np.arange(people), reach=0.2)


@pytest.mark.parametrize("effect", [0.0, 0.3])
def test_the_interval_covers_the_true_rate_as_often_as_it_says(effect):
    rng = np.random.default_rng(int(10 * effect))
    rate = 0.01
    threshold = stats.norm.isf(rate)
    found = [estimate_fmr(scores_of_people(rng, 150, effect), threshold) for _ in range(400)]
    assert all(one.supported for one in found)
    covered = np.mean([one.low <= rate <= one.high for one in found])
    assert stats.binom.cdf(covered * 400, 400, 0.93) > 0.001
    assert stats.binom.sf(covered * 400 - 1, 400, 0.98) > 0.001


def test_the_prediction_covers_what_other_people_measure():
    rng = np.random.default_rng(3)
    threshold = stats.norm.isf(0.01)
    hits = []
    for _ in range(300):
        here, there = (scores_of_people(rng, people, 0.3) for people in (150, 100))
        low, high = predict_fmr(here, threshold, people=100)
        hits.append(low <= estimate_fmr(there, threshold).value <= high)
    assert 0.92 <= np.mean(hits) <= 0.99


def dyadic(rows: np.ndarray, threshold: float, mine: np.ndarray, theirs: np.ndarray | None) -> float:
    """Variance of the false match rate as the sum over all pairs of comparisons that share a person, written out."""
    same = mine if theirs is None else theirs
    cells = [
        (i, j)
        for i, j in itertools.product(range(len(mine)), range(len(same)))
        if mine[i] != same[j] and (theirs is not None or i < j)
    ]
    residual = np.array([rows[i, j] >= threshold for i, j in cells], float)
    residual -= residual.mean()
    people = [{mine[i], same[j]} for i, j in cells]
    linked = np.array([[bool(one & other) for other in people] for one in people])
    return float(residual @ linked @ residual) / len(cells) ** 2


@pytest.mark.parametrize("crossed", [False, True])
def test_the_variance_is_that_of_comparisons_which_share_a_person(crossed, monkeypatch):
    rng = np.random.default_rng(5)
    mine, theirs = np.repeat(np.arange(9), [3, 1, 2, 2, 1, 3, 1, 2, 1]), np.array([0, 1, 1, 2, 4, 7, 8, 9, 3, 10])
    own = rng.normal(size=11) * 0.6
    # Every pair of people has something of its own, so that its comparisons vary together.
    alike = np.triu(rng.normal(size=(11, 11)), 1)
    alike += own[:, None] + own + alike.T
    if crossed:
        rows = alike[np.ix_(mine, theirs)] + 0.3 * rng.normal(size=(len(mine), len(theirs)))
        pairs = scored_pairs(rows, mine, theirs)
    else:
        half = 0.3 * np.triu(rng.normal(size=(len(mine), len(mine))), 1)
        rows = alike[np.ix_(mine, mine)] + half + half.T
        pairs = scored_pairs(rows, mine)
    from mien.metrics import dyadic as module

    errors = int(np.count_nonzero(pairs.tail >= 1.2))
    spread = module._spread(pairs, errors)
    active = len(np.unique(np.concatenate([mine, theirs]))) if crossed else 9
    reference = dyadic(rows, 1.2, mine, theirs if crossed else None)
    # The reference lacks the correction for the mean being estimated from the same people.
    by_pair = spread.pairs
    from_people = (spread.people + 2 * by_pair) * (active - 1) / active - 2 * by_pair
    assert from_people + by_pair == pytest.approx(reference, rel=1e-9)


def test_too_few_errors_give_a_bound_and_say_so():
    pairs = scores_of_people(np.random.default_rng(0), 60, 0.2)
    rate = estimate_fmr(pairs, stats.norm.isf(0.003))
    assert not rate.supported
    assert rate.low == 0
    assert rate.high > rate.value
    none = estimate_fmr(pairs, np.inf)
    assert (none.errors, none.value, none.low) == (0, 0.0, 0.0)
    assert none.high <= rule_of_three(30)
    assert predict_fmr(pairs, np.inf, people=30)[1] > none.high > 0


def test_bounds_of_a_handful_rest_on_people_not_on_comparisons():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(40, 16))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rate = estimate_fmr(all_pairs(rows, np.repeat([0, 1, 2, 3], 10)), 2.0)
    assert rate.trials == 600
    assert rate.high >= rule_of_three(2)


def test_mated_comparisons_weigh_one_per_person_unless_told_otherwise():
    rows = np.eye(8)
    subjects = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    scores = np.full((8, 8), -1.0)
    scores[:4, :4] = 1.0
    pairs = scored_pairs(scores, subjects)
    assert len(rows) == 8
    people, comparisons = (estimate_fnmr(pairs, 0.0, weigh=weigh) for weigh in ("person", "comparison"))
    assert people.value == pytest.approx(2 / 3)
    assert comparisons.value == pytest.approx(2 / 8)
    assert (people.errors, people.trials, people.people, people.supported) == (2, 8, 2, False)
    assert 0 <= people.low < people.value < people.high <= 1
    assert estimate_fnmr(pairs, -2.0).high == rule_of_three(3)
    assert estimate_fnmr(pairs, 2.0).value == 1
    assert estimate_fnmr(pairs, 2.0).high == 1


def test_with_one_comparison_each_it_is_close_to_wilsons():
    rng = np.random.default_rng(2)
    subjects = np.repeat(np.arange(400), 2)
    scores = np.full((800, 800), -1.0)
    scores[np.arange(0, 800, 2), np.arange(1, 800, 2)] = np.where(rng.random(400) < 0.2, 0.0, 1.0)
    pairs = scored_pairs(scores, subjects)
    rate = estimate_fnmr(pairs, 0.5)
    expected = stats.binomtest(rate.errors, 400).proportion_ci(method="wilson")
    assert rate.low == pytest.approx(expected.low, rel=0.02)
    assert rate.high == pytest.approx(expected.high, rel=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda pairs: estimate_fnmr(pairs, 0.5, weigh="image"), "weigh: expected one of person, comparison"),
        (lambda pairs: predict_fmr(pairs, 0.5, people=1), "people: expected two at least"),
        (lambda pairs: estimate_fmr(pairs, 0.0, confidence=1.5), "confidence"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    pairs = scores_of_people(np.random.default_rng(0), 60, 0.2)
    with pytest.raises(InvalidArgument, match=message):
        call(pairs)


def test_nothing_to_compare_is_refused():
    rows = np.eye(3)
    with pytest.raises(InvalidArgument, match="mated scores"):
        estimate_fnmr(all_pairs(rows, [0, 1, 2]), 0.5)
    with pytest.raises(InvalidArgument, match="non-mated scores"):
        estimate_fmr(cross_pairs(rows, [0, 0, 0], rows, [0, 0, 0]), 0.5)
