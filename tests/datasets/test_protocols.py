import pytest

from mien.datasets import PROTOCOLS, find_protocol
from mien.errors import InvalidArgument


def test_every_protocol_is_found_by_its_name():
    assert list(PROTOCOLS) == sorted(PROTOCOLS)
    for name, protocol in PROTOCOLS.items():
        assert find_protocol(name) is protocol
        assert protocol.name == name
        assert (protocol.kind == "pairs") == (protocol.pairs is not None)
        assert protocol.citation or name == "folder"


@pytest.mark.parametrize("name", ["LFW", "", "ijb-c"])
def test_an_unknown_name_is_told_the_known_ones(name):
    with pytest.raises(InvalidArgument, match="cfp-ff"):
        find_protocol(name)


def test_a_folder_of_images_is_named_only_where_there_may_be_several(tmp_path):
    (tmp_path / "crops" / "A").mkdir(parents=True)
    (tmp_path / "crops" / "A" / "A_0001.jpg").write_bytes(b"")
    (record,) = find_protocol("lfw-all", images="crops").captures(tmp_path)
    assert record.person == "A"
    with pytest.raises(InvalidArgument, match="leave it out"):
        find_protocol("frll", images="crops")
