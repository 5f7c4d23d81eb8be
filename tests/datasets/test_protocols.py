import os
import zipfile
from pathlib import Path

import pytest

from mien.datasets import PROTOCOLS, find_protocol
from mien.errors import InvalidArgument, WrongLayout


def test_names_are_sorted_and_their_own_keys() -> None:
    assert list(PROTOCOLS) == sorted(PROTOCOLS) == [protocol.name for protocol in PROTOCOLS.values()]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_says_what_it_is_and_refuses_an_empty_folder(name: str, tmp_path: Path) -> None:
    protocol = find_protocol(name)
    assert protocol.title
    assert bool(protocol.citation) == (name != "folder")
    assert (protocol.kind == "pairs") == (protocol.pairs is not None)
    for read in filter(None, (protocol.captures, protocol.pairs)):
        with pytest.raises(WrongLayout):
            list(read(tmp_path))


@pytest.mark.parametrize(("name", "lists"), [("lfw", "pairs.txt"), ("lfw-dev", "pairsDevTest.txt")])
def test_the_folder_of_images_reaches_captures_and_pairs(name: str, lists: str, tmp_path: Path) -> None:
    for folder in ("crops", "frames"):
        for index in (1, 2):
            path = tmp_path / folder / f"A_{folder}" / f"A_{folder}_{index:04d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    header = "1\t1" if name == "lfw" else "1"
    (tmp_path / lists).write_text(f"{header}\nA_crops\t1\t2\nA_crops\t1\tA_crops\t2\n")
    protocol = find_protocol(name, images="crops")
    assert {record.person for record in protocol.captures(tmp_path)} == {"A_crops"}
    assert protocol.pairs is not None
    assert [pair.mated for pair in protocol.pairs(tmp_path)] == [True, False]


def test_an_unknown_name_and_a_choice_there_is_not_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"bin, cfp-ff.*got 'ijb-c'"):
        find_protocol("ijb-c")
    with pytest.raises(InvalidArgument, match="leave it out"):
        find_protocol("frll", images="crops")


@pytest.mark.skipif("MIEN_DATA" not in os.environ, reason="MIEN_DATA does not name the folder of the data sets' zips")
def test_the_real_lfw(tmp_path: Path) -> None:
    source = Path(os.environ["MIEN_DATA"]) / "lfw_dev.zip"
    if not source.is_file():
        pytest.skip(f"{source} is not there")
    with zipfile.ZipFile(source) as file:
        file.extractall(tmp_path)
    (root,) = (path.parent for path in tmp_path.rglob("pairs.txt"))
    lfw = find_protocol("lfw", images="crops")
    assert lfw.pairs is not None
    pairs = list(lfw.pairs(root))
    assert [(p.mated, p.fold) for p in pairs] == [(m, f) for f in range(5) for m in (True, False) for _ in range(300)]
    assert len(list(lfw.captures(root))) == 3811
    frames = list(find_protocol("lfw-all", images="frames").captures(root))
    assert (len(frames), len({record.person for record in frames})) == (6921, 3553)
