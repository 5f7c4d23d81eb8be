import numpy as np
import pytest

from mien import metrics
from mien.errors import InvalidArgument
from mien.evaluation import identify_all


@pytest.fixture(scope="module")
def result(samples):
    return identify_all(samples, draws=2)


def test_galleries_grow_to_everybody_but_the_stranger(result):
    assert [curve.size for curve in result.curves] == [10, 79]
    assert (result.people, result.mated) == (80, 80)


def test_curves_trade_one_error_for_the_other_and_larger_galleries_cost_more(result):
    for curve in result.curves:
        assert (np.diff(curve.fpir) >= 0).all()
        assert (np.diff(curve.fnir) <= 1e-12).all()
        assert (curve.low <= curve.fnir).all()
        assert (curve.fnir <= curve.high).all()
    small, large = result.curves
    assert (np.interp(0.1, large.fpir, large.fnir)) >= np.interp(0.1, small.fpir, small.fnir)


def test_points_keep_to_their_target(samples, result):
    searches = metrics.all_searches(samples.templates, samples.people, draws=2, reach=0.1)
    for point in result.points:
        assert point.fpir.value <= point.target
        assert point.fpir == searches.fpir(point.size, point.threshold)
    assert {point.size for point in result.points} == {10, 79}


def test_the_closed_set_is_told_by_rank(result):
    assert result.cmc[0] == pytest.approx(1 - result.curves[-1].rank_1.value, abs=0.02)
    assert (np.diff(result.cmc) >= 0).all()


def test_missed_faces_are_never_named(synthetic):
    whole, holed = (identify_all(synthetic(missed=missed), draws=2) for missed in ((), (0, 1, 2, 3, 4, 5)))
    assert holed.cmc[-1] < whole.cmc[-1]


def test_nobody_found_is_told(synthetic):
    with pytest.raises(InvalidArgument, match="almost all were missed"):
        identify_all(synthetic(people=5, missed=range(14)), draws=1)


@pytest.mark.parametrize("shape", [{"people": 2}, {"captures": 1}], ids=["two people", "nobody twice"])
def test_too_little_to_search_is_refused(synthetic, shape):
    with pytest.raises(InvalidArgument, match="expected three people"):
        identify_all(synthetic(**shape))
