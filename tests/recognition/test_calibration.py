import json
import math

import numpy as np
import pytest

from mien.errors import InvalidArgument, NotCalibrated, UnsupportedErrorRate, UnwritableFile
from mien.recognition import calibration as module
from mien.recognition.calibration import Calibration, comparison_type, load_calibration
from mien.recognition.points import Comparison, IdentificationPoint, Population, VerificationPoint


def points(offset=0.0, lowest=1e-5):
    rates = [rate for rate in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6) if rate >= lowest / 1.5]
    made = [VerificationPoint(r, offset - math.log10(r) / 10, r / 2, r * 2, 0.01, 300, 100, True) for r in rates]
    return (*made, VerificationPoint(lowest / 10, 0.9, 0.0, lowest, 0.5, 3, 3, False))


def searches():
    for size, shift in ((10, 0.0), (100, 0.1), (1000, 0.2)):
        for rate in (0.1, 0.01):
            yield IdentificationPoint(
                size, rate, 0.3 + shift - math.log10(rate) / 20, rate / 2, 2 * rate, 0.1, 50, 40, True
            )
        yield IdentificationPoint(size, 0.001, 0.9, 0.0, 0.01, 0.5, 5, 5, False)


@pytest.fixture
def calibration():
    comparisons = {
        "image-image": Comparison(1000, 10_000_000, points(), (20.0, -8.0)),
        "image-person/1": Comparison(500, 5_000_000, points(), (20.0, -8.0)),
        "image-person/2-4": Comparison(300, 3_000_000, points(0.05, 1e-4), (22.0, -9.0)),
    }
    return Calibration("test", "p/q", Population("drawn", 100, 900, "none"), comparisons, tuple(searches()))


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (1, "image-person/1"),
        (2, "image-person/2-4"),
        (4, "image-person/2-4"),
        (5, "image-person/5+"),
        (90, "image-person/5+"),
    ],
)
def test_comparison_types(samples, expected):
    assert comparison_type(samples) == expected
    assert comparison_type(samples, probe="track") == expected.replace("image", "track")
    assert {comparison_type(samples), comparison_type(samples, probe="track")} <= set(module.COMPARISON_TYPES)


@pytest.mark.parametrize(("samples", "probe", "message"), [(0, "image", "samples"), (1, "clip", "probe.*'clip'")])
def test_what_is_no_comparison_type(samples, probe, message):
    with pytest.raises(InvalidArgument, match=message):
        comparison_type(samples, probe=probe)


@pytest.mark.parametrize("fmr", [1e-2, 1e-4, 1e-5, 3e-4, 2e-3])
def test_thresholds_are_interpolated_over_the_logarithm(calibration, fmr):
    threshold = calibration.verification_threshold("image-image", fmr)
    assert threshold.value == pytest.approx(-math.log10(fmr) / 10)
    assert threshold.low < fmr < threshold.high


def test_a_rate_above_the_highest_gets_the_strictness_of_the_highest(calibration):
    assert calibration.verification_threshold("image-image", 0.3).value == pytest.approx(0.2)


def test_a_rate_below_the_support_is_refused_with_its_bound(calibration):
    with pytest.raises(UnsupportedErrorRate, match=r"lowest it can promise is 1e-05.*refit") as caught:
        calibration.verification_threshold("image-image", 1e-6)
    assert caught.value.details["bound"] == 1e-5
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("rate", [0, 1, -0.1, 7, math.nan])
def test_rates_lie_between_0_and_1(calibration, rate):
    with pytest.raises(InvalidArgument, match="between 0 and 1"):
        calibration.verification_threshold("image-image", rate)
    with pytest.raises(InvalidArgument, match="between 0 and 1"):
        calibration.identification_threshold(rate, 100)


def test_an_unknown_comparison_type_is_not_guessed(calibration):
    with pytest.raises(NotCalibrated, match=r"image-person/5\+"):
        calibration.verification_threshold("image-person/5+", 1e-2)


@pytest.mark.parametrize(("people", "expected"), [(10, 0.4), (100, 0.5), (1000, 0.6), (316, 0.55)])
def test_search_thresholds_rise_with_the_logarithm_of_the_gallery(calibration, people, expected):
    assert calibration.identification_threshold(0.01, people).value == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("people", [1, 3, 9, 1001, 900])
