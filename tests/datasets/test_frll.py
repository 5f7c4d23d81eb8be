import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mien.datasets import read_frll, read_landmarks
from mien.errors import WrongLayout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder, view in (("neutral_front", "03"), ("smiling_front", "08")):
        (tmp_path / folder).mkdir()
        for person in ("001", "002"):
            (tmp_path / folder / f"{person}_{view}.jpg").write_bytes(b"")
    (tmp_path / "london_faces_info.csv").write_text(
        "face_id,face_age,face_sex,face_eth\nX001,24,female,white\nX002,31,male,black\nX003,40,male,white\n"
    )
    return tmp_path


def test_captures_with_their_groups(root: Path) -> None:
    records = list(read_frll(root))
    assert [record.capture for record in records] == [
        "neutral_front/001_03.jpg",
        "neutral_front/002_03.jpg",
        "smiling_front/001_08.jpg",
        "smiling_front/002_08.jpg",
    ]
    assert [record.condition for record in records] == ["neutral", "neutral", "smiling", "smiling"]
    assert records[1].person == "002"
    assert dict(records[1].groups) == {"age": "31", "gender": "male", "ethnicity": "black"}


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        pytest.param("london_faces_info.csv", "face_id,face_age,face_sex\n001,24,f\n", "face_eth", id="no column"),
        pytest.param(
            "london_faces_info.csv", "face_id,face_age,face_sex,face_eth\n001,24,f,w\n", "in the table", id="no row"
        ),
        pytest.param("neutral_front/portrait.jpg", "", "<person>_<view>", id="another name"),
    ],
)
def test_a_set_not_as_published_is_refused(root: Path, file: str, text: str, message: str) -> None:
    (root / file).write_text(text)
    with pytest.raises(WrongLayout, match=message):
        list(read_frll(root))


def test_missing_parts_are_told(root: Path) -> None:
    (root / "smiling_front").rename(root / "elsewhere")
    with pytest.raises(WrongLayout, match="smiling_front"):
        list(read_frll(root))
    (root / "london_faces_info.csv").unlink()
    with pytest.raises(WrongLayout, match="not there"):
        list(read_frll(root))


def test_landmarks(tmp_path: Path) -> None:
    path = tmp_path / "a.tem"
    points = [f"{number}.5\t{number}" for number in range(189)]
    path.write_text("\n".join(["189", *points, "1", "0", "2 3"]) + "\n")
    found = read_landmarks(path)
    assert (found.shape, found.dtype) == ((189, 2), np.float32)
    assert found[7].tolist() == [7.5, 7]
    for text in ("", "188\n1 2\n", "\n".join(["189", *points[:100]]), "\n".join(["189", "a b", *points])):
        path.write_text(text)
        with pytest.raises(WrongLayout, match="expected"):
            read_landmarks(path)


@pytest.mark.skipif("MIEN_DATA" not in os.environ, reason="MIEN_DATA does not say where the data sets are")
def test_the_real_set(tmp_path: Path) -> None:
    archive = Path(os.environ["MIEN_DATA"]) / "frll_dev.zip"
    if not archive.exists():
        pytest.skip("frll_dev.zip is not there")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path)
    records = list(read_frll(tmp_path / "frll"))
    assert len({record.person for record in records}) == 76
    assert len(records) == 152
    assert read_landmarks(tmp_path / "frll" / "neutral_front" / "001_03.tem").shape == (189, 2)
