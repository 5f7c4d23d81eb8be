import math

import numpy as np
import pytest

from mien.errors import InvalidArgument
from mien.metrics import (
    all_pairs,
    estimate_fmr,
    estimate_fnmr,
    exceeding,
    fdr,
    garbe,
    group_rates,
    ratio_to_geometric_mean,
    ratio_to_lowest,
)


@pytest.fixture(scope="module")
def population():
    """Synthetic: the people of group b lie closer to one another than those of group a."""
    rng = np.random.default_rng(3)
    means = rng.normal(size=(120, 12))
    means[60:, 0] += 3
    people = np.repeat(np.arange(120), 2)
    templates = means[people] + 0.5 * rng.normal(size=(240, 12))
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    return templates, people, ["a"] * 60 + ["b"] * 60


def test_each_group_is_as_if_it_were_alone(population):
    templates, people, labels = population
    pairs = all_pairs(templates, people, reach=1)
    found = group_rates(pairs, labels, 0.6)
    for one, chosen in zip(found, (people < 60, people >= 60), strict=True):
        alone = all_pairs(templates[chosen], people[chosen], reach=1)
        assert one.people == 60
        assert one.fmr == estimate_fmr(alone, 0.6)
        assert one.fnmr == estimate_fnmr(alone, 0.6)


def test_a_tail_is_enough_as_long_as_the_threshold_lies_in_it(population, monkeypatch):
    templates, people, labels = population
    whole = group_rates(all_pairs(templates, people, reach=1), labels, 0.75)
    monkeypatch.setattr("mien.metrics.pairs._ALWAYS_KEPT", 100)
    short = all_pairs(templates, people, reach=0.05)
    assert group_rates(short, labels, 0.75) == whole
    # All of group a's scores that were kept may be matches; that is no reason to refuse.
    edge = float(short.tail[-1])
    assert group_rates(short, labels, np.nextafter(edge, 1))
    with pytest.raises(InvalidArgument, match="below the"):
        group_rates(short, labels, edge)


def test_who_exceeds_the_stated_rate(population):
    templates, people, labels = population
    found = group_rates(all_pairs(templates, people, reach=1), labels, 0.6)
    assert found[1].fmr.low > found[0].fmr.high
    between = (found[1].fmr.low + found[0].fmr.high) / 2
    assert [one.group for one in exceeding(found, between)] == ["b"]
    assert exceeding(found, 1.0) == ()


def test_small_groups_are_carried_as_what_they_are(population):
    templates, people, _ = population
    labels = ["one", "few", "few", *[None] * 117]
    few, one = group_rates(all_pairs(templates, people, reach=1), labels, 0.6)
    assert (one.people, one.fmr) == (1, None)
    assert few.people == 2
    assert not few.fmr.supported


def test_hand_worked():
    assert ratio_to_lowest([0.02, 0.01, 0.04]) == 4
    assert ratio_to_geometric_mean([0.01, 0.04]) == pytest.approx(2)
    # Differences 0.02 over both orders, mean 0.02: Gini 1/4, times 2.
    assert garbe([0.01, 0.03], [0.1, 0.1], alpha=1) == pytest.approx(0.5)
    assert garbe([0.01, 0.03], [0.1, 0.1], alpha=0.5) == pytest.approx(0.25)
    assert garbe([0, 0, 0.1], [0, 0, 0], alpha=1) == pytest.approx(1)
    assert fdr([0.01, 0.03], [0.1, 0.2], alpha=0.5) == pytest.approx(1 - 0.5 * 0.02 - 0.5 * 0.1)


def test_groups_that_fare_alike():
    same = [0.02] * 4
    assert (ratio_to_lowest(same), garbe(same, same), fdr(same, same)) == (1, 0, 1)
    assert ratio_to_geometric_mean(same) == pytest.approx(1)
    assert ratio_to_lowest([0, 0]) == ratio_to_geometric_mean([0, 0]) == 1
    assert ratio_to_lowest([0, 0.1]) == ratio_to_geometric_mean([0, 0.1]) == math.inf


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: ratio_to_lowest([]), id="no group"),
        pytest.param(lambda: exceeding((), np.nan), id="no stated rate"),
        pytest.param(lambda: group_rates(all_pairs(np.eye(3), [0, 1, 2]), ["a"] * 3, np.nan), id="no threshold"),
        pytest.param(lambda: ratio_to_lowest([1.5]), id="no rate"),
        pytest.param(lambda: ratio_to_geometric_mean([np.nan]), id="nan"),
        pytest.param(lambda: garbe([0.1], [0.1]), id="one group"),
        pytest.param(lambda: fdr([0.1, 0.2], [0.1]), id="columns"),
        pytest.param(lambda: fdr([0.1, 0.2], [0.1, 0.2], alpha=2), id="alpha"),
        pytest.param(lambda: group_rates(all_pairs(np.eye(3), [0, 1, 2]), ["a"], 0.5), id="labels"),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(InvalidArgument, match="expected"):
        call()
