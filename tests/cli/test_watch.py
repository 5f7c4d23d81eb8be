import dataclasses
import json
import os
import shutil
import signal
import time

import av
import numpy as np
import pytest

from mien import media
from mien.cli import main
from mien.errors import StreamUnavailable
from mien.media import Frame, Video, open_video
from mien.watch import Event, WatchedFrame

from .conftest import faces_of

SIZE = (100, 120)


class FakeVideo(Video):
    """Ten frames a second, each with a face that is decided from the third on."""

    def __init__(self, live=False, length=10):
        type(self).live = live
        self.name, self.size, self.rate, self.audio = "door", SIZE, 10.0, False
        self.duration = None if live else length / 10
        self.length, self.closed, self.index = length, False, 0

    def __next__(self):
        if self.closed or self.index >= self.length:
            raise StopIteration
        self.index += 1
        return Frame(np.zeros((SIZE[1], SIZE[0], 3), np.uint8), (self.index - 1) / 10, self.index - 1)

    def close(self):
        self.closed = True


class FakeGallery:
    """Recognises Ada in every frame; what happens in a frame can be hooked into."""

    def __init__(self):
        self.calls, self.hooks = [], {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.calls.append("closed")

    def watch(self, video, *, fpir, require, rules, on_event):
        self.calls.append((fpir, require, rules))
        faces = dataclasses.replace(faces_of("Ada"), track_id=np.array([0]))

        def event(kind, moment, made=None):
            on_event(Event(kind, 0, moment, 0.0, moment, 3, (10, 10, 90, 110), made))

        moment = 0.0
        for frame in video:
            moment = frame.timestamp
            if frame.index == 1:
                event("appeared", moment)
            if frame.index == 2:
                event("recognised", moment, faces.decisions[0])
            self.hooks.get(frame.index, lambda: None)()
            yield WatchedFrame(frame.image, moment, faces, ())
        if moment:
            event("left", moment, faces.decisions[0])


@pytest.fixture
def gallery(monkeypatch):
    fake = FakeGallery()
    monkeypatch.setattr("mien.cli.watch.open_gallery", lambda arguments, *, must_exist: fake)
    return fake


@pytest.fixture
def video(monkeypatch):
    """What is opened, and what it was asked for; ``video.live = True`` makes it a live one."""
    made = FakeVideo()

    def opened(source, **options):
        made.asked = (source, options)
        return made

    monkeypatch.setattr(media, "open_video", opened)
    return made


@pytest.fixture
def live(video):
    type(video).live = True
    video.duration = None
    return video


def test_events_are_lines(gallery, video, capsys):
    assert main(["watch", "door.mp4"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][:3] == ["0:00.1", "appeared", "somebody"]
    assert lines[1][:4] == ["0:00.2", "recognised", "Ada", "track"]
    assert " ".join(lines[1]).endswith("score 0.800 >= threshold 0.400")
    assert lines[2][:3] == ["0:00.9", "left", "Ada"]
    assert " ".join(lines[3]) == "1 person recognised: Ada; 0 unknown"
    assert " ".join(lines[4]).startswith("watched 0:00.9: 10 frames at")
    assert " ".join(lines[5]).endswith("rate of 0.01 for this gallery")
    assert len(lines) == 6


def test_json_is_one_event_a_line(gallery, video, capsys):
    assert main(["watch", "door.mp4", "--format", "json"]) == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["kind"] for document in documents] == ["appeared", "recognised", "left"]
    assert {document["source"] for document in documents} == {"door"}


def test_what_is_asked_for_is_passed_on(gallery, video):
    words = "--fpir 0.1 --fps 5 --start 1 --end 3.5 --confirm-frames 7 --absence 4 --cooldown 9 --no-unknown"
    assert main(["watch", "door.mp4", *words.split(), "--require", "quality=medium"]) == 0
    assert video.asked == ("door.mp4", {"fps": 5.0, "start": 1.0, "end": 3.5})
    fpir, require, rules = gallery.calls[0]
    assert (fpir, require) == (0.1, "quality=medium")
    assert (rules.confirm_frames, rules.absence_seconds, rules.cooldown_seconds, rules.emit_unknown) == (7, 4, 9, False)
    assert gallery.calls[-1] == "closed"
    assert video.closed


def test_outputs(gallery, video, tmp_path):
    saved, report, events = (tmp_path / name for name in ("out.mp4", "out.html", "out.jsonl"))
    assert main(["watch", "door.mp4", "--save", str(saved), "--report", str(report), "--events", str(events)]) == 0
    assert [json.loads(line)["kind"] for line in events.read_text().splitlines()] == ["appeared", "recognised", "left"]
    assert "Ada" in report.read_text("utf-8")
    with open_video(saved) as copy:
        frames = list(copy)
    assert len(frames) == 10
    assert frames[0].image.any()


def test_ctrl_c_ends_a_live_source_in_good_order(gallery, live, tmp_path, capsys):
    live.length = 10**9
    gallery.hooks[5] = lambda: signal.raise_signal(signal.SIGINT)
    report, saved = tmp_path / "out.html", tmp_path / "out.mp4"
    before = signal.getsignal(signal.SIGINT)
    assert main(["watch", "camera:0", "--report", str(report), "--save", str(saved)]) == 0
    out = capsys.readouterr().out
    assert "left" in out
    assert "1 person recognised" in out
    assert "Ada" in report.read_text("utf-8")
    assert saved.is_file()
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_finishes_the_outputs_of_a_file_and_says_so(gallery, video, tmp_path):
    video.length = 10**9
    gallery.hooks[5] = lambda: signal.raise_signal(signal.SIGTERM)
    report = tmp_path / "out.html"
    assert main(["watch", "door.mp4", "--report", str(report)]) == 130
    assert report.is_file()


@pytest.mark.parametrize("interrupted", [True, False])
def test_the_sound_of_a_copy_ends_with_its_pictures_where_it_was_interrupted(gallery, video, tmp_path, interrupted):
    source, saved = tmp_path / "door.mp4", tmp_path / "out.mp4"
    with av.open(str(source), "w") as clip:
        stream = clip.add_stream("aac", rate=48_000)
        silence = av.AudioFrame.from_ndarray(np.zeros((2, 48_000 * 3), np.float32), format="fltp", layout="stereo")
        silence.sample_rate = 48_000
        for packet in [*stream.encode(silence), *stream.encode()]:
            clip.mux(packet)
    video.audio = True
    if interrupted:
        gallery.hooks[9] = lambda: signal.raise_signal(signal.SIGINT)
    main(["watch", str(source), "--save", str(saved)])
    with av.open(str(saved)) as copy:
        audio = copy.streams.audio[0]
        assert float(audio.duration * audio.time_base) == pytest.approx(1.0 if interrupted else 3.0, abs=0.06)


def test_a_second_ctrl_c_ends_at_once(gallery, live, tmp_path):
    def twice():
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.01)  # two that come before the first is handled are one
        signal.raise_signal(signal.SIGINT)

    gallery.hooks[5] = twice
    # A shell lets the jobs that it starts in the background ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert main(["watch", "camera:0", "--report", str(tmp_path / "out.html")]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert list(tmp_path.iterdir()) == []


