import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest

from mien.errors import UnwritableFile
from mien.render import EventWriter, decision_to_dict, event_to_dict
from mien.watch import Event

from .conftest import MATCHED, NOTHING, UNKNOWN

EVENT = Event("recognised", 3, 12.34567, 10.0, 12.3, 41, (1.0, 2.5, 30.125, 40.0), MATCHED)


def lines(path):
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def test_document():
    document = event_to_dict(EVENT, "door.mp4")
    assert document == {
        "schema": "mien.event/1",
        "kind": "recognised",
        "source": "door.mp4",
        "timestamp": 12.346,
        "time": None,
        "track_id": 3,
        "person": "Ada Lovelace",
        "started": 10.0,
        "ended": 12.3,
        "frames": 41,
        "box": {"left": 1.0, "top": 2.5, "right": 30.12, "bottom": 40.0},
        "decision": decision_to_dict(MATCHED),
    }


@pytest.mark.parametrize("decision", [None, UNKNOWN, NOTHING])
def test_nobody_is_null(decision):
    document = event_to_dict(Event("left", 1, 1.0, 0.0, 1.0, 3, (0, 0, 1, 1), decision), "a")
    assert document["person"] is None
    assert (document["decision"] is None) == (decision is None)
    json.dumps(document, allow_nan=False)


def test_what_comes_from_numpy_is_plain():
    box = tuple(np.float32([1, 2, 3, 4]))
    event = Event("left", np.int64(1), np.float64(1), np.float32(0), np.float64(1), np.int64(3), box)
    json.dumps(event_to_dict(event, "a"), allow_nan=False)


def test_wall_clock_is_utc():
    moment = dt.datetime(2026, 1, 31, 12, 0, 0, 250_999, tzinfo=dt.UTC)
    event = Event("appeared", 1, 1.0, 0.0, 1.0, 3, (0, 0, 1, 1), time=moment)
    assert event_to_dict(event, "camera:0")["time"] == "2026-01-31T12:00:00.250+00:00"


def test_each_line_is_there_when_write_returns(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path, "a.mp4") as writer:
        for count in (1, 2, 3):
            writer.write([EVENT])
            assert len(lines(path)) == count
            assert path.read_bytes().endswith(b"}\n")
        writer.write([])
    assert [line["source"] for line in lines(path)] == ["a.mp4"] * 3


@pytest.mark.parametrize(("before", "kept"), [(b"", b""), (b'{"a": 1}\n', b'{"a": 1}\n'), (b'{"a": 1', b'{"a": 1\n')])
def test_a_file_that_is_there_is_continued(tmp_path, before, kept):
    path = tmp_path / "events.jsonl"
    path.write_bytes(before)
    for _ in range(2):
        with EventWriter(path, "a") as writer:
            writer.write([EVENT])
    text = path.read_bytes()
    assert text.startswith(kept)
    assert [json.loads(line)["kind"] for line in text[len(kept) :].splitlines()] == ["recognised"] * 2


def test_odd_names_are_one_ascii_line(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path, "two\nlines\udce9é") as writer:
        writer.write([EVENT])
    assert path.read_bytes().isascii()
    assert lines(path)[0]["source"] == "two\nlines\udce9é"


@pytest.mark.parametrize(
    ("name", "reason"), [("nowhere/e.jsonl", "no such folder"), (".", "it is a folder"), ("a\0b", "null")]
)
def test_nowhere_to_write(tmp_path, name, reason):
    with pytest.raises(UnwritableFile, match=reason):
        EventWriter(tmp_path / name, "a")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk():
    with EventWriter("/dev/full", "a") as writer, pytest.raises(UnwritableFile, match="no room on the disk"):
        writer.write([EVENT])
