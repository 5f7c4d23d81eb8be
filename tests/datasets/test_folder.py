from pathlib import Path

import pytest

from mien.datasets import Record, attach_groups, read_folder, read_groups
from mien.errors import WrongLayout


def test_captures_lie_at_any_depth_below_their_person(tmp_path: Path) -> None:
    for name in ("b/1.jpg", "a/old/2.PNG", "a/1.jpg", "nobody.jpg", "a/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    captures = [(record.person, record.capture) for record in read_folder(tmp_path)]
    assert captures == [("a", "a/1.jpg"), ("a", "a/old/2.PNG"), ("b", "b/1.jpg")]


@pytest.mark.parametrize("name", ["a/notes.txt", "1.jpg"])
def test_a_folder_without_people_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    for root in (tmp_path, tmp_path / "missing"):
        with pytest.raises(WrongLayout, match="<person>/<image>"):
            list(read_folder(root))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'person,home,age\na,"Rome, Italy",30\nb,Oslo,\n', id="plain"),
        pytest.param(b'\xef\xbb\xbfperson,home,age\r\n\r\na,"Rome, Italy", 30\r\nb,Oslo,', id="BOM and CRLF"),
    ],
)
def test_groups_by_person(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "groups.csv").write_bytes(text)
    groups = {"a": {"home": "Rome, Italy", "age": "30"}, "b": {"home": "Oslo", "age": ""}}
    assert read_groups(tmp_path / "groups.csv") == groups


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(b"", "got 0 rows", id="empty"),
        pytest.param(b"person,age\n", "got 1 rows", id="header alone"),
        pytest.param(b"person\na\n", "expected a CSV", id="one column"),
        pytest.param(b"person,age\na,1\na,2\n", "not named before", id="person twice"),
        pytest.param(b"person,age\n,1\n", "not named before", id="nobody"),
        pytest.param(b"person,age\na\n", "expected 2 cells", id="short row"),
        pytest.param(b'person,age\na,"1\n', "expected a CSV", id="open quote"),
        pytest.param(b"person,age\na,\xff\n", "UTF-8", id="other encoding"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "groups.csv").write_bytes(text)
    with pytest.raises(WrongLayout, match=message):
        read_groups(tmp_path / "groups.csv")


def test_a_missing_table_and_a_nul_in_its_name_are_refused(tmp_path: Path) -> None:
    for name in ("groups.csv", "a\0b"):
        with pytest.raises(WrongLayout, match="header and a row a person"):
            read_groups(tmp_path / name)


def test_groups_are_added_to_those_of_the_record() -> None:
    (record,) = attach_groups([Record("a", "a/1.jpg", b"", {"age": "30"})], {"a": {"home": "Oslo"}})
    assert record.groups == {"age": "30", "home": "Oslo"}


@pytest.mark.parametrize(
    ("person", "groups", "message"),
    [
        pytest.param("a", {}, "no groups for person 'a'", id="no row"),
        pytest.param(None, {"a": {}}, "no groups for person None", id="nobody"),
        pytest.param("a", {"a": {}, "b": {}}, r"1 people without a capture \(b\)", id="row too many"),
    ],
)
def test_groups_and_people_that_differ_are_refused(person: str | None, groups: dict, message: str) -> None:
    with pytest.raises(WrongLayout, match=message):
        list(attach_groups([Record(person, "a/1.jpg", b"")], groups))
