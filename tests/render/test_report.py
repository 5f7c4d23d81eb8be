import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from mien.errors import UnreadableImage, UnwritableFile
from mien.render import write_report

from .conftest import UNCALIBRATED, decision, faces_at

VOID = {"meta", "img", "link", "br"}


class Page(HTMLParser):
    """Collects attributes and text, and checks that tags are balanced."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "title"}:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def report(tmp_path, *entries, **options):
    path = tmp_path / "report.html"
    write_report(path, iter(entries), **options)
    return Page(path.read_text("utf-8"))


def test_report(tmp_path, three, grey):
    page = report(tmp_path, ("party.jpg", grey, three), ("empty.jpg", grey, three[:0]), title="Door", notes="Today.")
    tiles = re.findall(r"(Images|Faces|People found|Faces matched|Unknown|Refused) (\d+)", page.text)
    counts = dict(tiles)
    assert counts == {
        "Images": "2", "Faces": "3", "People found": "1", "Faces matched": "1", "Unknown": "1", "Refused": "1",
    }  # fmt: skip
    assert "Door" in page.words
    assert "Today." in page.words
    assert "about 1 in 100" in page.text
    assert "Calibration: celebrities." in page.words
    for words in ("Ada Lovelace", "unknown", "refused", "too small, blurred", "0.710", "0.363", "no face"):
        assert words in page.text
    assert len(page.all("img")) == 2 + 3
    assert all(image["alt"] for image in page.all("img"))


def test_everything_is_in_the_file(tmp_path, three, grey):
    page = report(tmp_path, ("party.jpg", grey, three))
    assert not page.all("script")
    assert not page.all("link")
    for _, attributes in page.tags:
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/jpeg;base64,"))
    assert "url(" not in (tmp_path / "report.html").read_text("utf-8")
    policy = next(meta for meta in page.all("meta") if "http-equiv" in meta)
    assert policy["content"].startswith("default-src 'none'")


def test_pictures_are_sized_down(tmp_path):
    image = np.full((3000, 4000, 3), 128, np.uint8)
    page = report(tmp_path, ("a.jpg", image, faces_at([(1000, 1000, 2000, 2200)], (4000, 3000), [UNCALIBRATED])))
    sizes = []
    for attributes in page.all("img"):
        with Image.open(io.BytesIO(base64.b64decode(attributes["src"].partition(",")[2]))) as picture:
            sizes.append(picture.size)
    assert sizes[0] == (1280, 960)
    assert max(sizes[1]) == 128


def test_nothing_is_a_percentage_of_likeness(tmp_path, three, grey):
    assert "%" not in report(tmp_path, ("a.jpg", grey, three)).text


def test_labels_sources_and_failures_are_escaped(tmp_path, grey):
    evil = "<script>alert('x')</script>\"&\u202e\udce9"
    faces = faces_at([(60, 120, 160, 250)], (640, 480), [decision(True, label=evil)])
    page = report(tmp_path, (evil, grey, faces), title=evil, notes=evil, failures=[(evil, evil)])
    assert not page.all("script")
    assert "<script>alert('x')</script>\"&" in page.text


def test_uncalibrated_says_so(tmp_path, grey):
    page = report(tmp_path, ("a.jpg", grey, faces_at([(60, 120, 160, 250)], (640, 480), [UNCALIBRATED])))
    assert "No calibration fits these faces" in page.text
    assert "not calibrated" in page.text


def test_faces_without_decisions(tmp_path, grey):
    page = report(tmp_path, ("a.jpg", grey, faces_at([(60, 120, 160, 250)], (640, 480))))
    assert "found" in page.words
    assert "Unknown" not in page.words
    assert "No calibration" not in page.text


def test_failures_that_come_meanwhile_are_listed(tmp_path, three, grey):
    failures = []

    def entries():
        yield "good.jpg", grey, three
        failures.append(("bad.jpg", "truncated"))

    path = tmp_path / "report.html"
    write_report(path, entries(), failures=failures)
    page = Page(path.read_text("utf-8"))
    assert "bad.jpg" in page.words
    assert "truncated" in page.words
    assert "Failed 1" in page.text


def test_nothing_at_all(tmp_path):
    assert "No image was read." in report(tmp_path).words


@pytest.mark.parametrize("box", [(-50, -50, 30, 30), (630, 470, 700, 520), (700, 500, 900, 900), (5, 5, 5, 5)])
def test_odd_boxes_have_a_crop(tmp_path, grey, box):
    assert len(report(tmp_path, ("a.jpg", grey, faces_at([box], (640, 480)))).all("img")) == 2


def test_a_failed_run_leaves_the_old_report(tmp_path, three, grey):
    path = tmp_path / "report.html"
    path.write_text("old")

    def entries():
        yield "a.jpg", grey, three
        raise UnreadableImage("b.jpg: truncated")

    with pytest.raises(UnreadableImage):
        write_report(path, entries())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nowhere_to_write(tmp_path):
    with pytest.raises(UnwritableFile, match="no such folder"):
        write_report(tmp_path / "nowhere" / "report.html", [])
