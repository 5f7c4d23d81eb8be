import numpy as np
import pytest
from sklearn import metrics as reference

from mien.errors import InvalidArgument
from mien.metrics import (
    accuracy,
    balanced_accuracy,
    bootstrap_by_subject,
    calibration_error,
    class_f1,
    class_precision,
    class_recall,
    confusion,
    macro_f1,
    weighted_f1,
)


@pytest.fixture(params=range(5))
def labels(request):
    rng = np.random.default_rng(request.param)
    truth = rng.choice(7, 300, p=[0.4, 0.2, 0.2, 0.1, 0.05, 0.04, 0.01])
    return truth, np.where(rng.random(300) < 0.6, truth, rng.integers(0, 7, 300))


def test_agrees_with_scikit_learn_to_1e_12(labels):
    truth, predicted = labels
    table = confusion(truth, predicted, 7)
    assert (table == reference.confusion_matrix(truth, predicted, labels=range(7))).all()
    assert accuracy(table) == pytest.approx(reference.accuracy_score(truth, predicted), abs=1e-12)
    occurring = reference.recall_score(truth, predicted, labels=np.unique(truth), average="macro")
    assert balanced_accuracy(table) == pytest.approx(occurring, abs=1e-12)
    assert macro_f1(table) == pytest.approx(reference.f1_score(truth, predicted, average="macro"), abs=1e-12)
    assert weighted_f1(table) == pytest.approx(reference.f1_score(truth, predicted, average="weighted"), abs=1e-12)
    each = reference.precision_recall_fscore_support(truth, predicted, labels=range(7), zero_division=np.nan)
    for ours, theirs in zip((class_precision, class_recall, class_f1), each, strict=False):
        assert ours(table) == pytest.approx(theirs, abs=1e-12, nan_ok=True)


def test_hand_worked():
    table = [[3, 1], [2, 4]]
    assert accuracy(table) == 0.7
    assert class_recall(table) == pytest.approx([3 / 4, 4 / 6])
    assert class_precision(table) == pytest.approx([3 / 5, 4 / 5])
    assert class_f1(table) == pytest.approx([6 / 9, 8 / 11])
    assert weighted_f1(table) == pytest.approx(0.4 * 6 / 9 + 0.6 * 8 / 11)


def test_a_class_that_does_not_occur_has_no_say():
    table = confusion([0, 0, 1], [0, 1, 1], 3)
    assert np.isnan(class_recall(table)[2])
    assert balanced_accuracy(table) == pytest.approx(0.75)
    assert macro_f1(table) == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_guessing_one_class_has_the_balanced_accuracy_of_chance():
    table = confusion(np.repeat([0, 1, 2, 3], [70, 10, 10, 10]), np.zeros(100, int), 4)
    assert accuracy(table) == 0.7
    assert balanced_accuracy(table) == 0.25


def test_many_matrices_at_once(labels):
    truth, predicted = labels
    table = confusion(truth, predicted, 7)
    many = np.stack([table, 2 * table])
    for metric in (accuracy, balanced_accuracy, macro_f1, weighted_f1):
        assert metric(many) == pytest.approx([float(metric(table))] * 2)


def test_calibration_error_hand_worked():
    """Confidences 0.6 (right), 0.7 (wrong), 1.0 (right) in ten bins."""
    rows = [[0.6, 0.4], [0.7, 0.3], [0.0, 1.0]]
    assert calibration_error(rows, [0, 1, 1], bins=10) == pytest.approx((0.4 + 0.7 + 0) / 3)
    assert calibration_error(rows, [0, 1, 1], bins=1) == pytest.approx(abs((0.6 + 0.7 + 1.0) - 2) / 3)


def test_what_says_its_accuracy_is_calibrated():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 50_000)
    rows = np.stack([sure, 1 - sure], axis=1)
    truth = (rng.random(50_000) >= sure).astype(int)
    assert calibration_error(rows, truth) < 0.01
    assert calibration_error(rows, np.zeros(50_000, int)) == pytest.approx(1 - sure.mean(), abs=1e-9)


def test_subjects_widen_the_interval(labels):
    truth, predicted = labels
    alone = bootstrap_by_subject(macro_f1, truth, predicted, np.arange(300), 7, replicates=500)
    twice = [np.repeat(column, 4) for column in (truth, predicted, np.arange(300))]
    copied = bootstrap_by_subject(macro_f1, *twice, 7, replicates=500)
    assert copied == pytest.approx(alone, abs=1e-12)
    naive = bootstrap_by_subject(macro_f1, *twice[:2], np.arange(1200), 7, replicates=500)
    assert naive[2] - naive[1] < 0.65 * (copied[2] - copied[1])
    assert alone[1] < alone[0] < alone[2]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: confusion([], [], 2), id="nothing"),
        pytest.param(lambda: confusion([0, 1], [0], 2), id="columns"),
        pytest.param(lambda: confusion([0, 2], [0, 1], 2), id="out of range"),
        pytest.param(lambda: confusion([0.5], [0], 2), id="no class"),
        pytest.param(lambda: accuracy([1, 2]), id="no matrix"),
        pytest.param(lambda: macro_f1([[1, -1], [0, 1]]), id="negative"),
        pytest.param(lambda: calibration_error([[0.5, 0.6]], [0]), id="no distribution"),
        pytest.param(lambda: calibration_error([[0.5, 0.5]], [0], bins=0), id="no bin"),
        pytest.param(lambda: bootstrap_by_subject(macro_f1, [0, 1], [0, 1], [5, 5], 2), id="one subject"),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(InvalidArgument, match="expected"):
        call()
