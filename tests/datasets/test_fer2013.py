from pathlib import Path

import numpy as np
import pytest

from mien import media
from mien.datasets import EXPRESSIONS, read_fer2013
from mien.errors import WrongLayout

PIXELS = " ".join(["7"] * 48 * 48)
VOTED = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


def folders(root: Path, votes: str = "") -> Path:
    for subset in ("train", "public"):
        for name in EXPRESSIONS:
            folder = root / subset / name
            folder.mkdir(parents=True)
            media.write(folder / f"{subset}_1.png", np.full((48, 48, 3), 9, np.uint8))
    if votes:
        (root / "ferplus.csv").write_text(f"file,usage,label,{VOTED},ambiguous\n{votes}")
    return root


def table(root: Path, rows: str, votes: str = "") -> Path:
    (root / "fer2013.csv").write_text(f"emotion,pixels,Usage\n{rows}")
    if votes:
        (root / "fer2013new.csv").write_text(f"Usage,Image name,{VOTED}\n{votes}")
    return root


def test_folders_come_by_subset_and_class(tmp_path):
    entries = list(read_fer2013(folders(tmp_path)))
    assert [entry.expression for entry in entries] == [*EXPRESSIONS, *EXPRESSIONS]
    assert {entry.subset for entry in entries} == {"train", "public"}
    assert entries[0].record.capture == "train/angry/train_1.png"
    assert entries[0].votes is None


def test_images_that_nobody_voted_on_have_no_votes(tmp_path):
    votes = f"train/angry/train_1.png,Training,angry,{','.join(['-1'] * 10)},0\n"
    assert all(entry.votes is None for entry in read_fer2013(folders(tmp_path, votes)))


def test_votes_are_of_the_file_they_name_in_our_order(tmp_path):
    votes = "train/angry/train_1.png,Training,angry,1,2,3,4,5,6,7,8,9,10,0\n"
    entries = list(read_fer2013(folders(tmp_path, votes)))
    assert entries[0].votes == (5, 6, 7, 2, 4, 3, 1, 8, 9, 10)
    assert entries[1].votes is None


def test_the_csv_gives_images_in_memory_and_votes_row_for_row(tmp_path):
    root = table(
        tmp_path,
        f"0,{PIXELS},Training\n6,{PIXELS},PrivateTest\n",
        "Training,a.png,0,0,0,0,9,0,0,0,1,0\nPrivateTest,,10,0,0,0,0,0,0,0,0,0\n",
    )
    for given in (root, root / "fer2013.csv"):
        first, second = read_fer2013(given)
        assert (first.expression, first.subset, second.expression, second.subset) == (
            "angry",
            "train",
            "neutral",
            "private",
        )
        assert first.votes == (9, 0, 0, 0, 0, 0, 0, 0, 1, 0)
        assert (media.read(first.record.source) == 7).all()


@pytest.mark.parametrize(
    ("rows", "votes", "message"),
    [
        pytest.param(f"7,{PIXELS},Training\n", "", "a class from 0 to 6", id="class"),
        pytest.param(f"0,{PIXELS},Test\n", "", "a usage", id="usage"),
        pytest.param("0,1 2 3,Training\n", "", "expected 2304 pixels", id="few pixels"),
        pytest.param(f"0,{PIXELS[:-1]}300,Training\n", "", "expected 2304 pixels", id="no byte"),
        pytest.param("0\n", "", "cells", id="short row"),
        pytest.param(f"0,{PIXELS},Training\n", "PublicTest,a,0,0,0,0,9,0,0,0,1,0\n", "in its order", id="other votes"),
        pytest.param(f"0,{PIXELS},Training\n", "\n", "in its order", id="no votes"),
        pytest.param(f"0,{PIXELS},Training\n", "Training,a,x,0,0,0,9,0,0,0,1,0\n", "ten counts", id="no counts"),
    ],
)
def test_a_faulty_csv_is_refused(tmp_path, rows, votes, message):
    with pytest.raises(WrongLayout, match=message):
        list(read_fer2013(table(tmp_path, rows, votes)))


def test_neither_layout_is_told(tmp_path):
    with pytest.raises(WrongLayout, match="as folders"):
        list(read_fer2013(tmp_path))
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(WrongLayout, match="expected the columns"):
        list(read_fer2013(tmp_path / "other.csv"))
