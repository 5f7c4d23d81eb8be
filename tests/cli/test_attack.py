"""`mien attack`: a morph is made with a consent, found again, and never where it would do harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mien.cli import main

pytestmark = [pytest.mark.weights, pytest.mark.samples]


@pytest.fixture(scope="module")
def made(weights, samples, tmp_path_factory):
    path = tmp_path_factory.mktemp("morphs") / "morph.png"
    parents = [str(samples / "biden.jpg"), str(samples / "obama.jpg")]
    assert main(["attack", "make-morph", *parents, "--consent", "official portraits", "--save", str(path)]) == 0
    return path


def test_a_morph_is_found_and_a_portrait_is_not(made, samples, capsys):
    live = ["--live", str(samples / "obama2.jpg")]
    assert main(["attack", "morph", str(made), *live]) == 1
    said = capsys.readouterr().out
    assert ": a morph\n" in said
    assert "a morph from 0." in said
    assert main(["attack", "morph", str(samples / "obama.jpg"), *live]) == 0
    assert ": no morph\n" in capsys.readouterr().out


def test_folders_go_on_past_bad_files_as_json(made, samples, capsys):
    (made.parent / "bad.png").write_bytes(b"no image")
    assert main(["attack", "morph", str(made.parent), "--live", str(samples / "obama2.jpg"), "--format", "json"]) == 3
    documents = {Path(line["source"]).name: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert documents["morph.png"]["schema"] == "mien.morph/1"
    assert documents["morph.png"]["morph"] is True
    assert documents["bad.png"]["error"]["code"] == "unreadable_image"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["--consent", ""], "who agreed"),
        (["--share", "1"], "0.1 to 0.9"),
        (["--save", "morph.bmp"], "no room"),
        (["--save", "FIRST"], "another file"),
    ],
)
def test_what_would_do_harm_is_refused(changed, message, samples, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = str(samples / "obama.jpg"), str(samples / "biden.jpg")
    asked = ["attack", "make-morph", first, second, "--consent", "both", "--save", "out.png", *changed]
    assert main([first if part == "FIRST" else part for part in asked]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_consent_has_to_be_given(samples, capsys):
    with pytest.raises(SystemExit):
        main(["attack", "make-morph", str(samples / "obama.jpg"), str(samples / "biden.jpg"), "--save", "out.png"])
    assert "--consent" in capsys.readouterr().err
