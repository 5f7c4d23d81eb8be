import numpy as np
import pytest

from mien import metrics

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("symmetric", [True, False])
def test_counts_are_those_of_every_non_mated_comparison(symmetric: bool) -> None:
    templates = RNG.normal(size=(50, 8))
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    people = RNG.integers(0, 12, 50)
    failed = np.arange(50) == 7
    if symmetric:
        pairs = metrics.all_pairs(templates, people, failed=failed, bins=16, reach=1)
    else:
        pairs = metrics.cross_pairs(
            templates[:20], people[:20], templates[20:], people[20:], failed=failed[:20], bins=16
        )
    histogram = pairs.histogram
    finite = pairs.tail[np.isfinite(pairs.tail)]
    counts = np.histogram(finite, histogram.edges)[0]
    counts[0] += len(pairs.tail) - len(finite)
    assert histogram.counts.tolist() == counts.tolist()
    assert (histogram.mean, histogram.variance) == pytest.approx((finite.mean(), finite.var()), rel=1e-6)
    for subject in range(pairs.subjects):
        mine = (pairs.tail_subjects == subject).any(axis=1)
        assert histogram.by_subject[subject].sum() == mine.sum()


def test_a_matrix_of_scores_spans_its_own_range() -> None:
    scores = RNG.normal(50, 10, (6, 9))
    scores[0, 0] = -np.inf
    pairs = metrics.scored_pairs(scores, np.arange(6), np.arange(9), bins=8)
    off = scores[~np.eye(6, 9, dtype=bool)]
    assert pairs.histogram.edges[[0, -1]] == pytest.approx([off.min(), off.max()])
    assert pairs.histogram.counts.sum() == pairs.non_mated_total == 48


def test_none_unless_asked_for() -> None:
    assert metrics.all_pairs(np.eye(3), [0, 1, 1]).histogram is None
