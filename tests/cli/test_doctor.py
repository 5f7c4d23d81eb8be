import json
import os
from pathlib import Path

import pytest

from mien import models
from mien.cli import main
from mien.errors import RuntimeUnavailable
from mien.models import Proof, Status


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with one sound model, and knobs to break it."""
    state = {"status": Status("m", "ok", Path("m.onnx"), "models folder"), "error": None}

    def open_session(name, *, device):
        if state["error"]:
            raise state["error"]
        return name

    monkeypatch.setattr(models, "verify", lambda: [state["status"]])
    monkeypatch.setattr(models, "open_session", open_session)
    monkeypatch.setattr(models, "prove", lambda name: Proof(name, "openvino", "CPU", "bf16", 3.25, (112, 112)))
    calibration = {"pipeline": "p", "name": None, "population": None, "path": None, "error": None}
    monkeypatch.setattr("mien.cli.doctor._calibration", lambda: calibration)
    monkeypatch.setenv("MIEN_GALLERY", str(tmp_path / "people.mien"))
    return state


def examine(capsys, *options):
    status = main(["doctor", "--format", "json", *options])
    return status, json.loads(capsys.readouterr().out)


def test_a_healthy_machine_is_proven_by_a_timed_run(machine, capsys):
    status, report = examine(capsys)
    assert (status, report["schema"], report["healthy"]) == (0, "mien.doctor/1", True)
    assert report["models"][0]["proof"]["milliseconds"] == 3.25
    assert report["models"][0]["source"] == "models folder"
    assert report["versions"]["numpy"]


@pytest.mark.parametrize("state", ["missing", "damaged"])
def test_weights_that_are_not_sound_exit_4_and_say_what_to_do(state, machine, capsys):
    machine["status"] = Status("m", state)
    assert main(["doctor"]) == 4
    assert f"m: weights {state}; fetch them: mien models pull m" in capsys.readouterr().out


def test_a_device_that_does_not_run_exits_4_and_says_why(machine, capsys):
    machine["error"] = RuntimeUnavailable("cuda: the runtime would use the CPU")
    assert main(["doctor", "--device", "cuda"]) == 4
    assert "m: cuda: the runtime would use the CPU" in capsys.readouterr().out


def test_no_calibration_is_said(machine, capsys):
    assert main(["doctor"]) == 0
    assert "calibration: none for p: everybody stays unknown" in capsys.readouterr().out


def test_examining_makes_no_gallery(machine, capsys, tmp_path):
    _, report = examine(capsys)
    assert report["gallery"]["exists"] is False
    assert list(tmp_path.iterdir()) == []


def test_a_gallery_whose_folder_cannot_be_looked_into_is_not_there(machine, capsys, monkeypatch):
    monkeypatch.setenv("MIEN_GALLERY", "x" * 300)
    assert examine(capsys)[1]["gallery"]["exists"] is False


@pytest.mark.skipif(os.name != "posix", reason="file modes")
@pytest.mark.parametrize(("mode", "private"), [(0o600, True), (0o644, False)])
def test_a_gallery_others_can_read_is_said(mode, private, machine, capsys, tmp_path):
    path = tmp_path / "people.mien"
    path.touch()
    path.chmod(mode)
    _, report = examine(capsys)
    assert report["gallery"]["private"] is private
    main(["doctor"])
    assert ("others can read it" in capsys.readouterr().out) is not private


def test_a_gallery_location_that_cannot_be_is_said(machine, capsys):
    status, report = examine(capsys, "--gallery", "ftp://people")
    assert status == 0
    assert report["gallery"]["error"]["code"] == "invalid_argument"
