import numpy as np
import pytest
import torch
from torch.nn import functional

from mien.lab import losses

LOGITS = torch.from_numpy(np.random.default_rng(0).normal(size=(12, 5))).float()
LABELS = torch.arange(12) % 5


def test_soft_cross_entropy_of_hard_labels_is_cross_entropy():
    targets = functional.one_hot(LABELS, 5).float()
    assert losses.soft_cross_entropy(LOGITS, targets) == pytest.approx(float(functional.cross_entropy(LOGITS, LABELS)))
    weights = torch.tensor([1.0, 2, 3, 4, 5])
    expected = functional.cross_entropy(LOGITS, LABELS, weight=weights)
    assert losses.soft_cross_entropy(LOGITS, targets, weights) == pytest.approx(float(expected))


def test_a_row_without_a_label_counts_for_nothing():
    targets = functional.one_hot(LABELS, 5).float()
    targets[6:] = 0
    expected = functional.cross_entropy(LOGITS[:6], LABELS[:6])
    assert losses.soft_cross_entropy(LOGITS, targets) == pytest.approx(float(expected))


def test_half_alignment_is_the_variance_that_cmnet_writes():
    left, right = LOGITS[:6], LOGITS[6:]
    pair = torch.stack([functional.log_softmax(left, 1), functional.log_softmax(right, 1)])
    raw = torch.stack([left, right])
    # Their log-softmax is over the pair: differences of log-softmax values are those of the values themselves.
    over_pair = functional.log_softmax(raw, 0)
    assert losses.half_alignment(left, right) == pytest.approx(float(2 * over_pair.var(0).mean()), rel=1e-5)
    assert pair.shape == raw.shape


def test_adjustment_and_weights_favour_rare_classes():
    counts = torch.tensor([1000.0, 10.0])
    weights = losses.class_balanced_weights(counts)
    assert weights.mean() == pytest.approx(1.0)
    assert weights[1] > 10 * weights[0]
    assert losses.adjusted(torch.zeros(1, 2), counts)[0].diff() == pytest.approx(np.log(10 / 1000), rel=1e-4)
