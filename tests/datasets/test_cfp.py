from pathlib import Path

import pytest

from mien.datasets import read_cfp, read_cfp_pairs
from mien.errors import InvalidArgument, WrongLayout

PER_PERSON = {"F": ("frontal", 10), "P": ("profile", 4)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for letter, (view, count) in PER_PERSON.items():
        captures = [f"{person}/{view}/{i:02d}.jpg" for person in ("001", "002") for i in range(1, count + 1)]
        for capture in captures:
            path = tmp_path / "Data" / "Images" / capture
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        listed = [f"{number} ../Data/Images/{capture}\r\n" for number, capture in enumerate(captures, 1)]
        (tmp_path / "Protocol").mkdir(exist_ok=True)
        (tmp_path / "Protocol" / f"Pair_list_{letter}.txt").write_text("".join(listed))
    lists = {"FF": ("1,2\n12,11\n", "1,11\n20,10\n"), "FP": ("10,1\n11,5\n", "1,5\n20,4\n")}
    for protocol, (same, diff) in lists.items():
        for fold in ("01", "02"):
            folder = tmp_path / "Protocol" / "Split" / protocol / fold
            folder.mkdir(parents=True)
            (folder / "same.txt").write_text(same)
            (folder / "diff.txt").write_text(diff)
    return tmp_path


def test_captures_are_sorted_with_their_condition(root: Path) -> None:
    records = list(read_cfp(root))
    assert len(records) == 28
    assert (records[0].person, records[0].capture, records[0].condition) == ("001", "001/frontal/01.jpg", "frontal")
    assert (records[-1].person, records[-1].capture, records[-1].condition) == ("002", "002/profile/04.jpg", "profile")


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("ff", ["001/frontal/01 001/frontal/02", "002/frontal/02 002/frontal/01",
                "001/frontal/01 002/frontal/01", "002/frontal/10 001/frontal/10"]),
        ("fp", ["001/frontal/10 001/profile/01", "002/frontal/01 002/profile/01",
                "001/frontal/01 002/profile/01", "002/frontal/10 001/profile/04"]),
    ],
)  # fmt: skip
def test_pairs_come_fold_by_fold_mated_first(root: Path, protocol: str, expected: list[str]) -> None:
    pairs = list(read_cfp_pairs(root, protocol))
    assert [f"{pair.first.capture[:-4]} {pair.second.capture[:-4]}" for pair in pairs] == expected * 2
    assert [(pair.mated, pair.fold) for pair in pairs] == [(m, f) for f in (0, 1) for m in (True, True, False, False)]
    assert set(pairs[0].__class__.__slots__) == {"first", "second", "mated", "fold"}
    assert {pairs[0].first, pairs[0].second} <= set(read_cfp(root))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        pytest.param("Split/FP/01/same.txt", None, "not there", id="no list"),
        pytest.param("Pair_list_P.txt", None, "not there", id="no captures"),
        pytest.param("Split/FP/01/same.txt", b"", "got none", id="empty"),
        pytest.param("Split/FP/01/same.txt", b"10,1\n", "1 in same.txt and 2 in diff.txt", id="truncated"),
        pytest.param("Split/FP/02/same.txt", b"10,1\n11,", "same.txt:2: expected a whole number", id="cut line"),
        pytest.param("Split/FP/02/same.txt", b"10,1\n11\n", "two numbers and a comma", id="one number"),
        pytest.param("Split/FP/01/same.txt", b"10,1\n11,99\n", "got number 99", id="number not listed"),
        pytest.param("Split/FP/01/same.txt", b"10,1\n10,5\n", "expected one person", id="wrong side"),
        pytest.param("Split/FP/01/diff.txt", b"1,5\n1,1\n", "expected two people", id="one person twice"),
        pytest.param("Split/FP/01/same.txt", b"\xff", "UTF-8", id="other encoding"),
        pytest.param("Pair_list_P.txt", b"1\n", "a number and a path", id="no path"),
        pytest.param("Pair_list_P.txt", b"1 /etc/profile/passwd\n", "expected", id="absolute"),
        pytest.param("Pair_list_P.txt", b"1 ../../x/profile/1.jpg\n", "expected", id="leaves the root"),
        pytest.param("Pair_list_P.txt", b"1 ../Data/Images/001/frontal/01.jpg\n", "profile", id="of the other list"),
        pytest.param("Pair_list_P.txt", b"1 ../Data/Images/009/profile/01.jpg\n", "is not there", id="no image"),
    ],
)
def test_a_list_not_as_published_is_refused(root: Path, name: str, text: bytes | None, message: str) -> None:
    path = root / "Protocol" / name
    if text is None:
        path.unlink()
    else:
        path.write_bytes(text)
    with pytest.raises(WrongLayout, match=message):
        list(read_cfp_pairs(root, "fp"))


def test_a_missing_fold_is_refused(root: Path) -> None:
    (root / "Protocol" / "Split" / "FF" / "01").rename(root / "Protocol" / "Split" / "FF" / "03")
    with pytest.raises(WrongLayout, match="from 01 without a gap; found 02, 03"):
        list(read_cfp_pairs(root, "ff"))


def test_another_protocol_or_folder_is_refused(root: Path) -> None:
    with pytest.raises(InvalidArgument, match="got 'pp'"):
        list(read_cfp_pairs(root, "pp"))
    with pytest.raises(WrongLayout, match="published CFP layout"):
        list(read_cfp(root / "Data"))
    (root / "Data" / "Images" / "001" / "frontal").rename(root / "Data" / "Images" / "001" / "left")
    with pytest.raises(WrongLayout, match="001/left"):
        list(read_cfp(root))
