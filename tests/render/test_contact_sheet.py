import datetime as dt
import hashlib
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from mien import media
from mien.errors import UnwritableFile
from mien.gallery import FaceRecord, Suggestion
from mien.render import write_contact_sheet
from mien.types import Candidate

DAY = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
HOSTILE = '<script>alert("x")</script>\n$(reboot)'


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "party.jpg"
    media.write(path, np.full((480, 640, 3), 128, np.uint8))
    return path


def face(number, path=None, *, source=None, sha256=None, box=(60.0, 120.0, 160.0, 250.0)):
    digest = sha256 or (hashlib.sha256(path.read_bytes()).hexdigest() if path else "0" * 64)
    source = source or (path.name if path else "")
    return FaceRecord(f"{number:032x}", None, source, path and str(path), digest, box, 80.0, DAY)


def written(tmp_path, *arguments, **options):
    sheet = tmp_path / "sheet.html"
    write_contact_sheet(sheet, *arguments, **options)
    return sheet.read_text("utf-8")


class Outline(HTMLParser):
    """Checks that elements close in order."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in {"img", "meta"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_faces_are_shown_with_the_command_that_names_them(tmp_path, photo):
    known = Candidate("1" * 32, "Ada Lovelace", 0.7, 3)
    suggestions = [
        Suggestion("0a1b2c3d", tuple(face(n, photo) for n in range(3))),
        Suggestion("4e5f6a7b", (face(9, photo),), known),
    ]
    text = written(tmp_path, suggestions, options=("--gallery", "my people.mien"))
    assert text.count("data:image/jpeg;base64,") == 4
    assert "mien people name 0a1b2c3d LABEL --gallery &#x27;my people.mien&#x27;" in text
    assert "mien people name 4e5f6a7b &#x27;Ada Lovelace&#x27; --gallery" in text
    assert "More of <bdi>Ada Lovelace</bdi>" in text
    assert f"{0:012x}" in text
    assert re.search(r"To be named|People to be named", text)


def test_the_page_loads_and_runs_nothing(tmp_path, photo):
    hostile = Candidate("1" * 32, HOSTILE, 0.7, 3)
    text = written(
        tmp_path,
        [Suggestion("4e5f6a7b", (face(1, photo, source=HOSTILE),), hostile)],
        options=("--gallery", HOSTILE),
        failures=[(HOSTILE, HOSTILE)],
    )
    assert "<script" not in text
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text
    assert not re.search(r'(?:src|href)="(?!data:|#)', text)
    outline = Outline()
    outline.feed(text)
    outline.close()
    assert outline.open == []


def changed(path):
    media.write(path, np.zeros((480, 640, 3), np.uint8))


GONE = [
    ("removed", lambda path: path.unlink()),
    ("changed", changed),
    ("no image any more", lambda path: path.write_bytes(b"")),
    ("a folder now", lambda path: (path.unlink(), path.mkdir())),
]


@pytest.mark.parametrize("spoil", [row[1] for row in GONE], ids=[row[0] for row in GONE])
def test_a_photo_that_is_not_what_it_was_is_told(tmp_path, photo, spoil):
    record = face(1, photo)
    spoil(photo)
    text = written(tmp_path, [Suggestion("4e5f6a7b", (record,))])
    assert "no picture" in text
    assert "data:image" not in text


@pytest.mark.parametrize(
    ("path", "box"), [(False, (0.0, 0.0, 1.0, 1.0)), (True, None)], ids=["never a file", "no box was kept"]
)
def test_faces_without_a_picture_keep_their_place(tmp_path, photo, path, box):
    text = written(tmp_path, [Suggestion("4e5f6a7b", (face(1, photo if path else None, box=box),))])
    assert "no picture" in text


def test_a_box_beyond_the_border_is_cut_there(tmp_path, photo):
    text = written(tmp_path, [Suggestion("4e5f6a7b", (face(1, photo, box=(-50.0, -60.0, 9000.0, 9000.0)),))])
    assert text.count("data:image") == 1


def test_of_many_faces_some_are_shown(tmp_path):
    text = written(tmp_path, [Suggestion("4e5f6a7b", tuple(face(n) for n in range(75)))])
    assert text.count("<figure") == 60
    assert "and 15 more" in text


def test_nobody(tmp_path):
    assert "nobody to be named" in written(tmp_path, [])


def test_a_sheet_appears_whole_or_not_at_all(tmp_path, photo):
    with pytest.raises(UnwritableFile):
        write_contact_sheet(tmp_path / "none" / "sheet.html", [])

    class Broken(tuple):
        def __getitem__(self, key):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_contact_sheet(tmp_path / "sheet.html", [Suggestion("4e5f6a7b", Broken((face(1, photo),)))])
    assert not (tmp_path / "sheet.html").exists()
