import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import KFold

from mien.datasets import bin as bin_module
from mien.datasets import read_bin, read_bin_pairs
from mien.errors import WrongLayout


class Hostile:
    def __init__(self, function: object, *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple:
        return self.function, self.arguments


def save(path: Path, content: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_bytes_and_arrays_of_every_protocol(tmp_path: Path, protocol: int) -> None:
    images = [b"\xff\xd8", b"", np.array([97, 98], np.uint8), np.frombuffer(b"cd", np.uint8)]
    path = save(tmp_path / "a.bin", (images, [True, False]), protocol)
    pairs = [(pair.first.source, pair.second.source, pair.mated, pair.fold) for pair in read_bin_pairs(path)]
    assert pairs == [(b"\xff\xd8", b"", True, 0), (b"ab", b"cd", False, 1)]
    assert [(record.person, record.capture) for record in read_bin(path)][3] == (None, "000003")


def test_a_pickle_of_python_2(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"\x80\x02](U\x02\xff\xd8U\x01be](\x88e\x86.")  # (['\xff\xd8', 'b'], [True])
    (pair,) = read_bin_pairs(path)
    assert (pair.first.source, pair.second.source, pair.mated) == (b"\xff\xd8", b"b", True)


@pytest.mark.parametrize("size", [10, 11, 19, 23, 600])
def test_folds_are_those_of_an_unshuffled_k_fold(tmp_path: Path, size: int) -> None:
    path = save(tmp_path / "a.bin", ([b"x"] * (2 * size), [True] * size))
    folds = np.array([pair.fold for pair in read_bin_pairs(path)])
    for fold, (_, test) in enumerate(KFold(10).split(np.zeros(size))):
        np.testing.assert_array_equal(np.flatnonzero(folds == fold), test)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_in_the_file_is_called(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "ran"
    path = save(tmp_path / "a.bin", ([Hostile(os.system, f"touch {trace}"), b""], [True]), protocol)
    with pytest.raises(WrongLayout, match=rf"{os.system.__module__}\.system"):
        read_bin_pairs(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "got 0", id="empty"),
        pytest.param(b"\xff\xd8 an image", "expected a pickle", id="no pickle"),
        pytest.param(pickle.dumps(([b"x" * 100] * 2, [True]))[:60], "expected a pickle", id="truncated"),
        pytest.param(b"\x80\x04]r\xff\xff\xff\x7f.", "expected a pickle", id="memo of gigabytes"),
        pytest.param(b"\x80\x05\x8e" + b"\xff" * 7 + b"\x7f.", "expected a pickle", id="bytes of exabytes"),
        pytest.param(b"(" * 50_000 + b"t" * 50_000 + b".", "expected a pickle", id="nested deep"),
        pytest.param(pickle.dumps([b"x"]), "expected a pickle", id="one list"),
        pytest.param(pickle.dumps({"images": []}), "got dict", id="dictionary"),
        pytest.param(pickle.dumps(([], [])), "0 images and 0 labels", id="nothing"),
        pytest.param(pickle.dumps(([b"x"] * 3, [True])), "3 images and 1 labels", id="other number"),
        pytest.param(pickle.dumps(([b"x"] * 2, [0])), "True or False, got int", id="label of no Boolean"),
        pytest.param(pickle.dumps((["x"] * 2, [True])), "image 0.*got str", id="text"),
        pytest.param(pickle.dumps(([b"x", np.zeros((2, 2), np.uint8)], [True])), "image 1.*another", id="2-D"),
        pytest.param(pickle.dumps(([b"x", np.zeros(2)], [True])), "image 1.*another", id="float64"),
        pytest.param(pickle.dumps(Hostile(bytearray, 1 << 40)), "builtins.bytearray", id="allocates"),
    ],
)
def test_a_file_not_as_published_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with pytest.raises(WrongLayout, match=message):
        read_bin_pairs(path)


def test_a_missing_file_and_one_above_the_cap_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongLayout, match="No such file"):
        read_bin(tmp_path / "a.bin")
    path = save(tmp_path / "a.bin", ([b"x"] * 2, [True]))
    monkeypatch.setattr(bin_module, "_MOST_BYTES", 8)
    with pytest.raises(WrongLayout, match="expected 1 to 8 bytes"):
        read_bin(path)
