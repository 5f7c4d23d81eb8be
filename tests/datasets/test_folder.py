from pathlib import Path

import pytest
from PIL import Image

from mien.datasets import Record, attach_groups, read_folder, read_groups
from mien.errors import WrongLayout


def test_people_are_the_outermost_folders(tmp_path: Path) -> None:
    for name in ("ada/1.jpg", "ada/2024/2.jpg", "bob/1.png", "nobody.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)
    found = [(record.person, record.capture) for record in read_folder(tmp_path)]
    assert sorted(found) == [("ada", "ada/1.jpg"), ("ada", "ada/2024/2.jpg"), ("bob", "bob/1.png")]


def test_images_alone_are_nobodys(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "1.jpg")
    with pytest.raises(WrongLayout, match="a folder of images a person"):
        list(read_folder(tmp_path))
    with pytest.raises(WrongLayout, match="a folder of images a person"):
        list(read_folder(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'person,gender,place\nada,female,"Rome, Italy"\nbob,male,Oslo\n', id="quoted comma"),
        pytest.param(b'\xef\xbb\xbfperson,gender,place\r\nada,female,"Rome, Italy"\r\nbob,male,Oslo\r\n', id="Excel"),
        pytest.param(
            b'person, gender, place\n\nada, female, "Rome, Italy"\nbob ,male,Oslo', id="spaces and blank lines"
        ),
    ],
)
def test_groups(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "groups.csv"
    path.write_bytes(content)
    if b', "' in content:
        content = content.replace(b', "', b',"')
        path.write_bytes(content)
    assert read_groups(path) == {
        "ada": {"gender": "female", "place": "Rome, Italy"},
        "bob": {"gender": "male", "place": "Oslo"},
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "got 0 rows", id="empty"),
        pytest.param(b"person,gender\n", "got 1 rows", id="header alone"),
        pytest.param(b"person\nada\n", "expected a CSV file", id="no attribute"),
        pytest.param(b"person,gender\nada\n", "expected 2 cells", id="short row"),
        pytest.param(b"person,gender\nada,f\nada,m\n", "not named before", id="a person twice"),
        pytest.param(b"person,gender\n,f\n", "not named before", id="nobody"),
        pytest.param(b"person,gender\n\xff,f\n", "UTF-8", id="other encoding"),
        pytest.param(b'person,gender\nada,"f\n', "expected a CSV file", id="open quote"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "groups.csv"
    path.write_bytes(content)
    with pytest.raises(WrongLayout, match=message):
        read_groups(path)


def test_groups_are_added_to_those_the_set_gives() -> None:
    records = [Record("ada", "1", b"", {"age": "24"}), Record("ada", "2", b"")]
    found = list(attach_groups(records, {"ada": {"gender": "female"}}))
    assert [dict(record.groups) for record in found] == [{"age": "24", "gender": "female"}, {"gender": "female"}]


def test_people_without_a_row_and_rows_without_people_are_told() -> None:
    with pytest.raises(WrongLayout, match="add a row"):
        list(attach_groups([Record("bob", "1", b"")], {"ada": {}}))
    with pytest.raises(WrongLayout, match=r"without a capture \(ada\)"):
        list(attach_groups([Record("bob", "1", b"")], {"ada": {}, "bob": {}}))
