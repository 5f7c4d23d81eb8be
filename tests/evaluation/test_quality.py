import dataclasses
import itertools

import numpy as np
import pytest

from mien.evaluation import verify_all


def test_the_curve_is_that_of_the_worse_sample_of_each_pair(samples):
    result = verify_all(samples, replicates=20, weigh="comparison")
    (point,) = [point for point in result.points if point.target == result.discard.fmr]
    people = samples.people
    pairs = [(i, j) for i, j in itertools.combinations(range(len(people)), 2) if people[i] == people[j]]
    pairs.sort(key=lambda pair: min(samples.quality[list(pair)]))
    wrong = np.array([samples.templates[i] @ samples.templates[j] < point.threshold for i, j in pairs])
    assert result.discard.fnmr[0] == pytest.approx(wrong.mean(), abs=1e-6)
    assert result.discard.fnmr[50] == pytest.approx(wrong[round(0.5 * len(pairs)) :].mean(), abs=0.01)


def test_quality_that_knows_the_errors_has_less_area(synthetic):
    samples = synthetic(spread=0.9)
    people = samples.people
    means = {name: samples.templates[people == name].mean(axis=0) for name in set(people)}
    known = np.array([samples.templates[row] @ means[people[row]] for row in range(len(people))], np.float32)
    clever = dataclasses.replace(samples, quality=known)
    areas = [verify_all(one, replicates=20).discard.area for one in (clever, samples)]
    assert 0 <= areas[0] < areas[1]


def test_missed_faces_are_discarded_first(synthetic):
    result = verify_all(synthetic(missed=(0, 1, 2), spread=0.05), replicates=20)
    assert result.discard.fnmr[0] > 0
    assert result.discard.fnmr[10] == 0
