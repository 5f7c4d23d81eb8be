import itertools

import numpy as np
import pytest

from mien import metrics
from mien.datasets import Record
from mien.errors import InvalidArgument
from mien.evaluation import Samples, verify_all, verify_pairs


@pytest.fixture(scope="module")
def result(samples):
    return verify_all(samples, replicates=100)


def test_every_two_captures_are_compared_once(samples, result):
    people = samples.people
    pairs = list(itertools.combinations(range(len(people)), 2))
    scores = np.array([samples.templates[i] @ samples.templates[j] for i, j in pairs])
    mated = np.array([people[i] == people[j] for i, j in pairs])
    assert (result.mated_total, result.non_mated_total) == (mated.sum(), (~mated).sum())
    curve = metrics.det(scores[mated], scores[~mated])
    assert result.eer == pytest.approx(metrics.eer(curve), abs=1e-4)
    assert result.d_prime == pytest.approx(metrics.d_prime(scores[mated], scores[~mated]), abs=1e-4)
    for edges, counts, wanted in ((*result.mated, mated), (*result.non_mated, ~mated)):
        assert counts.tolist() == np.histogram(scores[wanted], edges)[0].tolist()


def test_operating_points_end_with_the_first_that_is_unsupported(result):
    supported = [point.fmr.supported for point in result.points]
    assert supported == [True] * (len(supported) - 1) + [False]
    for point in result.points:
        assert point.fmr.value <= point.target


def test_the_worst_are_the_worst(samples, result):
    assert result.false_matches[0].score == pytest.approx(float(result.scores.tail[0]), abs=1e-6)
    assert result.false_non_matches[0].score == pytest.approx(float(result.scores.mated[0]), abs=1e-6)
    for one in result.false_matches:
        assert samples.people[one.first] != samples.people[one.second]


def test_missed_faces_count_as_missed_at_every_threshold(synthetic):
    whole, holed = (verify_all(synthetic(missed=missed), replicates=20) for missed in ((), (0, 5)))
    assert holed.curve.fnmr[-1] > whole.curve.fnmr[-1]
    assert holed.mated_total == whole.mated_total


def test_people_weigh_the_same_unless_asked_otherwise(synthetic):
    """One person of many bad captures among people of few good ones."""
    good, bad = synthetic(people=20, captures=2, spread=0.05), synthetic(people=1, captures=12, spread=3, seed=9)
    both = Samples(
        (*good.records, *(Record("other", f"other/{row}", b"") for row in range(12))),
        np.concatenate([good.templates, bad.templates]),
        np.zeros(52, bool),
        np.concatenate([good.quality, bad.quality]),
        np.concatenate([good.boxes, bad.boxes]),
        {},
        "0" * 64,
    )
    by_person, by_comparison = (verify_all(both, weigh=weigh, replicates=20) for weigh in ("person", "comparison"))
    threshold = 0.7
    rates = [float(np.interp(-threshold, -r.curve.thresholds, r.curve.fnmr)) for r in (by_person, by_comparison)]
    assert rates[0] < 0.08
    assert rates[1] > 0.5


@pytest.mark.parametrize(
    "shape",
    [pytest.param({"people": 1}, id="one person"), pytest.param({"captures": 1}, id="nobody twice")],
)
def test_too_little_to_compare_is_refused(synthetic, shape):
    with pytest.raises(InvalidArgument, match="expected two people"):
        verify_all(synthetic(**shape))


def test_a_set_that_names_nobody_has_no_comparisons(samples):
    nameless = Samples(
        tuple(Record(None, record.capture, b"") for record in samples.records),
        *(getattr(samples, name) for name in ("templates", "failed", "quality", "boxes", "reasons", "sha256")),
    )
    with pytest.raises(InvalidArgument, match="known people"):
        verify_all(nameless)


def test_a_list_of_pairs(samples):
    rng = np.random.default_rng(4)
    people = samples.people
    pairs = np.array(list(itertools.combinations(range(len(people)), 2)))
    same = people[pairs[:, 0]] == people[pairs[:, 1]]
    chosen = np.concatenate([np.flatnonzero(same), rng.choice(np.flatnonzero(~same), 240, replace=False)])
    rows, mated = pairs[chosen], same[chosen]
    result = verify_pairs(samples, rows, mated, rng.permutation(len(rows)) % 10)
    scores = np.einsum("nd,nd->n", samples.templates[rows[:, 0]], samples.templates[rows[:, 1]])
    assert result.eer == metrics.eer(metrics.det(scores[mated], scores[~mated]))
    assert len(result.folds.accuracies) == 10
    assert result.scores is None
    assert result.points[0].target == 0.1
    # 24 errors in 240 pairs are too few to state even one in ten.
    assert [point.fmr.supported for point in result.points] == [False]
    assert verify_pairs(samples, rows, mated, np.zeros(len(rows), int)).folds is None
