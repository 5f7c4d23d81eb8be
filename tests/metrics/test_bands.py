import numpy as np
import pytest

from mien import metrics
from mien.errors import InvalidArgument


def population(people: int = 120, samples: int = 3, dimensions: int = 12, seed: int = 1) -> tuple:
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(people, dimensions))
    templates = np.repeat(means, samples, axis=0) + 0.5 * rng.normal(size=(people * samples, dimensions))
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    return templates.astype(np.float32), np.repeat(np.arange(people), samples)


@pytest.fixture(scope="module")
def pairs() -> metrics.PairScores:
    return metrics.all_pairs(*population(), bins=256)


@pytest.fixture(scope="module")
def curve(pairs: metrics.PairScores) -> metrics.DetCurve:
    return metrics.det_bands(pairs, replicates=200)


def test_every_point_lies_on_the_exact_curve(pairs: metrics.PairScores, curve: metrics.DetCurve) -> None:
    assert curve.fmr == pytest.approx(metrics.fmr(pairs.tail, curve.thresholds), abs=0)
    share = metrics.mated_weights(pairs, "person")
    wanted = [share[pairs.mated < threshold].sum() / share.sum() for threshold in curve.thresholds]
    assert curve.fnmr == pytest.approx(wanted, abs=1e-12)
    assert (np.diff(curve.fmr) > 0).all()
    assert (np.diff(curve.fnmr) <= 0).all()


def test_bands_are_those_of_the_operating_point(pairs: metrics.PairScores, curve: metrics.DetCurve) -> None:
    for place in (20, 60):
        point = metrics.operating_point(pairs, float(curve.fmr[place]), replicates=200)
        assert (point.fnmr.low, point.fnmr.high) == (curve.low[place], curve.high[place])


def test_beyond_the_tail_the_histogram_goes_on(monkeypatch: pytest.MonkeyPatch, pairs: metrics.PairScores) -> None:
    """The same people, once with the whole tail and once with its upper 2 %, agree where both reach."""
    templates, people = population()
    monkeypatch.setattr("mien.metrics.pairs._ALWAYS_KEPT", 500)
    short = metrics.all_pairs(templates, people, bins=256)
    assert len(short.tail) < 0.03 * short.non_mated_total
    coarse = metrics.det_bands(short, replicates=200)
    assert coarse.fmr[-1] > 0.99
    assert coarse.fmr == pytest.approx(metrics.fmr(pairs.tail, coarse.thresholds), abs=0)
    fine = metrics.det_bands(pairs, replicates=200, points=2000)
    body = (coarse.fmr > 0.02) & (coarse.fmr < 0.3)
    assert body.sum() > 20
    for end in ("low", "high"):
        wanted = np.interp(coarse.fmr[body], fine.fmr, getattr(fine, end))
        assert getattr(coarse, end)[body] == pytest.approx(wanted, abs=0.012)


def test_a_band_holds_what_other_people_of_the_population_show() -> None:
    """Synthetic populations of one kind: the band of one covers the others' pooled curve at a fixed rate."""
    curves = [
        metrics.det_bands(metrics.all_pairs(*population(seed=seed), bins=64), replicates=100) for seed in range(40)
    ]
    at = [[np.interp(0.01, curve.fmr, values) for values in (curve.fnmr, curve.low, curve.high)] for curve in curves]
    fnmr, low, high = np.array(at).T
    covered = np.mean((low <= fnmr.mean()) & (fnmr.mean() <= high))
    assert covered >= 0.85


def test_missed_faces_are_no_matches_at_any_threshold() -> None:
    templates, people = population()
    failed = np.zeros(len(people), bool)
    failed[0] = True
    pairs = metrics.all_pairs(templates, people, failed=failed, bins=128)
    curve = metrics.det_bands(pairs, replicates=50)
    assert curve.fnmr[-1] >= 2 / 3 / len(np.unique(people)) - 1e-12
    assert curve.fmr[-1] <= 1 - (len(people) - 3) / pairs.non_mated_total


def test_points_are_needed(pairs: metrics.PairScores) -> None:
    with pytest.raises(InvalidArgument, match="points"):
        metrics.det_bands(pairs, points=0)
