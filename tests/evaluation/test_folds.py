import numpy as np
import pytest

from mien.errors import InvalidArgument
from mien.evaluation import fold_accuracy


def test_hand_worked():
    """Two folds: fold 0 is told apart by 0.5, fold 1 has one impostor above it."""
    scores = [0.9, 0.8, 0.1, 0.2, 0.9, 0.7, 0.6, 0.1]
    mated = [True, True, False, False, True, True, False, False]
    found = fold_accuracy(scores, mated, [0] * 4 + [1] * 4)
    assert found.accuracies.tolist() == [1.0, 0.75]
    assert found.mean == 0.875
    assert found.standard_error == pytest.approx(np.std([1, 0.75], ddof=1) / np.sqrt(2))
    assert found.thresholds == pytest.approx([0.65, 0.5])


def best_by_trying(scores, mated):
    candidates = np.concatenate([[-10], (np.sort(scores)[1:] + np.sort(scores)[:-1]) / 2, [10]])
    return max(np.mean((scores >= t) == mated) for t in candidates)


@pytest.mark.parametrize("seed", range(10))
def test_the_threshold_is_the_best_there_is(seed):
    rng = np.random.default_rng(seed)
    mated = rng.random(80) < 0.5
    scores = np.where(mated, 1, 0) + rng.normal(size=80).round(1)
    folds = np.repeat([0, 1], 40)
    found = fold_accuracy(scores, mated, folds)
    for fold in (0, 1):
        others = folds != fold
        reached = np.mean((scores[others] >= found.thresholds[fold]) == mated[others])
        assert reached == best_by_trying(scores[others], mated[others])


def test_a_missed_face_is_a_non_match():
    found = fold_accuracy([0.9, -np.inf, 0.1, 0.2] * 2, [True, True, False, False] * 2, [0] * 4 + [1] * 4)
    assert found.mean == 0.75


@pytest.mark.parametrize(
    ("scores", "mated", "folds"),
    [
        pytest.param([0.1, 0.2], [True], [0, 1], id="columns"),
        pytest.param([0.1, 0.2], [True, False], [0, 0], id="one fold"),
        pytest.param([0.1, np.nan], [True, False], [0, 1], id="nan"),
    ],
)
def test_bad_input_is_refused(scores, mated, folds):
    with pytest.raises(InvalidArgument, match="expected"):
        fold_accuracy(scores, mated, folds)
