from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from mien.errors import InvalidArgument
from mien.metrics import (
    all_pairs,
    bootstrap_difference,
    bootstrap_fmr,
    bootstrap_fnmr_at_fmr,
    fnmr,
    fnmr_at_fmr,
    operating_point,
    pairs,
    rule_of_three,
    threshold_at_fmr,
)


def population(people: int, samples: int, *, noise: float = 0.7, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(people), samples)
    centres = rng.normal(size=(people, 8))
    # People differ in how much their photos vary, so that errors cluster by person.
    spread = noise * rng.uniform(0.3, 1.7, people)
    rows = centres[subjects] + spread[subjects, None] * rng.normal(size=(len(subjects), 8))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), subjects


def replay(rows: np.ndarray, subjects: np.ndarray, target: float, replicates: int, seed: int) -> np.ndarray:
    """The same draws of people, written out pair by pair."""
    people = subjects.max() + 1
    rates = []
    for drawn in np.random.default_rng(seed).multinomial(people, np.full(people, 1 / people), replicates):
        mated, other = [], []
        for i, j in itertools.combinations(range(len(rows)), 2):
            score = rows[i] @ rows[j]
            if subjects[i] == subjects[j]:
                mated += [score] * drawn[subjects[i]]
            else:
                other += [score] * (drawn[subjects[i]] * drawn[subjects[j]])
        rates.append(fnmr_at_fmr(np.array(mated), np.array(other), target))
    return np.array(rates)


@pytest.mark.parametrize("target", [0.0, 0.02, 0.3, 0.999])
def test_intervals_are_those_of_pairs_written_out(target):
    rows, subjects = population(9, 3)
    scores = all_pairs(rows.astype(float), subjects)
    rate = bootstrap_fnmr_at_fmr(scores, target, weigh="comparison", replicates=41, seed=5)
    reference = replay(rows.astype(float), subjects, target, 41, 5)
    expected = np.quantile(reference, [0.025, 0.975], method="inverted_cdf")
    assert rate.low == expected[0]
    assert rate.high == expected[1] or (rate.errors == 0 and rate.high >= expected[1])


def test_a_person_with_many_samples_does_not_stand_for_everybody():
    rows, subjects = population(30, 4)
    scarce = (subjects == 0) | (np.arange(len(subjects)) % 4 < 2)
    found = all_pairs(rows[scarce].astype(float), subjects[scarce])
    threshold = operating_point(found, 0.05, replicates=10).threshold
    missed = [np.mean(found.mated[found.mated_subjects == person] < threshold) for person in range(30)]
    people = operating_point(found, 0.05, weigh="person", replicates=200).fnmr
    comparisons = operating_point(found, 0.05, weigh="comparison", replicates=200).fnmr
    assert people.value == pytest.approx(np.mean(missed), abs=1e-12)
    assert comparisons.value == np.mean(found.mated < threshold)
    assert people.value != comparisons.value
    assert people.low < people.value < people.high


def test_a_kept_tail_gives_the_intervals_of_all_scores(monkeypatch):
    rows, subjects = population(60, 3)
    everything = all_pairs(rows, subjects, reach=1)
    monkeypatch.setattr(pairs, "_ALWAYS_KEPT", 10)
    top = all_pairs(rows, subjects, reach=0.1)
    assert not top.complete
    assert operating_point(top, 0.02, replicates=200) == operating_point(everything, 0.02, replicates=200)
    with pytest.raises(InvalidArgument, match="raise `reach`"):
        operating_point(top, 0.095, replicates=200)
    with pytest.raises(InvalidArgument, match="raise `reach`"):
        bootstrap_fmr(top, -1.0)


def test_an_operating_point_states_what_was_measured():
    rows, subjects = population(60, 3)
    found = all_pairs(rows, subjects)
    point = operating_point(found, 0.02, replicates=300)
    assert point.threshold == threshold_at_fmr(found.tail, 0.02)
    assert point.fmr.value <= 0.02
    assert point.fmr.errors == int(point.fmr.value * point.fmr.trials + 0.5)
    assert point.fmr.supported
    assert point.fmr.low < 0.02 < point.fmr.high
    assert point.threshold_interval[0] < point.threshold < point.threshold_interval[1]
    assert point.fnmr.value == pytest.approx(fnmr_at_fmr(found.mated, found.tail, 0.02), abs=1e-12)
    assert point.fnmr.low < point.fnmr.value < point.fnmr.high


