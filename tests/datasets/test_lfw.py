from pathlib import Path

import pytest
from PIL import Image

from mien.datasets import read_folder, read_lfw, read_lfw_pairs
from mien.errors import WrongLayout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("A_B/A_B_0001", "A_B/A_B_0002", "C_D/C_D_0001"):
        path = tmp_path / "lfw" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)
    (tmp_path / "pairs.txt").write_text("2\t1\nA_B\t1\t2\nA_B\t1\tC_D\t1\nA_B\t2\t1\nC_D\t1\tA_B\t2\n")
    return tmp_path


def test_captures_are_sorted_and_named_from_the_images_folder(root: Path) -> None:
    captures = [(record.person, record.capture) for record in read_lfw(root)]
    assert captures == [("A_B", "A_B/A_B_0001.jpg"), ("A_B", "A_B/A_B_0002.jpg"), ("C_D", "C_D/C_D_0001.jpg")]
    assert list(read_lfw(root)) == list(read_folder(root / "lfw"))


def test_pairs_come_fold_by_fold_mated_first(root: Path) -> None:
    pairs = list(read_lfw_pairs(root))
    assert [(pair.mated, pair.fold) for pair in pairs] == [(True, 0), (False, 0), (True, 1), (False, 1)]
    assert pairs[3].first.capture == "C_D/C_D_0001.jpg"
    assert pairs[3].second.capture == "A_B/A_B_0002.jpg"


def test_view_1_is_one_fold_with_spaces_and_crlf(root: Path) -> None:
    (root / "pairsDevTrain.txt").write_bytes(b"1\r\nA_B 1 2\r\nA_B 1 C_D 1\r\n")
    assert [(pair.mated, pair.fold) for pair in read_lfw_pairs(root, view=1, subset="train")] == [(True, 0), (False, 0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(b"", "expected folds and pairs", id="empty"),
        pytest.param(b"1\t1\nA_B\t1\t2\n", "expected 2 pairs, got 1", id="truncated"),
        pytest.param(b"1\t1\nA_B\t1\n", "pairs.txt:2: expected name", id="short line"),
        pytest.param(b"1\t1\nA_B\t1\tx\n", "whole number from 1, got 'x'", id="no index"),
        pytest.param(b"1\t1\nA_B\t1\t9\n", "is not there", id="missing image"),
        pytest.param(b"1\t1\n../../etc\t1\t2\n", "leaves", id="leaves the root"),
        pytest.param(b"1\t1\n\xff\t1\t2\n", "UTF-8", id="other encoding"),
    ],
)
def test_a_list_not_as_published_is_refused(root: Path, text: bytes, message: str) -> None:
    (root / "pairs.txt").write_bytes(text)
    with pytest.raises(WrongLayout, match=message):
        list(read_lfw_pairs(root))


def test_two_folders_of_images_need_a_name(root: Path) -> None:
    (root / "lfw").rename(root / "crops")
    (root / "frames" / "A_B").mkdir(parents=True)
    (root / "frames" / "A_B" / "A_B_0001.jpg").touch()
    with pytest.raises(WrongLayout, match="crops, frames"):
        list(read_lfw(root))
    assert len(list(read_lfw(root, images="crops"))) == 3


def test_a_missing_list_says_what_was_found(root: Path) -> None:
    (root / "pairs.txt").unlink()
    with pytest.raises(WrongLayout, match=r"not there; expected the published LFW layout.*Found.*lfw"):
        list(read_lfw_pairs(root))
