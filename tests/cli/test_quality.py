import json

import numpy as np
import pytest

from mien import media, recognition
from mien.cli import main
from mien.errors import NoFace
from mien.quality import COMPONENTS, Examination, Measured
from mien.types import Faces

IMAGE = np.full((60, 80, 3), 90, np.uint8)
FACES = Faces.of([[20, 10, 60, 50]], [0.9], np.full((1, 5, 2), 30), (80, 60))


@pytest.fixture(autouse=True)
def examined(monkeypatch):
    """Examines by file name, and remembers what it was asked."""
    asked = []

    def examine(source):
        asked.append(source.name)
        if "nobody" in source.name:
            raise NoFace(f"{source}: expected a face, found none", source=str(source))
        values = {"yaw": 30.0 if "turned" in source.name else 1.0, "sharpness": 0.2}
        components = {name: Measured(value, COMPONENTS[name].score(value)) for name, value in values.items()}
        return IMAGE, FACES, Examination((20.0, 10.0, 60.0, 50.0), (80, 60), 91.0, components)

    monkeypatch.setattr(recognition, "examine", examine)
    return asked


def test_one_photo_is_told_in_full(files, capsys):
    folder = files("turned.jpg")
    assert main(["quality", str(folder / "turned.jpg")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{folder}/turned.jpg: quality 91, not fit for a document"
    assert lines[1] == "  turned to a side: look straight into the camera"
    assert lines[2].startswith("  not measured: single face, inter eye distance")
    assert any(line.split()[:3] == ["yaw", "75", "30"] for line in lines)
    assert any("not measured" in line and line.startswith("pitch") for line in lines)


def test_a_folder_is_a_line_a_photo_past_bad_ones(files, capsys):
    folder = files("a.jpg", "nobody.jpg", "z.jpg")
    assert main(["quality", str(folder)]) == 3
    out, err = capsys.readouterr()
    firsts = [line for line in out.splitlines() if not line.startswith("  ")]
    assert firsts == [
        f"{folder}/{name}: quality 91, nothing wrong that could be measured" for name in ("a.jpg", "z.jpg")
    ]
    assert err.splitlines()[0] == "mien: 1 of 3 images failed:"


def test_json_has_a_document_a_photo(files, capsys):
    folder = files("nobody.jpg", "turned.jpg")
    assert main(["quality", str(folder), "--format", "json"]) == 3
    error, document = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert error["error"]["code"] == "no_face"
    assert (document["schema"], document["fit"]) == ("mien.quality/1", False)
    assert document["reasons"] == [
        {
            "reason": "turned",
            "words": "turned to a side",
            "advice": "look straight into the camera",
            "components": ["yaw"],
        }
    ]
    assert set(document["components"]) == set(COMPONENTS)


def test_a_folder_goes_on_where_it_was(files, tmp_path, capsys, examined):
    folder, out = files("a.jpg", "turned.jpg"), tmp_path / "checked"
    assert main(["quality", str(folder), "--save", str(out)]) == 0
    first = capsys.readouterr().out
    assert media.read(out / "turned.jpg").shape[0] > IMAGE.shape[0]
    assert main(["quality", str(folder), "--save", str(out)]) == 0
    assert capsys.readouterr().out == first
    assert examined == ["a.jpg", "turned.jpg"]
    (folder / "a.jpg").write_bytes(b"another photo")
    (out / "turned.jpg").unlink()
    assert main(["quality", str(folder), "--save", str(out)]) == 0
    assert examined[2:] == ["a.jpg", "turned.jpg"]


@pytest.mark.parametrize("broken", [b"", b"[]", b"{}", b"\xff"])
def test_an_answer_that_is_none_is_made_again(files, tmp_path, examined, broken):
    folder, out = files("a.jpg"), tmp_path / "checked"
    main(["quality", str(folder), "--save", str(out)])
    (out / "a.json").write_bytes(broken)
    assert main(["quality", str(folder), "--save", str(out)]) == 0
    assert len(examined) == 2
    assert json.loads((out / "a.json").read_bytes())["schema"] == "mien.quality/1"
