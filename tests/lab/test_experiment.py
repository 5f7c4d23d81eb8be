import json
import runpy
from pathlib import Path

import pytest

from mien.errors import InvalidArgument, WrongLayout
from mien.lab import experiment

TOY = Path(__file__).with_name("toy.py")


@pytest.fixture(scope="module")
def method():
    return runpy.run_path(str(TOY))["METHOD"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "seed.txt"
    path.write_text("0")
    return path


def test_a_toy_method_goes_from_its_data_to_onnx(method, data, tmp_path):
    seen = []
    report = experiment.train(
        method, data, tmp_path, seeds=2, device="cpu", progress=lambda done, total: seen.append((done, total))
    )
    assert [run["seed"] for run in report["runs"]] == [0, 1]
    assert report["runs"][0]["accuracy"]["value"] == 1.0
    assert report["held_out"] == 6
    assert seen[-1] == (40, 40)
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert "<table>" in (tmp_path / "report.html").read_text()
    other = data.with_name("other.txt")
    other.write_text("1")
    tested = experiment.evaluate(method, other, tmp_path, device="cpu")
    assert tested["images"] == 60
    assert tested["runs"][0]["recall"] == {"dark": 1.0, "bright": 1.0}
    exported = experiment.export(method, tmp_path, tmp_path / "toy.onnx")
    assert exported["difference"] <= 1e-4
    assert exported["bytes"] == (tmp_path / "toy.onnx").stat().st_size


def test_a_toy_method_takes_less_than_60_lines():
    assert len(TOY.read_text().splitlines()) < 60


def test_two_runs_of_one_seed_are_the_same(method, data, tmp_path):
    first, second = (
        experiment.train(method, data, tmp_path / name, epochs=2, device="cpu")["runs"][0] for name in ("a", "b")
    )
    assert {**first, "seconds": 0} == {**second, "seconds": 0}


def test_methods_are_found_by_name():
    assert list(experiment.methods()) == ["balanced", "cmnet"]
    with pytest.raises(InvalidArgument, match="expected one of balanced, cmnet, got 'x'"):
        experiment.find_method("x")


def test_what_was_not_trained_cannot_be_judged(method, data, tmp_path):
    with pytest.raises(WrongLayout, match="mien lab train"):
        experiment.evaluate(method, data, tmp_path)
