import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional

from mien.lab.losses import adjusted, class_balanced_weights, half_alignment, soft_cross_entropy

torch.manual_seed(0)
LOGITS = torch.randn(64, 7)
LABELS = torch.randint(0, 7, (64,))


def test_hard_labels_give_the_librarys_cross_entropy():
    hard = functional.one_hot(LABELS, 7).float()
    weights = torch.rand(7) + 0.1
    torch.testing.assert_close(soft_cross_entropy(LOGITS, hard), functional.cross_entropy(LOGITS, LABELS))
    expected = functional.cross_entropy(LOGITS, LABELS, weight=weights)
    torch.testing.assert_close(soft_cross_entropy(LOGITS, hard, weights), expected)


def test_rows_without_a_label_count_for_nothing():
    hard = functional.one_hot(LABELS, 7).float()
    hard[::2] = 0
    expected = functional.cross_entropy(LOGITS[1::2], LABELS[1::2])
    torch.testing.assert_close(soft_cross_entropy(LOGITS, hard), expected)
    assert soft_cross_entropy(LOGITS, torch.zeros(64, 7)) == 0


def test_half_face_alignment_is_the_published_variance_of_log_softmax_values():
    """As in the released code: twice the mean variance over the pair; the specification tells why both agree."""
    left, right = torch.randn(2, 32, 256)
    pair = torch.log_softmax(torch.stack([left, right]), 0)
    released = 2 * pair.var(0).mean()
    torch.testing.assert_close(half_alignment(left, right), released)


def test_rare_classes_weigh_more_and_are_raised_less():
    counts = torch.tensor([7215.0, 436, 3171])
    weights = class_balanced_weights(counts)
    assert weights.mean() == pytest.approx(1.0)
    assert weights[1] > weights[2] > weights[0]
    raised = adjusted(torch.zeros(1, 3), counts)
    torch.testing.assert_close(raised.softmax(1)[0], counts / counts.sum())