def test_outside_the_sizes_tried_the_sum_of_comparisons_bounds_the_rate(calibration, people):
    fpir = 0.009 if people < 10 else 0.02 * people / 900
    got = calibration.identification_threshold(fpir, people)
    if people == 900:
        assert got.low > 0
        return
    assert got.value == pytest.approx(calibration.verification_threshold("image-person/1", fpir / people).value)
    assert got.high == pytest.approx(min(1.0, 2 * fpir))


@pytest.mark.parametrize(("people", "fpir", "bound"), [(100, 0.001, 0.01), (1_000_000, 0.01, 1.0), (2000, 0.01, 0.02)])
def test_an_unsupported_search_is_refused_with_its_bound(calibration, people, fpir, bound):
    with pytest.raises(UnsupportedErrorRate) as caught:
        calibration.identification_threshold(fpir, people)
    assert caught.value.details["bound"] == pytest.approx(bound)


def test_people_with_several_samples_get_their_own_threshold(calibration):
    single = calibration.identification_threshold(0.01, 100)
    several = calibration.identification_threshold(0.01, 100, "image-person/2-4")
    assert several.value - single.value == pytest.approx(0.05)


def test_llr(calibration):
    assert calibration.llr("image-image", 0.5) == pytest.approx(2.0)
    assert calibration.llr("image-image", -math.inf) is None
    assert calibration.llr("image-person/5+", 0.5) is None


def test_json_there_and_back(calibration, tmp_path):
    path = calibration.save(tmp_path / "deep" / "c.json")
    assert load_calibration("p/q", path) == calibration
    assert json.loads(path.read_text())["schema"] == "mien.calibration/1"
    assert [entry.name for entry in path.parent.iterdir()] == ["c.json"]


def test_a_place_that_cannot_be_written_is_told(calibration, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UnwritableFile, match="file"):
        calibration.save(tmp_path / "file" / "c.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UnwritableFile, match="folder"):
        calibration.save(tmp_path / "folder")


def test_the_users_own_calibration_is_preferred(calibration, tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_CALIBRATIONS", str(tmp_path))
    assert load_calibration("p/q") is None
    calibration.save()
    assert load_calibration("p/q") == calibration


def test_a_calibration_of_another_pipeline_is_refused(calibration, tmp_path):
    path = calibration.save(tmp_path / "c.json")
    with pytest.raises(NotCalibrated, match="p/q"):
        load_calibration("other", path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "mien.faces/1"}', '{"schema": "mien.calibration/1"}'])
def test_a_file_that_is_no_calibration_is_refused(tmp_path, text):
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(InvalidArgument, match=r"c\.json"):
        load_calibration("p/q", path)


def test_the_shipped_calibration_is_monotone_and_reaches_1e_4():
    (name,) = [p for p in _shipped_pipelines() if "sface" in p]
    shipped = module._shipped(name)
    assert set(shipped.comparisons) == set(module.COMPARISON_TYPES)
    assert shipped.population.limits
    for comparison in shipped.comparisons.values():
        thresholds = [point.threshold for point in comparison.supported]
        assert np.all(np.diff(thresholds) > 0)
        assert all(point.low <= point.fmr <= point.high for point in comparison.supported)
        assert all(point.errors >= 30 and point.people >= 30 for point in comparison.supported)
        assert comparison.llr[0] > 0
    assert shipped.verification_threshold("image-image", 1e-4).value < 0.5
    sizes = [shipped.identification_threshold(0.01, people).value for people in (1, 5, 10, 100, 1000, 3000)]
    assert np.all(np.diff(sizes) > 0)


def _shipped_pipelines():
    from importlib import resources

    folder = resources.files("mien.recognition") / "calibrations"
    return [json.loads(entry.read_text())["pipeline"] for entry in folder.iterdir()]


def test_a_data_folder_that_cannot_be_looked_into_holds_no_calibration(monkeypatch):
    monkeypatch.setenv("MIEN_CALIBRATIONS", "x" * 300)
    assert load_calibration("nobody/calibrated/this") is None
