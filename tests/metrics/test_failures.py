import numpy as np
import pytest

from mien import metrics
from mien.errors import InvalidArgument
from mien.metrics import (
    apply_failures,
    false_accept_rate,
    false_reject_rate,
    fta,
    fte,
    generalised_false_accept_rate,
    generalised_false_reject_rate,
)


def test_failures_are_counted_with_their_interval():
    assert fta(3, 200) == metrics.estimate(3, 200)
    assert fte(0, 50).high == pytest.approx(1 - 0.05 ** (1 / 50))


def test_the_worst_is_missed_at_every_threshold_and_never_matches():
    mated = apply_failures([0.9, 0.8, 0.7], [False, True, False])
    assert mated.tolist() == [0.9, -np.inf, 0.7]
    assert metrics.fnmr(mated, -5) == pytest.approx(1 / 3)
    assert metrics.fmr(apply_failures([0.9, 0.8], [True, False]), 0.5) == 0.5


def test_excluded_comparisons_are_gone():
    assert apply_failures([0.9, 0.8, 0.7], [False, True, False], "exclude").tolist() == [0.9, 0.7]
    assert apply_failures(np.float32([1]), [True]).dtype == np.float32


def test_counting_the_worst_is_the_transaction_rate():
    """FRR = FTA + FNMR (1 - FTA), with the FNMR of what was acquired: one and the same count."""
    rng = np.random.default_rng(1)
    scores, failed = rng.normal(size=1000), rng.random(1000) < 0.1
    acquired = metrics.fnmr(apply_failures(scores, failed, "exclude"), 0.2)
    counted = metrics.fnmr(apply_failures(scores, failed), 0.2)
    assert false_reject_rate(float(acquired), float(failed.mean())) == pytest.approx(float(counted), abs=1e-12)
    accepted = metrics.fmr(apply_failures(scores, failed, "exclude"), 0.2)
    assert false_accept_rate(float(accepted), float(failed.mean())) == pytest.approx(
        float(metrics.fmr(apply_failures(scores, failed), 0.2)), abs=1e-12
    )


def test_hand_worked():
    assert false_reject_rate(0.1, 0.2) == pytest.approx(0.28)
    assert false_accept_rate(0.1, 0.2) == pytest.approx(0.08)
    assert generalised_false_reject_rate(0.28, 0.5) == pytest.approx(0.64)
    assert generalised_false_accept_rate(0.08, 0.5) == pytest.approx(0.04)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: fta(1, 0), id="no attempt"),
        pytest.param(lambda: fte(3, 2), id="more failures than attempts"),
        pytest.param(lambda: apply_failures([0.1], [True, False]), id="columns"),
        pytest.param(lambda: apply_failures([0.1], [True], "best"), id="no policy"),
        pytest.param(lambda: false_reject_rate(1.2, 0), id="no rate"),
        pytest.param(lambda: apply_failures([np.nan, 0.1], [False, True]), id="nan where nothing failed"),
        pytest.param(lambda: generalised_false_accept_rate(0, float("nan")), id="nan"),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(InvalidArgument, match="expected"):
        call()
