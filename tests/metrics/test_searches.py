import itertools

import numpy as np
import pytest

from mien.errors import InvalidArgument
from mien.metrics import all_searches, estimate_fmr, scored_pairs


def unit(rng, people, samples, dimensions=6, spread=0.6):
    means = rng.normal(size=(people, dimensions))
    templates = np.repeat(means, samples, axis=0) + spread * rng.normal(size=(people * samples, dimensions))
    return templates / np.linalg.norm(templates, axis=1, keepdims=True), np.repeat(np.arange(people), samples)


def test_rates_are_those_of_every_gallery_that_can_be_drawn():
    """Seven people, one image each: every gallery of three written out."""
    templates, people = unit(np.random.default_rng(1), 7, 1)
    searches = all_searches(templates, people, draws=1, reach=1)
    scores = templates @ templates.T
    assert searches.complete
    for threshold in (-0.5, 0.0, 0.3, 0.7):
        wrong = [
            scores[stranger, list(gallery)].max() >= threshold
            for stranger in range(7)
            for gallery in itertools.combinations(sorted({*range(7)} - {stranger}), 3)
        ]
        assert searches.fpir(3, threshold).value == pytest.approx(np.mean(wrong), abs=1e-12)


def test_missed_mates_are_those_of_every_gallery_that_can_be_drawn():
    templates, people = unit(np.random.default_rng(2), 6, 2, spread=1.2)
    searches = all_searches(templates, people, draws=1, reach=1, seed=5)
    order = np.random.default_rng(5).permutation(12)
    order = order[np.argsort(people[order], kind="stable")]
    table = templates[order[1::2]] @ templates[order[::2]].T
    for threshold in (-2.0, 0.2, 0.8):
        missed = [
            table[mate, mate] < threshold or table[mate, list(others)].max() >= table[mate, mate]
            for mate in range(6)
            for others in itertools.combinations(sorted({*range(6)} - {mate}), 2)
        ]
        assert searches.fnir(3, threshold).value == pytest.approx(np.mean(missed), abs=1e-12)
    ranks = 1 + np.array([np.count_nonzero(np.delete(table[i], i) >= table[i, i]) for i in range(6)])
    assert searches.cmc(6) == pytest.approx([np.mean(ranks <= rank) for rank in range(1, 7)])


def test_a_gallery_of_one_is_a_comparison():
    templates, people = unit(np.random.default_rng(3), 200, 1)
    searches = all_searches(templates, people, draws=1, reach=1)
    pairs = scored_pairs(templates @ templates.T, people, reach=1)
    for threshold in (0.5, 0.8):
        rate, pair = searches.fpir(1, threshold), estimate_fmr(pairs, threshold)
        assert rate.value == pytest.approx(pair.value, abs=1e-12)
        assert (rate.errors, rate.people) == (pair.errors, pair.people)
        assert (rate.low, rate.high) == pytest.approx((pair.low, pair.high), rel=0.02)


def test_rates_grow_with_the_gallery_and_fall_with_the_threshold():
    searches = all_searches(*unit(np.random.default_rng(4), 150, 2), reach=1)
    by_size = [searches.fpir(size, 0.9).value for size in (1, 3, 10, 30, 100)]
    assert by_size == sorted(by_size)
    by_threshold = [searches.fpir(30, threshold).value for threshold in (0.7, 0.8, 0.9, 0.95)]
    assert by_threshold == sorted(by_threshold, reverse=True)
    misses = [searches.fnir(30, threshold).value for threshold in (0.7, 0.8, 0.9, 0.95)]
    assert misses == sorted(misses)
    assert (np.diff(searches.cmc(20)) >= 0).all()


@pytest.mark.parametrize("size", [1, 10, 60])
@pytest.mark.parametrize("target", [0.3, 0.05, 0.01])
def test_the_threshold_is_the_lowest_that_keeps_to_the_target(size, target):
    searches = all_searches(*unit(np.random.default_rng(5), 120, 2), draws=2, reach=1)
    threshold = searches.threshold_at_fpir(size, target)
    assert searches.fpir(size, threshold).value <= target
    assert searches.fpir(size, np.nextafter(threshold, -1)).value > target


def test_the_prediction_holds_what_one_gallery_of_other_people_shows():
    """Synthetic: the gallery and those searched for are drawn anew; nobody was seen before."""
    rng = np.random.default_rng(6)
    hits = []
    for _ in range(200):
        here = all_searches(*unit(rng, 150, 1, dimensions=12), draws=1, reach=0.5)
        threshold = here.threshold_at_fpir(20, 0.1)
        gallery, strangers = (unit(rng, people, 1, dimensions=12)[0] for people in (20, 90))
        low, high = here.predict_fpir(20, threshold, strangers=90)
        stated = here.fpir(20, threshold)
        assert stated.supported
        assert low < stated.low < stated.high < high
        hits.append(low <= np.mean((strangers @ gallery.T).max(axis=1) >= threshold) <= high)
    assert 0.92 <= np.mean(hits) <= 0.99


def test_where_few_match_falsely_there_is_a_bound():
    searches = all_searches(*unit(np.random.default_rng(7), 200, 1), reach=1)
    rate = searches.fpir(10, float(searches.tail[4]))
    assert not rate.supported
    assert rate.low == 0
    assert rate.high > rate.value
    assert all_searches(*unit(np.random.default_rng(7), 5, 1)).fpir(2, 0.99).high <= 1


def test_missed_faces_are_never_named_and_never_found():
    templates, people = unit(np.random.default_rng(8), 20, 2)
    failed = np.zeros(40, bool)
    failed[:2] = True
    templates[:2] = np.nan
    searches = all_searches(templates, people, failed=failed, reach=1)
    assert searches.fpir(5, -1).value == pytest.approx(19 / 20 * (1 - 0), abs=0.06)
    assert searches.fnir(5, -1).value >= 1 / 20
    assert searches.cmc(20)[-1] == pytest.approx(19 / 20)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda s: s.fpir(20, 0.999), "at most 19 others", id="gallery of all"),
        pytest.param(lambda s: s.predict_fpir(5, 0.999, strangers=0), "strangers", id="nobody to search for"),
        pytest.param(lambda s: s.fpir(5, -1), "below the", id="below the tail"),
        pytest.param(lambda s: s.threshold_at_fpir(5, 1.0), "target", id="everything"),
        pytest.param(lambda s: s.threshold_at_fpir(15, 0.9999), "too few for", id="too deep"),
        pytest.param(lambda s: s.cmc(0), "one rank", id="no rank"),
        pytest.param(lambda s: s.fnir(5, 0.1), "two images", id="nobody twice"),
    ],
)
def test_what_cannot_be_told_is_refused(call, message, monkeypatch):
    monkeypatch.setattr("mien.metrics.searches._LEAST_KEPT", 10)
    searches = all_searches(*unit(np.random.default_rng(9), 20, 1), draws=1, reach=0.05)
    with pytest.raises(InvalidArgument, match=message):
        call(searches)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((np.eye(3), [0, 0, 0]), id="one person"),
        pytest.param((np.eye(3), [0, 1]), id="columns"),
        pytest.param((np.zeros(3), [0, 1, 2]), id="no matrix"),
    ],
)
def test_bad_input_is_refused(arguments):
    with pytest.raises(InvalidArgument, match="expected"):
        all_searches(*arguments)
