from pathlib import Path

import pytest
from PIL import Image

from mien.datasets import read_cfp, read_cfp_pairs
from mien.errors import InvalidArgument, WrongLayout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two people of two frontal and two profile images; two folds of a mated and a non-mated pair."""
    numbered: dict[str, list[str]] = {"F": [], "P": []}
    for person in ("001", "002"):
        for letter, kind in (("F", "frontal"), ("P", "profile")):
            for number in ("01", "02"):
                path = tmp_path / "Data" / "Images" / person / kind / f"{number}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (8, 8)).save(path)
                numbered[letter].append(f"../Data/Images/{person}/{kind}/{number}.jpg")
    protocol = tmp_path / "Protocol"
    for letter, paths in numbered.items():
        protocol.mkdir(exist_ok=True)
        lines = [f"{number} {path}" for number, path in enumerate(paths, 1)]
        (protocol / f"Pair_list_{letter}.txt").write_text("\n".join(lines) + "\n")
    for name in ("FF", "FP"):
        for fold, (same, other) in enumerate((("1,2", "1,3"), ("3,4", "4,2")), 1):
            folder = protocol / "Split" / name / f"{fold:02d}"
            folder.mkdir(parents=True)
            (folder / "same.txt").write_text(f"{same}\n")
            (folder / "diff.txt").write_text(f"{other}\n")
    return tmp_path


def test_captures_have_a_person_and_a_condition(root: Path) -> None:
    records = list(read_cfp(root))
    assert len(records) == 8
    assert [(record.person, record.condition) for record in records[:3]] == [
        ("001", "frontal"),
        ("001", "frontal"),
        ("001", "profile"),
    ]


def test_frontal_against_profile(root: Path) -> None:
    """The first number is one of the frontal list, the second one of the profile list."""
    pairs = list(read_cfp_pairs(root, "fp"))
    assert [(pair.first.capture, pair.second.capture, pair.mated, pair.fold) for pair in pairs] == [
        ("001/frontal/01.jpg", "001/profile/02.jpg", True, 0),
        ("001/frontal/01.jpg", "002/profile/01.jpg", False, 0),
        ("002/frontal/01.jpg", "002/profile/02.jpg", True, 1),
        ("002/frontal/02.jpg", "001/profile/02.jpg", False, 1),
    ]


def test_frontal_against_frontal(root: Path) -> None:
    pairs = list(read_cfp_pairs(root, "ff"))
    assert {pair.second.condition for pair in pairs} == {"frontal"}
    assert [pair.mated for pair in pairs] == [True, False, True, False]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        pytest.param("Split/FP/01/same.txt", "", "a pair a line", id="empty"),
        pytest.param("Split/FP/01/same.txt", "1\n", "two numbers", id="one number"),
        pytest.param("Split/FP/01/same.txt", "1,99\n", "number 99", id="no such number"),
        pytest.param("Split/FP/01/same.txt", "1,x\n", "whole number", id="no number"),
        pytest.param("Split/FP/01/same.txt", "1,3\n", "expected one person", id="two people said to be one"),
        pytest.param("Split/FP/01/diff.txt", "1,2\n", "expected two people", id="one person said to be two"),
        pytest.param("Split/FP/01/diff.txt", "1,3\n2,3\n", "as many", id="unequal lists"),
        pytest.param("Pair_list_P.txt", "1 ../../../etc/passwd\n", "got '1 ../../../etc", id="leaves the set"),
        pytest.param("Pair_list_P.txt", "1 ../Data/Images/001/frontal/01.jpg\n", "profile", id="frontal in profile"),
        pytest.param("Pair_list_F.txt", "nonsense\n", "a number and a path", id="no path"),
    ],
)
def test_a_list_not_as_published_is_refused(root: Path, file: str, text: str, message: str) -> None:
    (root / "Protocol" / file).write_text(text)
    with pytest.raises(WrongLayout, match=message):
        list(read_cfp_pairs(root, "fp"))


def test_missing_parts_are_told(root: Path, tmp_path: Path) -> None:
    (root / "Protocol" / "Split" / "FP" / "01").rename(root / "Protocol" / "Split" / "FP" / "07")
    with pytest.raises(WrongLayout, match="without a gap"):
        list(read_cfp_pairs(root, "fp"))
    (root / "Data" / "Images" / "001" / "frontal" / "01.jpg").unlink()
    with pytest.raises(WrongLayout, match="not there"):
        list(read_cfp_pairs(root, "ff"))
    with pytest.raises(WrongLayout, match="published CFP layout"):
        list(read_cfp(tmp_path / "nowhere"))
    with pytest.raises(InvalidArgument, match="'ff' or 'fp'"):
        list(read_cfp_pairs(root, "pp"))  # type: ignore[arg-type]
