import numpy as np
import pytest

from mien import recognition
from mien.cli import main
from mien.errors import UnreadableImage
from mien.types import Faces


class FakePipeline:
    def find_all_indexed(self, sources, *, on_error):
        for index, source in enumerate(sources):
            if "bad" in source.name:
                on_error(index, UnreadableImage(f"{source}: empty file"))
                continue
            n = 0 if "empty" in source.name else 1
            boxes = [[10.4, 20.6, 110, 140]] * n
            faces = Faces.of(boxes, [0.95] * n, np.zeros((n, 5, 2)), (200, 200), image_index=index)
            yield index, np.zeros((200, 200, 3), np.uint8), faces


@pytest.fixture(autouse=True)
def pipeline(monkeypatch):
    monkeypatch.setattr(recognition, "default_pipeline", FakePipeline)
    monkeypatch.setattr("mien.quality.reasons", lambda faces: (("blurred",),) * len(faces))


def test_table_says_where_faces_are_and_why_not_to_trust_them(files, capsys):
    folder = files("a.jpg", "empty.jpg")
    assert main(["detect", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}/a.jpg: 1 face",
        "  1  10,21 to 110,140 px  score 0.95  (blurred)",
        f"{folder}/empty.jpg: no face",
    ]


def test_bad_files_are_passed_over_and_listed(files, capsys):
    folder = files("bad.jpg", "c.jpg")
    assert main(["detect", str(folder / "bad.jpg"), str(folder / "c.jpg")]) == 3
    out, err = capsys.readouterr()
    assert out.startswith(f"{folder}/c.jpg: 1 face")
    assert "mien: 1 of 2 images failed:" in err


def test_a_folder_without_images_is_named(tmp_path, capsys):
    assert main(["detect", str(tmp_path)]) == 3
    assert str(tmp_path) in capsys.readouterr().err


def test_a_path_that_cannot_be_examined_is_left_to_the_reader(capsys):
    assert main(["detect", f"{'bad' * 100}.jpg"]) == 3
    assert "empty file" in capsys.readouterr().err


def test_an_empty_path_is_not_the_current_folder(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["detect", ""])
    assert "got an empty text" in capsys.readouterr().err