def test_a_rate_the_data_cannot_support_is_bounded_by_the_last_they_can():
    rows, subjects = population(60, 3)
    found = all_pairs(rows, subjects)
    rate = operating_point(found, 1e-4).fmr
    assert (rate.supported, rate.low) == (False, 0)
    supported = bootstrap_fmr(found, float(found.tail[200]))
    assert supported.supported
    assert rate.value < rate.high < supported.high


def test_without_thirty_people_the_bound_counts_people_not_pairs():
    rows, subjects = population(10, 8, noise=0.05)
    found = all_pairs(rows, subjects)
    point = operating_point(found, 0.0)
    assert not point.fmr.supported
    assert point.fmr.high == rule_of_three(5)
    assert (point.fnmr.errors, point.fnmr.supported) == (0, False)
    assert point.fnmr.high == rule_of_three(10)


def test_the_difference_is_paired():
    rows, subjects = population(80, 3)
    worse = rows + np.random.default_rng(1).normal(scale=0.15, size=rows.shape).astype(np.float32)
    worse /= np.linalg.norm(worse, axis=1, keepdims=True)
    first, second = all_pairs(rows, subjects), all_pairs(worse, subjects)
    same = bootstrap_difference(first, first, 0.01)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    difference = bootstrap_difference(first, second, 0.01)
    rates = [bootstrap_fnmr_at_fmr(system, 0.01) for system in (first, second)]
    assert difference.value == rates[1].value - rates[0].value
    assert difference.low > 0
    assert difference.high - difference.low < max(rate.high - rate.low for rate in rates)
    reverse = bootstrap_difference(second, first, 0.01)
    assert reverse.high < 0


def test_a_threshold_may_be_carried_over_to_the_second_system():
    rows, subjects = population(80, 3)
    first, lower = all_pairs(rows, subjects), all_pairs(rows * np.float32(0.9), subjects)
    # Scores that all fall alike lose nothing at a threshold of their own, and something at the old one.
    assert bootstrap_difference(first, lower, 0.01).value == 0
    difference = bootstrap_difference(first, lower, 0.01, carried=True)
    threshold = threshold_at_fmr(first.tail, 0.01, total=first.non_mated_total)
    shares = [fnmr(pairs.mated, threshold) for pairs in (first, lower)]
    assert difference.value == pytest.approx(shares[1] - shares[0])
    assert 0 < difference.low < difference.value < difference.high


def test_increasing_maps_and_names_of_people_change_no_interval():
    rows, subjects = population(40, 3)
    named = np.array([f"person {subject:03}" for subject in subjects])
    assert bootstrap_fnmr_at_fmr(all_pairs(rows, subjects), 0.05) == bootstrap_fnmr_at_fmr(all_pairs(rows, named), 0.05)
    shrunk = all_pairs(rows * np.float32(0.5), subjects)
    assert bootstrap_fnmr_at_fmr(shrunk, 0.05) == bootstrap_fnmr_at_fmr(all_pairs(rows, subjects), 0.05)


def test_intervals_cover_the_rate_of_the_population():
    # Also that it is people who are drawn: an interval over independent comparisons covers a third of the time here.
    truth = all_pairs(*population(500, 3, seed=99), reach=1)
    threshold = threshold_at_fmr(truth.tail, 0.03)
    covered = Counter()
    for seed in range(50):
        sample = all_pairs(*population(60, 3, seed=seed))
        rate = bootstrap_fmr(sample, threshold, replicates=200)
        covered["fmr"] += rate.low <= 0.03 <= rate.high
        rate = bootstrap_fnmr_at_fmr(sample, 0.03, replicates=200)
        covered["fnmr"] += rate.low <= fnmr_at_fmr(truth.mated, truth.tail, 0.03) <= rate.high
    assert covered["fmr"] >= 44
    assert covered["fnmr"] >= 44


@pytest.mark.parametrize(
    "rows_and_subjects",
    [(2, [0, 0]), (2, [0, 1]), (1, [0])],
    ids=["nobody else", "nobody twice", "one sample"],
)
def test_data_that_can_say_nothing_are_refused(rows_and_subjects):
    count, subjects = rows_and_subjects
    with pytest.raises(InvalidArgument):
        operating_point(all_pairs(np.eye(2, dtype=np.float32)[:count], subjects), 0.1)


def test_other_samples_and_no_replicates_are_refused():
    first, second = all_pairs(*population(10, 3)), all_pairs(*population(10, 4))
    with pytest.raises(InvalidArgument, match="same samples"):
        bootstrap_difference(first, second, 0.1)
    with pytest.raises(InvalidArgument, match="replicates"):
        operating_point(first, 0.1, replicates=0)
