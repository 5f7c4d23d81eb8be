from __future__ import annotations

import pytest
from scipy.stats import binomtest

from mien.errors import InvalidArgument
from mien.metrics import estimate, is_supported, rule_of_three, wilson


@pytest.mark.parametrize(("errors", "trials"), [(0, 10), (1, 10), (10, 10), (37, 5000), (1, 7_000_000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilson_agrees_with_scipy(errors, trials, confidence):
    reference = binomtest(errors, trials).proportion_ci(confidence, method="wilson")
    assert wilson(errors, trials, confidence=confidence) == pytest.approx((reference.low, reference.high), abs=1e-12)


@pytest.mark.parametrize("trials", [1, 10, 3000])
def test_rule_of_three_is_the_exact_one_sided_bound(trials):
    reference = binomtest(0, trials, alternative="less").proportion_ci(0.95, method="exact").high
    assert rule_of_three(trials) == pytest.approx(reference)
    assert rule_of_three(trials) <= 3 / trials


@pytest.mark.parametrize(
    ("errors", "people", "supported"), [(30, None, True), (29, None, False), (900, 29, False), (30, 30, True)]
)
def test_a_figure_needs_thirty_errors_from_thirty_people(errors, people, supported):
    assert is_supported(errors, people) is supported


def test_estimate_without_errors_states_the_bound():
    rate = estimate(0, 3000)
    assert (rate.value, rate.low, rate.supported) == (0, 0, False)
    assert rate.high == rule_of_three(3000)
    assert str(rate) == "< 0.000998 (0 errors in 3000 trials: unsupported)"


def test_estimate_with_errors_states_the_interval():
    rate = estimate(40, 1000)
    assert (rate.low, rate.high) == wilson(40, 1000)
    assert str(rate) == "0.04 [0.0295, 0.054]"


@pytest.mark.parametrize(("errors", "trials"), [(0, 0), (3, 2), (-1, 5)])
def test_impossible_counts_are_refused(errors, trials):
    with pytest.raises(InvalidArgument, match="trial"):
        estimate(errors, trials)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_confidence_is_a_share(confidence):
    with pytest.raises(InvalidArgument, match="confidence"):
        wilson(1, 10, confidence=confidence)
    with pytest.raises(InvalidArgument, match="confidence"):
        rule_of_three(10, confidence=confidence)
