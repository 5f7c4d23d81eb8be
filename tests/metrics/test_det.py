import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_curve

from mien import metrics
from mien.errors import InvalidArgument

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("decimals", [1, 6], ids=["ties", "no ties"])
def test_agrees_with_scikit_learn_to_1e_12(dtype: type, decimals: int) -> None:
    mated = RNG.normal(2, 1, 400).round(decimals).astype(dtype)
    non_mated = RNG.normal(0, 1, 3000).round(decimals).astype(dtype)
    curve = metrics.det(mated, non_mated)
    labels = np.repeat([1, 0], [len(mated), len(non_mated)])
    fpr, tpr, thresholds = roc_curve(labels, np.concatenate([mated, non_mated]), drop_intermediate=False)
    assert curve.thresholds[1:] == pytest.approx(thresholds[1:], abs=0)
    assert curve.fmr == pytest.approx(fpr, abs=1e-12)
    assert 1 - curve.fnmr == pytest.approx(tpr, abs=1e-12)


def test_hand_worked() -> None:
    curve = metrics.det([0.9, 0.5, -np.inf], [0.6, 0.5, 0.1, 0.0])
    assert curve.thresholds[1:].tolist() == [0.9, 0.6, 0.5, 0.1, 0.0]
    assert curve.fmr.tolist() == [0, 0, 0.25, 0.5, 0.75, 1]
    assert curve.fnmr == pytest.approx([1, 2 / 3, 2 / 3, 1 / 3, 1 / 3, 1 / 3])
    # From (1/4, 2/3) to (1/2, 1/3): gaps -5/12 and 1/6, met at 5/7 of the way.
    assert metrics.eer(curve) == pytest.approx(0.25 + 5 / 7 * 0.25)


def test_weights_count_people_instead_of_comparisons() -> None:
    whole = metrics.det([0.1, 0.2, 0.9], [0.5], weights=[0.5, 0.5, 1])
    assert whole.fnmr[whole.thresholds == 0.5] == pytest.approx([0.5])


def test_a_tail_gives_the_upper_part_of_the_whole_curve() -> None:
    mated, non_mated = RNG.normal(2, 1, 300), np.sort(RNG.normal(0, 1, 5000))
    whole, part = metrics.det(mated, non_mated), metrics.det(mated, non_mated[-500:], total=5000)
    assert part.fmr.max() < 0.1
    for name in ("thresholds", "fmr", "fnmr"):
        assert np.array_equal(getattr(part, name), getattr(whole, name)[: len(part.fmr)])


@pytest.mark.parametrize("seed", range(30))
def test_monotone_and_the_same_under_increasing_maps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mated, non_mated = (rng.integers(-30, 30, rng.integers(1, 60)).astype(float) for _ in range(2))
    curve = metrics.det(mated, non_mated)
    assert (np.diff(curve.fmr) >= 0).all()
    assert (np.diff(curve.fnmr) <= 0).all()
    assert (curve.fmr[0], curve.fmr[-1], curve.fnmr[-1]) == (0, 1, 0)
    assert metrics.eer(metrics.det(np.exp(mated / 9), np.exp(non_mated / 9))) == metrics.eer(curve)


def test_equal_error_rate_of_normal_scores_is_known() -> None:
    quantiles = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    curve = metrics.det(quantiles + 2, quantiles)
    assert metrics.eer(curve) == pytest.approx(norm.cdf(-1), abs=1e-4)
    assert metrics.d_prime(quantiles + 2, quantiles) == pytest.approx(2, abs=1e-2)


def test_equal_error_rate_of_shuffled_labels_is_a_half() -> None:
    values = RNG.normal(size=20_000)
    assert metrics.eer(metrics.det(values[:10_000], values[10_000:])) == pytest.approx(0.5, abs=0.02)


def test_separable_scores_have_no_error() -> None:
    assert metrics.eer(metrics.det([2.0, 3.0], [0.0, 1.0])) == 0


def test_rates_that_do_not_meet_in_the_tail_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="keep more"):
        metrics.eer(metrics.det([0.0, 0.1], [0.9, 0.8], total=1000))


@pytest.mark.parametrize(
    ("mated", "non_mated", "options", "message"),
    [
        pytest.param([], [1.0], {}, "mated: expected", id="no mated"),
        pytest.param([1.0], [], {}, "non_mated: expected", id="no non-mated"),
        pytest.param([np.nan], [1.0], {}, "NaN", id="nan"),
        pytest.param([1.0], [1.0, 2.0], {"total": 1}, "cannot have given 2", id="fewer than scores"),
        pytest.param([1.0], [1.0], {"weights": [1.0, 2.0]}, "weights", id="too many weights"),
        pytest.param([1.0], [1.0], {"weights": [0.0]}, "weights", id="no weight"),
        pytest.param([1.0], [1.0], {"weights": [np.nan]}, "weights", id="nan weight"),
    ],
)
def test_bad_input_is_refused(mated: list[float], non_mated: list[float], options: dict, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        metrics.det(mated, non_mated, **options)
