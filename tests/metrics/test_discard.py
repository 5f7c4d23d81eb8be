import numpy as np
import pytest

from mien import metrics
from mien.errors import InvalidArgument
from mien.metrics import bootstrap_area_difference, discard_curve, pair_quality


def test_hand_worked():
    """Errors stand at qualities 1 and 3 of 1 to 5."""
    curve = discard_curve([0.1, 0.9, 0.2, 0.8, 0.7], [1, 2, 3, 4, 5], 0.5)
    assert curve.at([0, 0.2, 0.4, 0.6, 0.8]) == pytest.approx([2 / 5, 1 / 4, 1 / 3, 0, 0])


@pytest.fixture
def comparisons():
    rng = np.random.default_rng(3)
    quality = rng.normal(size=500).round(1)
    return rng.normal(0.5 + 0.2 * quality, 0.3), quality, np.repeat(np.arange(100), 5)


def test_nothing_discarded_is_the_false_non_match_rate(comparisons):
    scores, quality, _ = comparisons
    assert discard_curve(scores, quality, 0.3).at(0) == metrics.fnmr(scores, 0.3)


def test_as_counted_one_by_one_where_no_quality_is_shared():
    rng = np.random.default_rng(4)
    scores, quality = rng.normal(size=200), rng.permutation(200)
    curve = discard_curve(scores, quality, 0.0)
    ordered = scores[np.argsort(quality)]
    for dropped in (0, 1, 17, 60, 199):
        assert curve.at(dropped / 200) == pytest.approx(np.mean(ordered[dropped:] < 0))


def test_ties_have_no_order(comparisons):
    scores, quality, _ = comparisons
    curve = discard_curve(scores, quality, 0.3)
    shuffled = np.random.default_rng(9).permutation(500)
    other = discard_curve(scores[shuffled], quality[shuffled], 0.3)
    assert curve.errors == pytest.approx(other.errors, abs=1e-12)
    # What a random order within ties gives on average.
    rng = np.random.default_rng(5)
    rates = []
    for _ in range(400):
        ordered = scores[np.lexsort([rng.random(500), quality])]
        rates.append([np.mean(ordered[dropped:] < 0.3) for dropped in (55, 130)])
    assert curve.at([0.11, 0.26]) == pytest.approx(np.mean(rates, axis=0), abs=0.002)


def test_a_measure_that_knows_the_errors_is_ideal(comparisons):
    scores, *_ = comparisons
    curve = discard_curve(scores, np.where(scores < 0.3, 0, np.arange(1, 501)), 0.3)
    first = float(metrics.fnmr(scores, 0.3))
    shares = np.array([0, 0.05, 0.1, 0.2])
    assert curve.at(shares) == pytest.approx(np.maximum(0, first - shares) / (1 - shares), abs=1e-12)
    assert curve.area(less_ideal=True) == pytest.approx(0, abs=1e-12)


def test_a_measure_that_knows_nothing_changes_nothing():
    """All of one quality: the rate stays, and so the area is the rate times its width."""
    curve = discard_curve([0.1, 0.9, 0.8, 0.2], [7, 7, 7, 7], 0.5)
    assert curve.at([0, 0.3, 0.9]) == pytest.approx(0.5)
    assert curve.area(0.3) == pytest.approx(0.15)


def test_the_area_is_that_of_a_fine_grid(comparisons):
    scores, quality, _ = comparisons
    curve = discard_curve(scores, quality, 0.3, weights=np.arange(500))
    grid = np.linspace(0, 0.3, 200_001)
    assert curve.area(0.3) == pytest.approx(np.trapezoid(curve.at(grid), grid), abs=1e-8)


def test_unknown_quality_goes_first():
    curve = discard_curve([0.1, 0.9, 0.8, 0.9], [np.nan, 1, 2, 3], 0.5)
    assert curve.at([0, 0.25]) == pytest.approx([0.25, 0])
    assert pair_quality([3, np.nan, 1], [2, 5, 4]).tolist() == [2, -np.inf, 1]


def test_a_measure_does_not_differ_from_itself_nor_from_its_increasing_map(comparisons):
    scores, quality, subjects = comparisons
    same = bootstrap_area_difference(scores, (quality, np.exp(quality)), 0.3, subjects, replicates=50)
    assert (same.value, same.low, same.high) == pytest.approx((0, 0, 0), abs=1e-12)


def test_the_better_measure_is_told(comparisons):
    scores, quality, subjects = comparisons
    noise = np.random.default_rng(1).normal(size=500)
    found = bootstrap_area_difference(scores, (noise, quality), 0.3, subjects)
    assert found.low <= found.value <= found.high < 0
    again = bootstrap_area_difference(scores, (noise, quality), 0.3, subjects)
    assert (again.low, again.high) == (found.low, found.high)


def test_draws_are_as_if_people_stood_there_so_often(comparisons):
    scores, quality, subjects = comparisons
    drawn = np.random.default_rng(0).multinomial(100, np.full(100, 0.01), 1)[0]
    times = drawn[subjects]
    repeated = discard_curve(np.repeat(scores, times), np.repeat(quality, times), 0.3)
    constant = discard_curve(np.repeat(scores, times), np.zeros(times.sum()), 0.3)
    found = bootstrap_area_difference(scores, (quality, np.zeros(500)), 0.3, subjects, replicates=1)
    assert found.low == pytest.approx(constant.area() - repeated.area(), abs=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: discard_curve([], [], 0.5), "mated", id="no score"),
        pytest.param(lambda: discard_curve([0.1], [1, 2], 0.5), "one quality", id="columns"),
        pytest.param(lambda: discard_curve([0.1], [1], 0.5, weights=[0]), "weights", id="no weight"),
        pytest.param(lambda: discard_curve([0.1], [1], 0.5, weights=[np.inf]), "weights", id="infinite weight"),
        pytest.param(lambda: discard_curve([0.1], [1], np.nan), "threshold", id="no threshold"),
        pytest.param(lambda: discard_curve([0.1], ["good"], 0.5), "numbers", id="no number"),
        pytest.param(lambda: pair_quality([1, 2], [1]), "both samples", id="unpaired"),
        pytest.param(
            lambda: bootstrap_area_difference([0.1, 0.2], ([1, 2], [1, 2]), 0.5, [0, 1], upto=1.5),
            "upto",
            id="too wide",
        ),
        pytest.param(lambda: discard_curve([0.1], [1], 0.5).at(1), "below 1", id="all discarded"),
        pytest.param(lambda: discard_curve([0.1], [1], 0.5).area(0), "upto", id="no width"),
        pytest.param(lambda: bootstrap_area_difference([0.1], ([1], [1]), 0.5, [0]), "two people", id="one person"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InvalidArgument, match=message):
        call()
