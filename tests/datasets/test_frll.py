import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mien.datasets import find_protocol, read_frll, read_landmarks
from mien.errors import WrongLayout


def build(root: Path, table: str, text: str) -> Path:
    for name in ("neutral_front/001_03", "neutral_front/002_03", "smiling_front/001_08"):
        path = root / f"{name}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (root / table).write_text(text)
    return root


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (
            "london_info.csv",
            "face_id,face_age,face_gender,face_eth\n001,24,female,white\n002,,male,black\n9,1,male,x\n",
        ),
        ("london_faces_info.csv", "\ufeffface_id,face_age,face_sex,face_eth\nX001,24,female,white\nX002,,male,black\n"),
    ],
)
def test_captures_come_neutral_first_with_their_groups(tmp_path: Path, table: str, text: str) -> None:
    records = list(read_frll(build(tmp_path, table, text)))
    assert [(r.person, r.capture, r.condition) for r in records] == [
        ("001", "neutral_front/001_03.jpg", "neutral"),
        ("002", "neutral_front/002_03.jpg", "neutral"),
        ("001", "smiling_front/001_08.jpg", "smiling"),
    ]
    assert records[0].groups == {"age": "24", "gender": "female", "ethnicity": "white"}
    assert records[1].groups["age"] == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "expected a CSV", id="empty"),
        pytest.param("face_id,face_age,face_eth\n001,24,white\n", "face_gender or face_sex", id="no column"),
        pytest.param("face_id,face_age,face_sex,face_eth\n001,24,f,w\n", "002_03.jpg: expected", id="no row"),
        pytest.param("face_id,face_age,face_sex,face_eth\n001,24,f\n", "expected 4 cells", id="short row"),
    ],
)
def test_a_table_not_as_published_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(WrongLayout, match=message):
        list(read_frll(build(tmp_path, "london_info.csv", text)))


@pytest.mark.parametrize("missing", ["london_info.csv", "smiling_front/001_08.jpg", "smiling_front"])
def test_a_missing_part_is_refused(tmp_path: Path, missing: str) -> None:
    text = "face_id,face_age,face_sex,face_eth\n001,24,f,w\n002,24,f,w\n"
    path = build(tmp_path, "london_info.csv", text) / missing
    path.rename(tmp_path / "elsewhere")
    with pytest.raises(WrongLayout, match="expected"):
        list(read_frll(tmp_path))


def test_landmarks_are_read_up_to_the_lines_that_join_them(tmp_path: Path) -> None:
    points = np.arange(378, dtype=np.float32).reshape(189, 2) / 2
    path = tmp_path / "001_03.tem"
    path.write_text("\n".join(["189", *(f"{x}\t{y}" for x, y in points), "1", "0", "1 2 3"]))
    landmarks = read_landmarks(path)
    assert landmarks.dtype == np.float32
    np.testing.assert_array_equal(landmarks, points)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "expected 189, got ''", id="empty"),
        pytest.param("68\n1 2\n", "got '68'", id="other count"),
        pytest.param("189\n1 2\n", "got 1", id="truncated"),
        pytest.param("189\n1 nan\n", ":2: expected x and y", id="NaN"),
        pytest.param("189\n1 2 3\n", ":2: expected x and y", id="three numbers"),
    ],
)
def test_landmarks_not_as_published_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.tem").write_text(text)
    with pytest.raises(WrongLayout, match=message):
        read_landmarks(tmp_path / "a.tem")


@pytest.mark.skipif("MIEN_DATA" not in os.environ, reason="MIEN_DATA does not name the folder of the data sets' zips")
def test_the_real_set(tmp_path: Path) -> None:
    source = Path(os.environ["MIEN_DATA"]) / "frll_dev.zip"
    if not source.is_file():
        pytest.skip(f"{source} is not there")
    with zipfile.ZipFile(source) as file:
        file.extractall(tmp_path)
    records = list(find_protocol("frll").captures(tmp_path / "frll"))
    assert len({record.person for record in records}) == 76
    assert [record.condition for record in records] == ["neutral"] * 76 + ["smiling"] * 76
    assert all(np.all(read_landmarks(r.source.with_suffix(".tem")) < 675) for r in records if r.condition == "neutral")
