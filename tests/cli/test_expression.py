import json

import numpy as np
import pytest

from mien import expression
from mien.cli import main
from mien.errors import UnreadableImage
from mien.expression import Reading
from mien.types import Faces


class FakeReader:
    """Finds a face in each image whose name does not say otherwise."""

    def __init__(self, recognizer):
        pass

    def read_all(self, sources, *, on_error):
        for index, source in enumerate(sources):
            if "bad" in source.name:
                on_error(index, UnreadableImage(f"{source}: empty file"))
            else:
                yield Reading(index, np.zeros((60, 60, 3), np.uint8), faces(0 if "empty" in source.name else 1))

    def watch(self, frames):
        for index in range(4):
            yield Reading(index, np.zeros((60, 60, 3), np.uint8), faces(1, track=0, moment=index / 2))


class FakeVideo:
    damaged = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def faces(n, track=-1, moment=float("nan")):
    found = Faces.of([[10, 20, 50, 60]] * n, [0.9] * n, np.zeros((n, 5, 2)), (60, 60), timestamp=moment)
    told = np.tile(np.array([0, 0, 0, 0.75, 0, 0.2, 0.05], np.float32), (n, 1))
    columns = {name: getattr(found, name) for name in ("boxes", "scores", "landmarks", "image_size", "image_index")}
    return Faces(**columns, timestamp=found.timestamp, track_id=np.full(n, track), extra={"expression": told})


@pytest.fixture(autouse=True)
def reader(monkeypatch):
    monkeypatch.setattr(expression, "ExpressionReader", FakeReader)
    asked = []
    monkeypatch.setattr(expression, "ExpressionRecognizer", lambda model, labels: asked.append((model, labels)))
    monkeypatch.setattr("mien.media.open_video", lambda path, fps: FakeVideo())
    return asked


def test_the_model_and_the_labels_that_are_asked_for_are_used(files, reader):
    photo = str(files("a.jpg") / "a.jpg")
    assert main(["expression", "photo", photo]) == 0
    assert main(["expression", "photo", photo, "--model", "accurate", "--labels", "ferplus"]) == 0
    assert reader == [("small", "fer2013"), ("accurate", "ferplus")]


def test_photos_are_told_face_by_face(files, capsys):
    folder = files("a.jpg", "empty.jpg")
    assert main(["expression", "folder", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}/a.jpg: 1 face",
        "  1  10,20 to 50,60 px  happy 0.75, surprise 0.20",
        f"{folder}/empty.jpg: no face",
    ]


def test_json_names_the_classes(files, capsys):
    folder = files("a.jpg")
    assert main(["expression", "photo", str(folder / "a.jpg"), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "mien.expressions/1"
    assert document["faces"][0]["expression"] == "happy"
    assert document["faces"][0]["probabilities"]["surprise"] == 0.2


def test_bad_files_are_passed_over_and_listed(files, capsys):
    folder = files("bad.jpg", "c.jpg")
    assert main(["expression", "folder", str(folder)]) == 3
    out, err = capsys.readouterr()
    assert out.startswith(f"{folder}/c.jpg: 1 face")
    assert "mien: 1 of 2 images failed:" in err


def test_a_video_is_told_track_by_track_and_drawn(tmp_path, capsys):
    plot = tmp_path / "a.svg"
    assert main(["expression", "video", "a.mp4", "--plot", str(plot)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "a.mp4: 1 track",
        "track  from   to     seems",
        "0      0.0 s  1.8 s  happy 0.75, surprise 0.20",
    ]
    assert plot.read_text().startswith("<svg")


def test_a_video_as_json_is_a_document_a_track(capsys):
    assert main(["expression", "video", "a.mp4", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "mien.expression_track/1"
    assert [entry["seconds"] for entry in document["timeline"]] == [0.125, 0.625, 1.125, 1.625]
