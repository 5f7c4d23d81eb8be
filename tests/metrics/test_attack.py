import itertools

import numpy as np
import pytest

from mien import metrics
from mien.errors import InvalidArgument
from mien.metrics import (
    attack_eer,
    attack_rates,
    attacks_missed_at,
    bona_fide_refused_at,
    map_matrix,
    mmpmr,
    non_response_rate,
    prodavg_mmpmr,
    relative_morph_match_rate,
)

BONA_FIDE = [0.1, 0.2, 0.3, 0.6]
ATTACKS = {"print": [0.9, 0.8, 0.5, 0.7], "mask": [0.35, 0.9]}


def test_hand_worked():
    rates = attack_rates(BONA_FIDE, ATTACKS, 0.55)
    assert {kind: rate.value for kind, rate in rates.missed.items()} == {"print": 0.25, "mask": 0.5}
    assert rates.worst == ("mask", rates.missed["mask"])
    assert rates.refused.value == 0.25
    assert rates.acer == 0.375
    assert (rates.refused.low, rates.refused.high) == metrics.wilson(1, 4)


def test_the_worst_kind_sets_the_threshold():
    """One of two masks may be missed, but only one of four prints: 0.7 would be the threshold of prints alone."""
    rates = bona_fide_refused_at(BONA_FIDE, ATTACKS, 0.3)
    assert rates.threshold == 0.35
    assert all(rate.value <= 0.3 for rate in rates.missed.values())
    assert rates.refused.value == 0.25
    assert bona_fide_refused_at(BONA_FIDE, {"print": ATTACKS["print"]}, 0.3).threshold == 0.7


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("allowed", [0.0, 0.05, 0.1, 0.2])
def test_no_threshold_that_keeps_to_it_refuses_fewer(seed, allowed):
    rng = np.random.default_rng(seed)
    bona_fide = rng.normal(0, 1, 80).round(1)
    attacks = {name: rng.normal(1, 1, 60).round(1) for name in "abc"}
    rates = bona_fide_refused_at(bona_fide, attacks, allowed)
    every = np.concatenate([bona_fide, *attacks.values()])
    candidates = [attack_rates(bona_fide, attacks, one) for one in np.append(np.unique(every), every.max() + 1)]
    keeping = [one.refused.value for one in candidates if one.worst[1].value <= allowed]
    assert rates.worst[1].value <= allowed
    assert rates.refused.value == min(keeping)
    other = attacks_missed_at(bona_fide, attacks, allowed)
    assert other.refused.value <= allowed
    assert other.worst[1].value == min(one.worst[1].value for one in candidates if one.refused.value <= allowed)


def test_a_target_just_below_a_step_is_not_exceeded():
    attacks = {"a": np.arange(10) / 10}
    assert bona_fide_refused_at([0.05], attacks, 0.09999999995).worst[1].value == 0
    assert bona_fide_refused_at([0.05], attacks, 0.1).worst[1].value == 0.1
    assert bona_fide_refused_at([0.05], attacks, 1 - 1e-11).worst[1].value == 0.9


def test_increasing_maps_change_no_rate():
    rng = np.random.default_rng(3)
    bona_fide, attacks = rng.normal(0, 1, 200), rng.normal(2, 1, 100)
    plain, mapped = (
        bona_fide_refused_at(change(bona_fide), {"a": change(attacks)}, 0.1) for change in (np.array, np.exp)
    )
    assert (plain.refused, plain.missed) == (mapped.refused, mapped.missed)
    assert attack_eer(np.exp(bona_fide), np.exp(attacks)) == attack_eer(bona_fide, attacks)
    assert attack_eer(bona_fide, attacks) == pytest.approx(0.16, abs=0.05)


def test_presentations_without_an_answer():
    assert non_response_rate(2, 40) == metrics.estimate(2, 40)


def test_morphs_that_match_everybody_in_them():
    assert mmpmr([[0.6, 0.7], [0.6, 0.2], [0.9, 0.5, 0.8]], 0.5) == pytest.approx(2 / 3)
    probes = [[[0.6, 0.4], [0.7, 0.8]], [[0.1, 0.2], [0.9, 0.9]]]
    assert prodavg_mmpmr(probes, 0.5) == pytest.approx((0.5 * 1 + 0 * 1) / 2)
    assert relative_morph_match_rate(0.8, 0.95) == pytest.approx(0.85)


def test_morphing_attack_potential_counted_by_hand():
    rng = np.random.default_rng(1)
    scores, thresholds = rng.random((30, 2, 4, 3)), np.array([0.3, 0.5, 0.6])
    found = map_matrix(scores, thresholds)
    for attempts, systems in itertools.product(range(1, 5), range(1, 4)):
        matching = [
            sum(
                all((morph[subject, :, system] >= thresholds[system]).sum() >= attempts for subject in range(2))
                for system in range(3)
            )
            >= systems
            for morph in scores
        ]
        assert found[attempts - 1, systems - 1] == pytest.approx(np.mean(matching))
    assert (np.diff(found, axis=0) <= 0).all()
    assert (np.diff(found, axis=1) <= 0).all()


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: attack_rates([], ATTACKS, 0.5), id="no bona fide"),
        pytest.param(lambda: attack_rates(BONA_FIDE, ATTACKS, np.nan), id="no threshold"),
        pytest.param(lambda: mmpmr([[0.5]], np.nan), id="no threshold for morphs"),
        pytest.param(lambda: prodavg_mmpmr([[[0.5]]], np.nan), id="no threshold for probes"),
        pytest.param(lambda: map_matrix(np.zeros((1, 1, 1, 1)), [np.nan]), id="no threshold of a system"),
        pytest.param(lambda: map_matrix(np.full((1, 1, 1, 1), np.inf), [0.5]), id="infinite score"),
        pytest.param(lambda: attack_rates(BONA_FIDE, {}, 0.5), id="no attack"),
        pytest.param(lambda: attack_rates(BONA_FIDE, {"print": []}, 0.5), id="no attack of a kind"),
        pytest.param(lambda: bona_fide_refused_at(BONA_FIDE, ATTACKS, 1.0), id="everything missed"),
        pytest.param(lambda: attacks_missed_at(BONA_FIDE, ATTACKS, -0.1), id="no rate"),
        pytest.param(lambda: mmpmr([], 0.5), id="no morph"),
        pytest.param(lambda: mmpmr([[]], 0.5), id="no subject"),
        pytest.param(lambda: prodavg_mmpmr([[[]]], 0.5), id="no probe"),
        pytest.param(lambda: relative_morph_match_rate(1.2, 0), id="no share"),
        pytest.param(lambda: map_matrix(np.zeros((2, 2, 2)), [0.5]), id="shape"),
        pytest.param(lambda: map_matrix(np.full((1, 1, 1, 1), np.nan), [0.5]), id="nan"),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(InvalidArgument, match="expected"):
        call()
