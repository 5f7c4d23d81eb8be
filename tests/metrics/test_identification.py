from __future__ import annotations

import math

import numpy as np
import pytest

from mien.errors import InvalidArgument
from mien.metrics import cmc, detection_and_identification_rate, fnir, fpir, mate_ranks, threshold_at_fpir

SCORES = np.array(
    [
        [0.9, 0.1, 0.2],
        [0.5, 0.5, 0.1],  # a tie counts against the system
        [0.3, 0.2, 0.1],
        [-math.inf, -math.inf, -math.inf],  # a missed face
    ],
    np.float32,
)
MATES = [0, 0, 2, 1]


def test_ranks_of_a_hand_worked_table():
    assert mate_ranks(SCORES, MATES).tolist() == [1, 2, 3, 3]


def test_a_matcher_that_says_the_same_of_everybody_wins_nothing():
    assert mate_ranks(np.ones((5, 10)), np.arange(5)).tolist() == [10] * 5


def test_cmc_of_a_hand_worked_table_grows_to_one():
    assert cmc(np.array([1, 2, 3, 3])).tolist() == [0.25, 0.5, 1.0]
    assert cmc(np.array([1, 2, 3, 3]), length=2).tolist() == [0.25, 0.5]


@pytest.mark.parametrize(
    ("threshold", "candidates", "rate"),
    [(0.0, 1, 0.75), (0.0, 3, 0.25), (0.5, 3, 0.5), (-math.inf, 3, 0.25), (1.0, 3, 1.0)],
)
def test_fnir_of_a_hand_worked_table(threshold, candidates, rate):
    own = SCORES[np.arange(4), MATES]
    assert fnir(own, mate_ranks(SCORES, MATES), threshold, candidates=candidates) == rate


def test_fpir_keeps_its_target():
    best = np.random.default_rng(0).normal(size=250)
    for target in (0.0, 0.004, 0.01, 0.5):
        threshold = threshold_at_fpir(best, target)
        assert fpir(best, threshold) <= target < fpir(best, np.nextafter(threshold, -1e9))


@pytest.mark.parametrize(
    ("scores", "mates"),
    [(np.ones((2, 3)), [0]), (np.ones(3), [0]), (np.ones((1, 3)), [3]), (np.full((1, 3), np.nan), [0])],
    ids=["one mate short", "a row", "outside the gallery", "nan"],
)
def test_what_is_no_search_is_refused(scores, mates):
    with pytest.raises(InvalidArgument):
        mate_ranks(scores, mates)


def test_empty_and_unequal_columns_are_refused():
    with pytest.raises(InvalidArgument):
        cmc(np.array([], int))
    with pytest.raises(InvalidArgument):
        fnir([0.1, 0.2], np.array([1]), 0.0)


@pytest.mark.parametrize("threshold", [-math.inf, 0.4, 0.95])
def test_detection_and_identification_is_what_is_not_missed(threshold):
    mates = np.take_along_axis(SCORES, np.array(MATES)[:, None], axis=1)[:, 0]
    ranks = mate_ranks(SCORES, MATES)
    rate = detection_and_identification_rate(mates, ranks, threshold)
    assert rate == np.mean([(s >= threshold) and r == 1 and np.isfinite(s) for s, r in zip(mates, ranks, strict=True)])
    if threshold == -math.inf:
        assert rate == cmc(ranks)[0]
