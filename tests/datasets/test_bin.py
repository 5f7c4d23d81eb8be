import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien import media
from mien.datasets import read_bin, read_bin_pairs
from mien.errors import WrongLayout


def jpeg(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (shade, shade, shade)).save(buffer, "JPEG")
    return buffer.getvalue()


IMAGES = [jpeg(shade) for shade in range(0, 240, 10)]
LABELS = [True, False] * 6


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("as_arrays", [False, True], ids=["bytes", "arrays"])
def test_pairs_as_insightface_writes_them(tmp_path: Path, protocol: int, as_arrays: bool) -> None:
    images = [np.frombuffer(image, np.uint8) for image in IMAGES] if as_arrays else IMAGES
    path = tmp_path / "set.bin"
    path.write_bytes(pickle.dumps((images, LABELS), protocol=protocol))
    pairs = list(read_bin_pairs(path))
    assert [pair.mated for pair in pairs] == LABELS
    # As scikit-learn's KFold cuts twelve into ten: the first two folds take one more.
    assert [pair.fold for pair in pairs] == [0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    sources = [record.source for pair in pairs for record in (pair.first, pair.second)]
    assert sources == IMAGES
    assert media.read(pairs[1].first.source).shape == (16, 16, 3)
    assert [record.source for record in read_bin(path)] == IMAGES
    assert {record.person for record in read_bin(path)} == {None}
    assert len({record.capture for record in read_bin(path)}) == len(IMAGES)


class Command:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_file_that_would_run_something_is_refused_and_runs_nothing(tmp_path: Path, protocol: int) -> None:
    target, path = tmp_path / "ran", tmp_path / "evil.bin"
    path.write_bytes(pickle.dumps(([Command(target)], [True]), protocol=protocol))
    with pytest.raises(WrongLayout, match=r"a reference to (posix|nt)\.system.*do not trust it"):
        list(read_bin_pairs(path))
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "expected 1 to", id="empty"),
        pytest.param(b"no pickle at all", "expected a pickle", id="no pickle"),
        pytest.param(pickle.dumps((IMAGES, LABELS))[:-40], "expected a pickle", id="cut short"),
        pytest.param(pickle.dumps([1, 2, 3]), "expected", id="something else"),
        pytest.param(pickle.dumps((IMAGES[:-1], LABELS)), "23 images and 12 labels", id="an image short"),
        pytest.param(pickle.dumps(([], [])), "0 images", id="nothing in it"),
        pytest.param(pickle.dumps((["text", "text"], [True])), "encoded image", id="no images"),
        pytest.param(pickle.dumps(([np.zeros((2, 2), np.uint8)] * 2, [True])), "encoded image", id="decoded images"),
        pytest.param(pickle.dumps(([np.zeros(4)] * 2, [True])), "encoded image", id="other numbers"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "set.bin"
    path.write_bytes(content)
    with pytest.raises(WrongLayout, match=message):
        list(read_bin_pairs(path))


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.bin", tmp_path):
        with pytest.raises(WrongLayout, match="cannot be read"):
            list(read_bin(path))
