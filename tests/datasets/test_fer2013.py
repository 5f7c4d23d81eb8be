import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mien import media
from mien.datasets import EXPRESSIONS, VOTES, read_fer2013, read_ferplus
from mien.errors import WrongLayout

IMAGE = np.arange(48 * 48, dtype=np.uint8).reshape(48, 48)
TEXT = " ".join(map(str, IMAGE.ravel()))


def build(root: Path) -> Path:
    for number, name in enumerate(EXPRESSIONS):
        folder = root / "train" / name
        folder.mkdir(parents=True)
        media.write(folder / f"Training_{number}.png", np.repeat(IMAGE[..., None], 3, axis=2))
    return root


def test_folders_and_the_original_table_give_the_same_captures(tmp_path: Path) -> None:
    rows = [f'{number},"{TEXT}",Training' for number in range(7)] + [f"0,{TEXT},PublicTest"]
    table = tmp_path / "fer2013.csv"
    table.write_text("\n".join(["emotion,pixels,Usage", *rows]))
    of_folders = list(read_fer2013(build(tmp_path), "train"))
    of_table = list(read_fer2013(table, "train"))
    assert [r.condition for r in of_folders] == [r.condition for r in of_table] == list(EXPRESSIONS)
    assert [r.capture for r in of_folders] == [r.capture for r in of_table]
    for one, two in zip(of_folders, of_table, strict=True):
        assert one.person is None
        np.testing.assert_array_equal(media.read(one.source)[..., 0], IMAGE)
        np.testing.assert_array_equal(media.read(two.source)[..., 0], IMAGE)
    assert [r.capture for r in read_fer2013(table, "public")] == ["public/angry/PublicTest_7.png"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0,1 2 3,Training", "2304 numbers"),
        (f"7,{TEXT},Training", "class from 0 to 6"),
        (f"0,{TEXT.replace('255', '256')},Training", "2304 numbers"),
        (f"0,{TEXT}", "3 cells"),
    ],
)
def test_rows_that_are_none_are_refused(tmp_path: Path, row: str, message: str) -> None:
    table = tmp_path / "fer2013.csv"
    table.write_text(f"emotion,pixels,Usage\n{row}\n")
    with pytest.raises(WrongLayout, match=message):
        list(read_fer2013(table, "train"))
    table.write_text("label,pixels\n")
    with pytest.raises(WrongLayout, match="emotion, pixels and Usage"):
        list(read_fer2013(table, "train"))


def test_folders_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongLayout, match="not a folder"):
        list(read_fer2013(tmp_path, "train"))
    (build(tmp_path) / "train" / "contempt").mkdir()
    with pytest.raises(WrongLayout, match="got contempt"):
        list(read_fer2013(tmp_path, "train"))


def test_votes_are_read_by_capture(tmp_path: Path) -> None:
    table = tmp_path / "ferplus.csv"
    columns = ["file", "usage", *reversed(VOTES)]
    table.write_text(",".join(columns) + "\na.png,Training," + ",".join(map(str, range(10))) + "\n")
    assert read_ferplus(table)["a.png"].tolist() == list(range(9, -1, -1))
    table.write_text(",".join(columns) + "\na.png,Training," + ",".join(["x"] * 10) + "\n")
    with pytest.raises(WrongLayout, match="whole numbers of votes"):
        read_ferplus(table)


def test_the_first_votes_are_the_classes() -> None:
    same = {"anger": "angry", "happiness": "happy", "sadness": "sad"}
    assert tuple(same.get(vote, vote) for vote in VOTES[:7]) == EXPRESSIONS


@pytest.mark.skipif("MIEN_DATA" not in os.environ, reason="MIEN_DATA does not name the folder of the data sets' zips")
def test_the_published_set_is_as_large_as_published(tmp_path: Path) -> None:
    with zipfile.ZipFile(Path(os.environ["MIEN_DATA"]) / "fer2013_train_public.zip") as archive:
        archive.extractall(tmp_path)
    root = tmp_path / "fer2013"
    counts = {usage: len(list(read_fer2013(root, usage))) for usage in ("train", "public")}
    assert counts == {"train": 28_709, "public": 3_589}
    votes = read_ferplus(root / "ferplus.csv")
    assert all(record.capture in votes for record in read_fer2013(root, "public"))
