"""`mien background`: real photos, copies that are kept, and what is left out."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest

from mien import media
from mien.cli import main

pytestmark = [pytest.mark.weights, pytest.mark.samples]


@pytest.fixture
def folder(weights, samples, tmp_path):
    root = tmp_path / "photos"
    (root / "deep").mkdir(parents=True)
    shutil.copy(samples / "obama.jpg", root)
    shutil.copy(samples / "biden.jpg", root / "deep")
    media.write(root / "empty.png", np.full((64, 64, 3), 90, np.uint8))
    return root


def test_a_folder_is_done_once_and_what_has_no_face_is_listed(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["background", str(folder), "--save", str(out)]) == 3
    said = capsys.readouterr()
    assert "2 photos written" in said.out
    assert "1 of 3 images failed" in said.err
    assert sorted(path.name for path in out.rglob("*.*")) == ["biden.jpg", "obama.jpg"]
    assert (media.read(out / "obama.jpg")[:5, :5] > 250).all()
    written = (out / "obama.jpg").stat().st_mtime_ns
    assert main(["background", str(folder), "--save", str(out)]) == 3
    assert "0 photos written, 2 copies there already" in capsys.readouterr().out
    assert (out / "obama.jpg").stat().st_mtime_ns == written
    assert main(["background", str(folder / "obama.jpg"), "--save", str(out), "--again", "--to", "grey"]) == 0
    assert abs(int(media.read(out / "obama.jpg")[2, 2, 0]) - 211) < 4


def test_json_tells_what_was_written(folder, tmp_path, capsys):
    picture = tmp_path / "beach.png"
    media.write(picture, np.full((30, 90, 3), (10, 200, 30), np.uint8))
    out = tmp_path / "out"
    assert main(["background", str(folder), "--to", str(picture), "--save", str(out), "--format", "json"]) == 3
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    written = [line for line in lines if line["schema"] == "mien.background/1"]
    assert {line["written"] for line in written} == {str(out / "obama.jpg"), str(out / "deep" / "biden.jpg")}
    assert [line["error"]["code"] for line in lines if "error" in line] == ["no_face"]
    assert np.abs(media.read(out / "obama.jpg")[3, 3].astype(int) - (10, 200, 30)).max() < 8


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--to", "white"], 2),
        (["--save", "."], 2),
        (["--save", "out", "--to", "nowhere.png"], 3),
        (["--save", "out", "--feather", "-1"], 2),
        (["--save", "out", "--segmenter", "sam"], 2),
    ],
    ids=["no folder", "would overwrite", "no picture", "feather", "segmenter"],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(folder, monkeypatch, arguments, status):
    monkeypatch.chdir(folder)
    before = (folder / "obama.jpg").read_bytes()
    with pytest.raises(SystemExit) as stopped:
        # argparse exits by itself, the command returns its status.
        sys.exit(main(["background", "obama.jpg", *arguments]))
    assert stopped.value.code == status
    assert (folder / "obama.jpg").read_bytes() == before
    assert not (folder / "out").exists()
