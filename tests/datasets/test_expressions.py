from pathlib import Path

import numpy as np
import pytest

from mien.datasets import read_affectnet, read_ck, read_kdef, read_rafdb
from mien.errors import WrongLayout


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def ck(root: Path, label: str = "   3.0000000e+00\n", images: int = 5) -> Path:
    touch(root, *(f"cohn-kanade-images/S005/001/S005_001_{n:08}.png" for n in range(1, images + 1)))
    path = touch(root, "Emotion/S005/001/S005_001_00000011_emotion.txt") / "Emotion/S005/001"
    (path / "S005_001_00000011_emotion.txt").write_text(label)
    return root


def test_ck_gives_the_first_image_as_neutral_and_the_peak(tmp_path):
    entries = list(read_ck(ck(tmp_path)))
    assert [entry.expression for entry in entries] == ["neutral", "disgust", "disgust", "disgust"]
    assert [entry.record.capture[-7:] for entry in entries] == ["001.png", "003.png", "004.png", "005.png"]
    assert {entry.record.person for entry in entries} == {"S005"}


def test_ck_drops_the_peak_of_contempt(tmp_path):
    assert [entry.expression for entry in read_ck(ck(tmp_path, "2.0"))] == ["neutral"]


@pytest.mark.parametrize(
    ("label", "images", "message"),
    [
        ("", 5, "expected a number from 0 to 7"),
        ("8.0", 5, "expected a number from 0 to 7"),
        ("2.5", 5, "expected a number from 0 to 7"),
        ("sad", 5, "expected a number from 0 to 7"),
        ("3.0", 3, "expected more than 3 images"),
    ],
)
def test_ck_of_another_layout_is_refused(tmp_path, label, images, message):
    with pytest.raises(WrongLayout, match=message):
        list(read_ck(ck(tmp_path, label, images)))


def test_kdef_tells_person_expression_and_view(tmp_path):
    touch(tmp_path, "AF01/AF01ANS.JPG", "BF01/BF01SUHL.JPG", "AM02/AM02NEFR.JPG")
    entries = list(read_kdef(tmp_path))
    told = [(e.record.person, e.expression, e.record.condition, e.record.groups["gender"]) for e in entries]
    assert told == [("F01", "angry", "straight", "female"), ("F01", "surprise", "half left", "female")]
    assert len(list(read_kdef(tmp_path, profiles=True))) == 3


@pytest.mark.parametrize("name", ["AF01/AF01XXS.JPG", "AF01/AF01ANX.JPG", "AF01/CF01ANS.JPG", "a.JPG"])
def test_kdef_of_another_layout_is_refused(tmp_path, name):
    with pytest.raises(WrongLayout, match="published KDEF layout"):
        list(read_kdef(touch(tmp_path, name)))


def rafdb(root: Path, text: str) -> Path:
    touch(root, "Image/aligned/train_00001_aligned.jpg", "Image/aligned/test_0001_aligned.jpg")
    touch(root, "Image/original/train_00001.jpg", "EmoLabel/list_patition_label.txt")
    (root / "EmoLabel/list_patition_label.txt").write_text(text)
    return root


def test_rafdb_tells_subset_and_class(tmp_path):
    entries = list(read_rafdb(rafdb(tmp_path, "train_00001.jpg 5\ntest_0001.jpg 7\n")))
    assert [(entry.subset, entry.expression) for entry in entries] == [("train", "sad"), ("test", "neutral")]
    (one,) = read_rafdb(rafdb(tmp_path, "train_00001.jpg 1\n"), images="original")
    assert (one.record.source.name, one.expression) == ("train_00001.jpg", "surprise")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train_00001.jpg 8\n", "a class from 1 to 7"),
        ("train_00001.jpg\n", "expected a whole number"),
        ("valid_00001.jpg 1\n", "expected train_ or test_"),
        ("train_00002.jpg 1\n", "is not there"),
        ("train_/../../../x.jpg 1\n", "leaves|not there"),
    ],
)
def test_rafdb_of_another_layout_is_refused(tmp_path, text, message):
    with pytest.raises(WrongLayout, match=message):
        list(read_rafdb(rafdb(tmp_path, text)))


def affectnet(root: Path, *labels: object) -> Path:
    for number, label in enumerate(labels):
        touch(root, f"train_set/images/{number}.jpg", f"train_set/annotations/{number}_exp.npy")
        np.save(root / f"train_set/annotations/{number}_exp.npy", np.array(label))
    return root


def test_affectnet_reads_numbers_and_texts(tmp_path):
    entries = list(read_affectnet(affectnet(tmp_path, "1", 7, 6)))
    assert [entry.expression for entry in entries] == ["happy", None, "angry"]
    assert {entry.subset for entry in entries} == {"train"}


@pytest.mark.parametrize("label", [8, -1, "x", [1, 2]])
def test_affectnet_of_another_layout_is_refused(tmp_path, label):
    with pytest.raises(WrongLayout, match="expected a class"):
        list(read_affectnet(affectnet(tmp_path, label)))


@pytest.mark.parametrize("read", [read_ck, read_kdef, read_rafdb, read_affectnet])
def test_an_empty_folder_is_no_set(tmp_path, read):
    with pytest.raises(WrongLayout, match="published"):
        list(read(tmp_path))