def test_a_stream_that_is_lost_keeps_what_was_seen(gallery, live, tmp_path, capsys):
    def lose():
        raise StreamUnavailable("door: no frame for 60 s")

    gallery.hooks[5] = lose
    report = tmp_path / "out.html"
    assert main(["watch", "rtsp://door", "--report", str(report)]) == 3
    assert "no frame for 60 s" in report.read_text("utf-8")
    assert "mien: error: door: no frame for 60 s" in capsys.readouterr().err


def test_a_damaged_file_is_said(gallery, video, capsys):
    video.damaged = "cut off from here on"
    assert main(["watch", "door.mp4"]) == 3
    assert "cut off from here on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["door.mp4", "--save", "door.mp4"], 2, "would overwrite the source"),
        (["door.mp4", "--report", "a", "--events", "a"], 2, "would overwrite --report"),
        (["door.mp4", "--confirm-frames", "0"], 2, "confirm_frames"),
        (["door.mp4", "--absence", "-1"], 2, "absence_seconds"),
        (["door.mp4", "--save", "out.gif"], 2, "out.gif"),
        (["door.mp4", "--save", "nowhere/out.mp4"], 2, "no such folder"),
        (["door.mp4", "--report", "nowhere/out.html"], 2, "no such folder"),
        (["door.mp4", "--events", "nowhere/out.jsonl"], 2, "no such folder"),
    ],
)
def test_what_cannot_be_is_refused(gallery, video, words, status, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["watch", *words]) == status
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--save", "--report", "--events"])
@pytest.mark.parametrize(("name", "what"), [("door.mp4", "the source"), ("people.mien", "the gallery")])
@pytest.mark.parametrize("link", [os.link, os.symlink, None], ids=["hard link", "symlink", "itself"])
def test_no_output_takes_the_place_of_an_input(gallery, video, option, name, what, link, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MIEN_GALLERY", str(tmp_path / "people.mien"))
    for other in ("door.mp4", "people.mien"):
        (tmp_path / other).write_bytes(b"precious")
    out = tmp_path / name
    if link is not None:
        out = tmp_path / "out.mp4"
        link(tmp_path / name, out)
    assert main(["watch", str(tmp_path / "door.mp4"), option, str(out)]) == 2
    assert f"would overwrite {what}" in capsys.readouterr().err
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"precious"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.parametrize("option", ["--save", "--report"])
def test_a_pipe_or_device_is_not_replaced_by_a_file(gallery, video, option, tmp_path, capsys):
    pipe = tmp_path / "out.mp4"
    os.mkfifo(pipe)
    assert main(["watch", "door.mp4", option, str(pipe)]) == 2
    assert "a pipe or a device" in capsys.readouterr().err
    assert pipe.is_fifo()


@pytest.mark.parametrize("words", [[""], ["a.mp4", "--fpir", "2"], ["a.mp4", "--save", ""], []])
def test_what_cannot_be_parsed(words):
    with pytest.raises(SystemExit):
        main(["watch", *words])


@pytest.mark.parametrize(("name", "content"), [("missing.mp4", None), ("empty.mp4", b""), ("text.mp4", b"no video")])
def test_what_is_no_video(name, content, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MIEN_GALLERY", str(tmp_path / "g.mien"))
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert main(["watch", str(path), "--report", str(tmp_path / "out.html")]) == 3
    assert name in capsys.readouterr().err
    assert not (tmp_path / "out.html").exists()


@pytest.mark.weights
@pytest.mark.samples
def test_a_real_clip_and_an_empty_gallery(samples, weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MIEN_GALLERY", str(tmp_path / "g.mien"))
    clip = shutil.copy(samples / "single_face.mp4", tmp_path / "clip.mp4")
    words = ["--end", "0.6", "--fps", "10", "--save", str(tmp_path / "out.mp4"), "--report", str(tmp_path / "out.html")]
    assert main(["watch", str(clip), *words, "--format", "json"]) == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["kind"] for document in documents] == ["appeared", "unknown", "left"]
    assert documents[1]["decision"]["reasons"] == ["empty_gallery"]
    with media.open_video(tmp_path / "out.mp4") as copy:
        assert copy.size == media_size(clip)
        assert len(list(copy)) == 6
    assert "empty gallery" in (tmp_path / "out.html").read_text("utf-8")


@pytest.mark.weights
@pytest.mark.samples
def test_a_real_clip_of_what_is_required(samples, weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MIEN_GALLERY", str(tmp_path / "g.mien"))
    assert main(["enroll", "the man", str(samples / "single_face.jpg")]) == 0
    capsys.readouterr()
    clip = [str(samples / "single_face.mp4"), "--end", "1", "--format", "json", "--require"]
    assert main(["watch", *clip, "quality=high"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(event["kind"], event["person"]) for event in events][1:] == [
        ("recognised", "the man"),
        ("left", "the man"),
    ]
    assert main(["watch", *clip, "quality=best"]) == 2
    assert "expected quality=low, quality=medium or quality=high" in capsys.readouterr().err


def media_size(path):
    with media.open_video(path) as video:
        return video.size
