import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from mien.errors import UnreadableVideo, UnwritableFile
from mien.render import write_video_report
from mien.render.presence import Presences, Spans
from mien.watch import EventRules, WatchedFrame

from .conftest import MATCHED, REFUSED, UNCALIBRATED, UNKNOWN, decision, faces_at

IMAGE = np.full((48, 64, 3), 128, np.uint8)
BOX = (10, 10, 40, 40)
UNDECIDED = decision(score=float("-inf"), threshold=float("inf"), reasons=("undecided",), calibration=None)


class Page(HTMLParser):
    """Collects attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def frame(second, **tracks):
    """A frame with a face a track, given as ``t3=decision``."""
    ids = np.array([int(name[1:]) for name in tracks], np.int64)
    faces = faces_at([BOX] * len(tracks), (64, 48), list(tracks.values()))
    return WatchedFrame(IMAGE, float(second), dataclasses.replace(faces, track_id=ids), ())


def report(tmp_path, frames, **options):
    path = tmp_path / "report.html"
    write_video_report(path, iter(frames), **options)
    return Page(path.read_text("utf-8"))


def test_report(tmp_path):
    frames = [frame(i, t0=UNDECIDED if i < 2 else MATCHED, t1=UNKNOWN) for i in range(8)]
    frames += [frame(20 + i, t0=MATCHED, t2=REFUSED) for i in range(4)]
    page = report(tmp_path, frames, title="Door", notes="Today.", failures=[("door.mp4", "cut off")])
    tiles = re.findall(r"(Watched|Frames|Tracks|People found|Unknown|Refused|Failed) ([\d:]+)", page.text)
    assert dict(tiles) == {
        "Watched": "0:23", "Frames": "12", "Tracks": "3", "People found": "1", "Unknown": "1", "Refused": "1",
        "Failed": "1",
    }  # fmt: skip
    for words in ("Today.", "about 1 in 100", "Calibration: celebrities.", "cut off", "too small, blurred", "0.710",
                  "Ada Lovelace", "unknown, track 1", "refused, track 2"):  # fmt: skip
        assert words in page.text
    assert "0:00\N{EN DASH}0:07 , 0:20\N{EN DASH}0:23" in page.text
    assert "undecided" not in page.text
    assert "%" not in page.text
    assert len(page.all("img")) == 3
    assert all(image["src"].startswith("data:image/jpeg;base64,") and image["alt"] for image in page.all("img"))


def test_everything_is_in_the_file(tmp_path):
    page = report(tmp_path, [frame(i, t0=MATCHED) for i in range(5)])
    assert not {"script", "link", "a"} & {tag for tag, _ in page.tags}
    assert len(page.all("svg")) == 1
    assert "url(" not in (tmp_path / "report.html").read_text("utf-8")
    policy = next(meta for meta in page.all("meta") if "http-equiv" in meta)
    assert policy["content"].startswith("default-src 'none'")


def test_what_is_written_by_others_is_escaped(tmp_path):
    evil = "<script>alert('x')</script>\"&\u202e\udce9"
    frames = [frame(i, t0=decision(True, label=evil)) for i in range(5)]
    page = report(tmp_path, frames, title=evil, notes=evil, failures=[(evil, evil)])
    assert not page.all("script")
    assert "<script>alert('x')</script>\"&" in page.text


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([], "No frame was read."),
        ([frame(0), frame(1)], "No face was seen."),
        ([frame(0, t0=MATCHED), frame(1, t0=MATCHED)], "No face was seen."),
        ([frame(i, t0=UNCALIBRATED) for i in range(4)], "No calibration fits these faces"),
        ([frame(0, t0=MATCHED)] * 4, "Ada Lovelace"),
    ],
    ids=["no frame", "no face", "too brief", "uncalibrated", "no length"],
)
def test_little_to_show(tmp_path, frames, words):
    assert words in report(tmp_path, frames).text


def test_the_better_look_is_kept():
    presences = Presences(EventRules(confirm_frames=1))
    bright = np.full((480, 640, 3), 255, np.uint8)
    small, large = (faces_at([box], (640, 480), [MATCHED]) for box in ((10, 10, 40, 40), (100, 100, 300, 320)))
    looks = [(np.zeros_like(bright), small), (bright, large), (np.zeros_like(bright), small)]
    pictures = []
    for second, (image, faces) in enumerate(looks):
        presences.add(WatchedFrame(image, second, dataclasses.replace(faces, track_id=np.array([5])), ()))
        pictures.append(presences.shown()[0].picture)
    assert pictures[0] != pictures[1] == pictures[2]


def test_one_person_over_several_tracks_is_one_row(tmp_path):
    frames = [frame(i, t0=MATCHED) for i in range(4)] + [frame(10 + i, t7=MATCHED) for i in range(4)]
    page = report(tmp_path, frames)
    assert "People found 1" in page.text
    assert page.text.count("Ada Lovelace, 0:") == 0
    assert len(re.findall("lane", (tmp_path / "report.html").read_text("utf-8").partition("</style>")[2])) == 2


def test_memory_is_bounded():
    presences = Presences(EventRules(confirm_frames=2))
    for second in range(1200):
        presences.add(frame(second / 10, **{f"t{second}": MATCHED}))
    assert presences.shown() == []
    assert len(presences._tracks) <= 1000
    presences = Presences(EventRules(confirm_frames=1))
    for second in range(1100):
        presences.add(frame(second, **{f"t{second}": MATCHED}))
        presences.add(frame(second, **{f"t{second}": MATCHED}))
    assert len(presences.shown()) == 1000
    assert presences.left_out == 100


def test_many_stretches_are_joined_rather_than_kept():
    spans = Spans(2.0)
    for second in range(0, 100_000, 5):
        spans.add(float(second))
    assert len(spans.stretches) <= 256
    assert spans.stretches[0][0] == 0.0
    assert spans.stretches[-1][1] == 99_995.0


@pytest.mark.parametrize("box", [(-50, -50, 30, 30), (60, 40, 90, 90), (700, 500, 900, 900), (5, 5, 5, 5)])
def test_odd_boxes(tmp_path, box):
    faces = dataclasses.replace(faces_at([box], (64, 48), [MATCHED]), track_id=np.array([0]))
    frames = [WatchedFrame(IMAGE, i, faces, ()) for i in range(3)]
    assert len(report(tmp_path, frames).all("img")) == 1


def test_a_failed_run_leaves_the_old_report(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")

    def frames():
        yield frame(0, t0=MATCHED)
        raise UnreadableVideo("a.mp4: gone")

    with pytest.raises(UnreadableVideo):
        write_video_report(path, frames())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nowhere_to_write(tmp_path):
    with pytest.raises(UnwritableFile, match="no such folder"):
        write_video_report(tmp_path / "nowhere" / "report.html", [])
