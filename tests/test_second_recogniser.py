"""A gallery moves to the second recogniser, and works there by itself."""

import json

import pytest

from mien.cli import main
from mien.errors import RuntimeUnavailable
from mien.models import session
from mien.recognition import recognisers

pytestmark = [pytest.mark.weights, pytest.mark.samples]


@pytest.fixture
def moved(weights, samples, tmp_path, monkeypatch, capsys):
    """A gallery of two people whose collection ``second`` is theirs in dlib's space."""
    pytest.importorskip("dlib", reason="the extra dlib is not installed")
    monkeypatch.setenv("MIEN_GALLERY", str(tmp_path / "people.mien"))
    monkeypatch.setenv("MIEN_CALIBRATIONS", str(tmp_path / "none"))
    assert main(["enroll", "Barack", str(samples / "obama.jpg"), "--purpose", "test"]) == 0
    assert main(["enroll", "Joe", str(samples / "biden.jpg")]) == 0
    photos = [str(samples / name) for name in ("obama.jpg", "biden.jpg", "multi_face.jpg")]
    assert main(["gallery", "reembed", "--from", *photos, "--recogniser", "dlib", "--into", "second"]) == 0
    assert "second: 2 people, 2 samples (dlib-resnet-v1)" in capsys.readouterr().out
    return samples


def names(capsys, *more):
    assert main(["identify", *more, "--format", "json"]) == 0
    faces = json.loads(capsys.readouterr().out)["faces"]
    return [face["decision"]["candidates"][0]["label"] if face["decision"]["match"] else None for face in faces]


def test_both_collections_name_the_same_people(moved, capsys):
    photo = str(moved / "obama2.jpg")
    assert names(capsys, photo) == names(capsys, photo, "--collection", "second") == ["Barack"]


def test_consent_moves_along(moved, capsys):
    main(["people", "show", "Barack", "--collection", "second", "--format", "json"])
    assert json.loads(capsys.readouterr().out)["purpose"] == "test"


def test_a_collection_keeps_its_recogniser(moved, capsys):
    photo = str(moved / "obama2.jpg")
    assert main(["enroll", "Barack", photo, "--collection", "second"]) == 0
    assert main(["enroll", "Barack", photo, "--collection", "second", "--recogniser", "sface"]) == 4
    assert "dlib-resnet-v1" in capsys.readouterr().err


def test_without_the_extra_the_collection_says_what_it_needs(moved, monkeypatch, capsys):
    recognisers._open.cache_clear()
    monkeypatch.setattr(session, "find_spec", lambda name: None)
    assert main(["identify", str(moved / "obama2.jpg"), "--collection", "second"]) == RuntimeUnavailable.exit_status
    assert "pip install 'mien[dlib]'" in capsys.readouterr().err
