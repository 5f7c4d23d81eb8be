"""Names and archives that are sent: what is taken, and what is refused before anything is unpacked."""

from __future__ import annotations

import io
import stat
import struct
import zipfile

import pytest

from mien.errors import InvalidArgument
from mien.server import uploads
from mien.server.uploads import check_archive, check_name, unpack


@pytest.mark.parametrize("name", ["a.jpg", "Ada Lovelace/1.jpg", "Zoë/ü.jpg", "a/b/c/d.png", ".hidden", "名前/一.jpg"])
def test_names_that_are_taken(name):
    assert str(check_name(name)) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "/", "/etc/passwd", "../a.jpg", "a/../b.jpg", "a/./b.jpg", "a//b.jpg", "a/", "..", "."),
        *(
            "a\\b.jpg",
            "C:a.jpg",
            "a\0.jpg",
            "a\n.jpg",
            "a\x1b[0m.jpg",
            " a.jpg",
            "a ",
            "a.",
            "a?.jpg",
            "a/b/c/d/e/f/g/h/i",
        ),
        *("x" * 201, "é" * 101, "\u202egpj.exe", "\ud800.jpg"),
    ],
)
def test_names_that_are_not(name):
    with pytest.raises(InvalidArgument, match="expected a name"):
        check_name(name)


def archive(tmp_path, *members, change=lambda data: data):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for member, content in members:
            made.writestr(member, content)
    path = tmp_path / "all.zip"
    path.write_bytes(change(packed.getvalue()))
    return path


def link(name):
    made = zipfile.ZipInfo(name)
    made.external_attr = (stat.S_IFLNK | 0o777) << 16
    return made


def packed_with(name, method):
    made = zipfile.ZipInfo(name)
    made.compress_type = method
    return made


def flagged(data, bit):
    """The same archive, with a flag of its first file set where it is listed."""
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + struct.pack("<H", struct.unpack("<H", data[at : at + 2])[0] | bit) + data[at + 2 :]


@pytest.mark.parametrize(
    ("members", "change", "message"),
    [
        ([("../a.jpg", b"x")], None, "expected a name"),
        ([("/etc/a.jpg", b"x")], None, "expected a name"),
        ([("a/../../b.jpg", b"x")], None, "expected a name"),
        ([(link("a.jpg"), b"/etc/passwd")], None, "is a link"),
        ([("a.jpg", b"x")], lambda data: flagged(data, 1), "is encrypted"),
        ([(packed_with("a.jpg", zipfile.ZIP_BZIP2), b"x")], None, "packed in another way"),
        ([("a.bmp", bytes(2000))], None, "expected at most 1000 bytes of files, got 2000"),
        ([(f"{n}.bmp", bytes(300)) for n in range(4)], None, "expected at most 1000 bytes of files"),
        ([("a.jpg", b"x"), ("a.jpg/b.jpg", b"x")], None, "each name once"),
        ([("a.jpg", b"x")], lambda data: data[:-10], "expected a zip file"),
        ([("a.jpg", b"x")], lambda _: b"PK", "expected a zip file"),
        ([], lambda _: b"", "expected a zip file"),
    ],
)
def test_archives_that_are_refused(tmp_path, members, change, message):
    path = archive(tmp_path, *members, change=change or (lambda data: data))
    with pytest.raises(InvalidArgument, match=message):
        check_archive(path, 1000)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice(tmp_path):
    with pytest.raises(InvalidArgument, match="each name once"):
        check_archive(archive(tmp_path, ("a.jpg", b"x"), ("a.jpg", b"y")), 1000)


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_FILES", 3)
    path = archive(tmp_path, *((f"{n}.jpg", b"x") for n in range(4)))
    with pytest.raises(InvalidArgument, match="expected at most 3 files, got 4"):
        check_archive(path, 1000)
    monkeypatch.setattr(uploads, "MOST_FILES", 0)
    with pytest.raises(InvalidArgument, match="list of files is too large"):
        check_archive(path, 1000)


def test_a_bomb_that_says_it_is_small(tmp_path):
    """A file that unpacks to more than its list of files says, which is all that was looked at."""

    def small(data):
        for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
            at = data.index(mark) + offset
            data = data[:at] + struct.pack("<I", 10) + data[at + 4 :]
        return data

    path = archive(tmp_path, ("a.bmp", bytes(10_000_000)), change=small)
    assert len(check_archive(path, 1000)) == 1
    with pytest.raises(InvalidArgument, match="is damaged"):
        unpack(path, 1000, tmp_path / "out", lambda: None)
    assert sum(one.stat().st_size for one in (tmp_path / "out").rglob("*")) <= 1000


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["people/Ada/1.jpg", "people/Bob/1.jpg"], ["Ada/1.jpg", "Bob/1.jpg"]),
        (["Ada/1.jpg", "Bob/1.jpg"], ["Ada/1.jpg", "Bob/1.jpg"]),
        (["Ada/1.jpg"], ["Ada/1.jpg"]),
        (["a.jpg", "Ada/b/1.jpg"], ["Ada/b/1.jpg", "a.jpg"]),
        (["a.jpg", "__MACOSX/._a.jpg", ".DS_Store", "b/.x/c.jpg"], ["a.jpg"]),
    ],
)
def test_what_lies_there_afterwards(tmp_path, names, expected):
    out = tmp_path / "out"
    unpack(archive(tmp_path, *((name, name.encode()) for name in names)), 1000, out, lambda: None)
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()) == expected


def test_unpacking_can_be_ended(tmp_path):
    class Enough(Exception):
        pass

    def proceed():
        raise Enough

    with pytest.raises(Enough):
        unpack(archive(tmp_path, ("a.jpg", b"x")), 1000, tmp_path / "out", proceed)
