from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics.cluster import pair_confusion_matrix

from mien.errors import InvalidArgument
from mien.metrics import bcubed, pairwise


def brute_force(true, pred):
    """The definition, face by face with sets."""
    precision, recall = [], []
    for i in range(len(true)):
        person = {j for j in range(len(true)) if true[j] == true[i]}
        found = {j for j in range(len(pred)) if pred[j] == pred[i]}
        precision.append(len(person & found) / len(found))
        recall.append(len(person & found) / len(person))
    return np.mean(precision), np.mean(recall)


def test_a_hand_worked_example():
    # Faces a a a b b, found as {a a} {a b} {b}.
    scores = bcubed(["a", "a", "a", "b", "b"], [0, 0, 1, 1, 2])
    assert scores.precision == pytest.approx((1 + 1 + 0.5 + 0.5 + 1) / 5)
    assert scores.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 0.5 + 0.5) / 5)
    assert scores.f1 == pytest.approx(2 * 0.8 * (8 / 15) / (0.8 + 8 / 15))


@pytest.mark.parametrize(
    ("pred", "precision", "recall"),
    [([5, 5, 9, 9], 1, 1), ([0, 1, 2, 3], 1, 0.5), ([-1, -1, -1, -1], 0.5, 1)],
    ids=["other names", "everybody alone", "all one"],
)
def test_the_extremes(pred, precision, recall):
    scores = bcubed([0, 0, 1, 1], pred)
    assert (scores.precision, scores.recall) == (precision, recall)


def test_it_agrees_with_the_definition():
    rng = np.random.default_rng(0)
    for people in (2, 10, 40):
        true, pred = rng.integers(people, size=(2, 60))
        scores = bcubed(true, pred)
        assert (scores.precision, scores.recall) == pytest.approx(brute_force(true, pred))


def test_pairs_agree_with_scikit_learn():
    true, pred = np.random.default_rng(1).integers(8, size=(2, 70))
    (_, wrong), (missed, right) = pair_confusion_matrix(true, pred)
    scores = pairwise(true, pred)
    assert (scores.precision, scores.recall) == pytest.approx((right / (right + wrong), right / (right + missed)))


def test_pairs_where_there_are_none():
    assert pairwise([0, 1, 2], [0, 1, 2]).f1 == 1
    assert pairwise([0, 0], [0, 1]).f1 == 0


@pytest.mark.parametrize(("true", "pred"), [([], []), ([0], [0, 1]), ([[0]], [[0]])], ids=["none", "fewer", "a table"])
@pytest.mark.parametrize("metric", [bcubed, pairwise])
def test_what_are_no_labels_is_refused(metric, true, pred):
    with pytest.raises(InvalidArgument):
        metric(true, pred)
