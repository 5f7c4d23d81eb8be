from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from mien.errors import InvalidArgument
from mien.metrics import all_pairs, allowed_errors, fmr, fnmr, fnmr_at_fmr, lowest_supported_fmr, threshold_at_fmr


@pytest.fixture
def scores() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.normal(1.5, 1, 700).round(2), rng.normal(0, 1, 3000).round(2)


def test_rates_agree_with_scikit_learn_at_every_threshold(scores):
    mated, non_mated = scores
    truth = np.r_[np.ones(len(mated)), np.zeros(len(non_mated))]
    false, true, thresholds = roc_curve(truth, np.r_[mated, non_mated], drop_intermediate=False)
    np.testing.assert_allclose(fmr(non_mated, thresholds), false, atol=1e-12)
    np.testing.assert_allclose(fnmr(mated, thresholds), 1 - true, atol=1e-12)


def test_hand_worked_table():
    mated, non_mated = [-math.inf, 0.4, 0.6, 0.8], [0.1, 0.2, 0.5, 0.5, 0.7]
    for threshold, false_match, false_non_match in [
        (0.5, 3 / 5, 2 / 4),  # a score at the threshold matches
        (np.nextafter(0.5, 1), 1 / 5, 2 / 4),
        (0.7, 1 / 5, 3 / 4),
        (2.0, 0.0, 1.0),
        (-2.0, 1.0, 1 / 4),  # the missed face is missed at any threshold
    ]:
        assert fmr(non_mated, threshold) == false_match
        assert fnmr(mated, threshold) == false_non_match


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", [0.0, 1e-3, 0.01, 0.29, 0.3, 0.999])
def test_threshold_is_the_lowest_number_that_keeps_the_target(scores, dtype, target):
    non_mated = scores[1].astype(dtype)
    threshold = threshold_at_fmr(non_mated, target)
    assert dtype(threshold) == threshold
    assert fmr(non_mated, threshold) <= target
    assert fmr(non_mated, np.nextafter(dtype(threshold), dtype(-np.inf))) > target


def test_ties_at_the_threshold_all_match_or_none():
    non_mated = np.array([0.9, 0.5, 0.5, 0.5, 0.1], np.float32)
    assert threshold_at_fmr(non_mated, 0.4) == np.nextafter(np.float32(0.5), np.float32(1))
    assert threshold_at_fmr(non_mated, 0.8) == np.nextafter(np.float32(0.1), np.float32(1))
    assert threshold_at_fmr(non_mated, 1.0) == -math.inf


def test_closest_rule_may_exceed_the_target_where_that_is_nearer():
    non_mated = [0.9, 0.5, 0.5, 0.1, 0.1]
    assert threshold_at_fmr(non_mated, 0.5, rule="closest") == 0.5
    assert threshold_at_fmr(non_mated, 0.3, rule="closest") == np.nextafter(0.5, 1)


def test_threshold_falls_as_the_target_rises_and_fnmr_with_it(scores):
    mated, non_mated = scores
    targets = np.linspace(0, 1, 41)
    thresholds = [threshold_at_fmr(non_mated, target) for target in targets]
    rates = [fnmr_at_fmr(mated, non_mated, target) for target in targets]
    assert all(a >= b for a, b in itertools.pairwise(thresholds))
    assert all(a >= b for a, b in itertools.pairwise(rates))


def test_increasing_maps_of_the_scores_change_no_rate(scores):
    mated, non_mated = scores
    for target in (0.001, 0.01, 0.2):
        assert fnmr_at_fmr(mated, non_mated, target) == fnmr_at_fmr(np.exp(mated), np.exp(non_mated), target)


def test_the_top_of_the_scores_with_their_total_gives_the_same_answers(scores):
    non_mated = scores[1]
    top = np.sort(non_mated)[-500:]
    threshold = threshold_at_fmr(top, 0.1, total=len(non_mated))
    assert threshold == threshold_at_fmr(non_mated, 0.1)
    assert fmr(top, threshold, total=len(non_mated)) == fmr(non_mated, threshold)
    with pytest.raises(InvalidArgument, match="500 scores were kept"):
        threshold_at_fmr(top, 0.5, total=len(non_mated))
    with pytest.raises(InvalidArgument, match="below"):
        fmr(top, top[0] - 1, total=len(non_mated))


@pytest.mark.parametrize(
    ("target", "total", "errors"),
    [(0.29, 100, 29), (0.1, 30, 3), (0.3, 10, 3), (1e-4, 7_259_955, 725), (0.0, 5, 0), (1.0, 5, 5), (0.5, 0, 0)],
)
def test_allowed_errors_are_exact(target, total, errors):
    assert allowed_errors(target, total) == errors


@pytest.mark.parametrize("scores", [[], [[1.0]], [math.nan], [math.inf, 0.0]], ids=["none", "table", "nan", "inf"])
def test_what_is_no_row_of_scores_is_refused(scores):
    for refuse in (fmr, fnmr):
        with pytest.raises(InvalidArgument):
            refuse(scores, 0.5)
    with pytest.raises(InvalidArgument):
        threshold_at_fmr(scores, 0.5)


@pytest.mark.parametrize("target", [-0.1, 1.1, math.nan])
def test_a_target_is_a_rate(target):
    with pytest.raises(InvalidArgument, match="target"):
        threshold_at_fmr([0.1, 0.2], target)


def test_unknown_rule_and_impossible_total_are_refused():
    with pytest.raises(InvalidArgument, match="rule"):
        threshold_at_fmr([0.1], 0.5, rule="nearest")
    with pytest.raises(InvalidArgument, match="total"):
        fmr([0.1, 0.2], 0.5, total=1)


def test_lowest_supported_rate_asks_for_thirty_errors_from_thirty_people():
    # Each sample is nearest to its partner: the first pairs bring two new people each, so 30 errors come first.
    angles = np.repeat(np.arange(40.0), 2) + np.tile([0.0, 1e-3], 40) * np.repeat(np.arange(1.0, 41), 2)
    ring = np.stack([np.cos(angles / 40), np.sin(angles / 40)], axis=1)
    pairs = all_pairs(ring, np.arange(80))
    assert lowest_supported_fmr(pairs) == 30 / (80 * 79 / 2)
    # One person who looks like everybody: 30 errors, yet fewer than 30 people until the 29th.
    assert lowest_supported_fmr(all_pairs(ring[:20], np.arange(20))) == 1.0


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: fmr([0.1, 0.2], np.nan), id="fmr"),
        pytest.param(lambda: fnmr([0.1, 0.2], [0.1, np.nan]), id="fnmr"),
        pytest.param(lambda: fnmr([0.1, 0.2], "high"), id="no number"),
    ],
)
def test_a_threshold_that_is_no_number_is_refused(call):
    """Every score compares false with NaN: the rates would be perfect."""
    with pytest.raises(InvalidArgument, match="threshold: expected a number"):
        call()
