"""`media.VideoWriter`: what was written, read back by OpenCV and by PyAV."""

import builtins
import errno
import os
from itertools import islice

import av
import cv2
import numpy as np
import pytest
from clip_maker import scene

from mien import media
from mien.errors import InvalidArgument, UnreadableVideo, UnwritableFile
from mien.media import recording

UNEVEN = (0.0, 0.04, 0.3, 0.31, 0.9, 1.0, 1.8)
EXTENSIONS = ["mp4", "m4v", "mov", "mkv", "webm"]


def record(path, seconds=UNEVEN, size=(64, 48), **options):
    with media.VideoWriter(path, size=size, rate=25, **options) as writer:
        for number, second in enumerate(seconds):
            writer.write(scene(number, *size), second)
    return path


def frames_of(path):
    with media.open_video(path) as video:
        return list(video)


def sound_of(path):
    """Codec, and the seconds at which the first packet starts and the last one ends; None where there is none."""
    with av.open(str(path)) as clip:
        if not clip.streams.audio:
            return None
        stream = clip.streams.audio[0]
        packets = [packet for packet in clip.demux(stream) if packet.size]
        ends = [float((packet.pts + (packet.duration or 0)) * packet.time_base) for packet in packets]
        return stream.codec.canonical_name, float(packets[0].pts * packets[0].time_base), ends[-1], packets


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_frames_and_timestamps_come_back(extension, tmp_path):
    frames = frames_of(record(tmp_path / f"out.{extension}"))
    np.testing.assert_allclose([frame.timestamp for frame in frames], UNEVEN, atol=1e-3)
    for number, frame in enumerate(frames):
        assert np.abs(frame.image.astype(int) - scene(number)).mean() < 4
    assert [path.name for path in tmp_path.iterdir()] == [f"out.{extension}"]


def test_opencv_reads_the_same(tmp_path):
    reader = cv2.VideoCapture(str(record(tmp_path / "out.mp4")))
    for number, second in enumerate(UNEVEN):
        read, picture = reader.read()
        assert read
        assert reader.get(cv2.CAP_PROP_POS_MSEC) / 1000 == pytest.approx(second, abs=1e-3)
        assert np.abs(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(int) - scene(number)).mean() < 4
    assert not reader.read()[0]


def test_what_players_need(tmp_path):
    with av.open(str(record(tmp_path / "out.mp4"))) as clip:
        (stream,) = clip.streams.video
        assert (stream.codec.canonical_name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.colorspace, stream.color_range, stream.color_primaries, stream.color_trc) == (1, 1, 1, 1)


def test_colours_survive(tmp_path):
    colours = [(200, 30, 40), (30, 190, 60), (40, 60, 210), (220, 210, 50), (128, 128, 128), (0, 0, 0), (255, 255, 255)]
    with media.VideoWriter(tmp_path / "out.mp4", size=(64, 48), rate=25) as writer:
        for number, colour in enumerate(colours):
            writer.write(np.full((48, 64, 3), colour, np.uint8), number / 25)
    for frame, colour in zip(frames_of(tmp_path / "out.mp4"), colours, strict=True):
        assert np.abs(frame.image.mean((0, 1)) - colour).max() < 4


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (63, 47), (1, 1)])
def test_an_odd_extent_is_padded_with_the_last_column_and_row(size, tmp_path):
    image = np.full((size[1], size[0], 3), (30, 190, 60), np.uint8)
    with media.VideoWriter(tmp_path / "out.mp4", size=size, rate=25) as writer:
        writer.write(image, 0.0)
    (frame,) = frames_of(tmp_path / "out.mp4")
    assert frame.image.shape == (size[1] + size[1] % 2, size[0] + size[0] % 2, 3)
    assert np.abs(frame.image.astype(int) - (30, 190, 60)).max() < 6


def test_an_image_of_another_size_is_centred_on_black(tmp_path):
    with media.VideoWriter(tmp_path / "out.mp4", size=(64, 48), rate=25) as writer:
        writer.write(np.full((48, 64, 3), 200, np.uint8), 0.0)
        writer.write(np.full((96, 32, 3), 200, np.uint8), 0.1)
    image = frames_of(tmp_path / "out.mp4")[1].image
    assert image.shape == (48, 64, 3)
    assert image[:, 26:38].min() > 180
    assert max(image[:, :20].max(), image[:, 44:].max()) < 20


@pytest.mark.parametrize(
    ("codec", "source", "extension", "expected"),
    [
        ("aac", "mp4", "mp4", "aac"),
        ("aac", "mp4", "mkv", "aac"),
        ("aac", "mp4", "webm", "opus"),
        ("libopus", "mkv", "webm", "opus"),
        ("libopus", "mkv", "mov", "aac"),
        ("libmp3lame", "mkv", "mp4", "mp3"),
        ("flac", "mkv", "mp4", "aac"),
        ("flac", "mkv", "mkv", "flac"),
    ],
)
def test_sound_is_copied_where_it_may_be(codec, source, extension, expected, make_clip, tmp_path):
    original = make_clip(f"in.{source}", tuple(np.arange(50) / 25), sound=codec)
    path = record(tmp_path / f"out.{extension}", np.arange(50) / 25, audio_from=original)
    name, begins, ends, packets = sound_of(path)
    assert name == expected
    assert begins == pytest.approx(0, abs=0.05)
    assert ends == pytest.approx(2.04, abs=0.06)
    canonical, _, _, before = sound_of(original)
    if canonical == expected and extension == "mp4":
        assert [bytes(packet) for packet in packets] == [bytes(packet) for packet in before]
    np.testing.assert_allclose([f.timestamp for f in frames_of(path)], np.arange(50) / 25, atol=1e-3)


@pytest.mark.parametrize("extension", ["mp4", "mkv", "webm"])
def test_sound_is_cut_with_the_video(extension, make_clip, tmp_path):
    original = make_clip("in.mp4", tuple(np.arange(75) / 25), sound="aac")
    with media.open_video(original, start=1.0, end=2.0) as video:
        out = tmp_path / f"out.{extension}"
        with media.VideoWriter(out, size=video.size, rate=25, audio_from=original, start=1.0, end=2.0) as writer:
            for frame in video:
                writer.write(frame.image, frame.timestamp)
    _, begins, ends, _ = sound_of(out)
    assert begins == pytest.approx(0, abs=0.05)
    assert ends == pytest.approx(1, abs=0.06)
    frames = frames_of(out)
    assert (len(frames), frames[0].timestamp) == (25, 0.0)


@pytest.mark.parametrize("extension", ["mp4", "mkv", "webm"])
def test_the_sound_of_a_video_that_stops_early_stops_with_it(extension, make_clip, tmp_path):
    original, out = make_clip("in.mp4", tuple(np.arange(75) / 25), sound="aac"), tmp_path / f"out.{extension}"
    with (
        media.open_video(original) as video,
        media.VideoWriter(out, size=(64, 48), rate=25, audio_from=original) as copy,
    ):
        for frame in islice(video, 25):
            copy.write(frame.image, frame.timestamp)
        copy.cut()
    assert sound_of(out)[2] == pytest.approx(1, abs=0.06)
    assert len(frames_of(out)) == 25


def test_a_silent_source_adds_no_sound(make_clip, tmp_path):
    assert sound_of(record(tmp_path / "out.mp4", audio_from=make_clip("in.mp4"))) is None


@pytest.mark.samples
def test_the_sound_of_a_real_clip_is_copied_packet_by_packet(samples, tmp_path):
    source, out = samples / "single_face.mp4", tmp_path / "out.mp4"
    frames = frames_of(source)
    with media.VideoWriter(out, size=(640, 360), rate=30, audio_from=source) as writer:
        for frame in frames:
            writer.write(frame.image, frame.timestamp)
    assert [bytes(p) for p in sound_of(out)[3]] == [bytes(p) for p in sound_of(source)[3]]
    stamps = [frame.timestamp for frame in frames]
    np.testing.assert_allclose([frame.timestamp for frame in frames_of(out)], stamps, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("out.gif", {}, "ends in one of"),
        ("out", {}, "ends in one of"),
        ("out.mp4", {"size": (0, 48)}, "size"),
        ("out.mp4", {"rate": 0}, "rate"),
        ("out.mp4", {"rate": float("nan")}, "rate"),
    ],
)
def test_options_out_of_range(name, options, message, tmp_path):
    with pytest.raises(InvalidArgument, match=message):
        media.VideoWriter(tmp_path / name, **({"size": (64, 48), "rate": 25} | options))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("image", "timestamp", "message"),
    [
        (scene(1), 0.5, "after 0.5 s"),
        (scene(1), 0.2, "after 0.5 s"),
        (scene(1), float("nan"), "timestamp"),
        (scene(1)[..., 0], 0.6, "expected a uint8 image"),
        (scene(1).astype(float), 0.6, "expected a uint8 image"),
    ],
)
def test_a_frame_that_is_refused_does_not_end_the_file(image, timestamp, message, tmp_path):
    with media.VideoWriter(tmp_path / "out.mp4", size=(64, 48), rate=25) as writer:
        writer.write(scene(0), 0.5)
        with pytest.raises(InvalidArgument, match=message):
            writer.write(image, timestamp)
        writer.write(scene(1), 0.7)
    assert len(frames_of(tmp_path / "out.mp4")) == 2
    with pytest.raises(InvalidArgument, match="closed"):
        writer.write(scene(2), 0.9)


def test_nothing_is_left_by_an_error_and_an_older_file_stays(tmp_path):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"older")
    with pytest.raises(AttributeError), media.VideoWriter(path, size=(64, 48), rate=25) as writer:
        writer.write(None, 0.0)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_frame_there_is_no_file(tmp_path):
    with media.VideoWriter(tmp_path / "out.mp4", size=(64, 48), rate=25):
        pass
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_and_one_in_the_way(tmp_path):
    with pytest.raises(UnwritableFile, match="no such folder"):
        record(tmp_path / "nowhere" / "out.mp4")
    (tmp_path / "out.mp4").mkdir()
    with pytest.raises(UnwritableFile, match="it is a folder"):
        record(tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_sound_from_what_is_no_video(tmp_path):
    with pytest.raises(UnreadableVideo, match="no such file"):
        record(tmp_path / "out.mp4", audio_from=tmp_path / "missing.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110
@pytest.mark.parametrize("extension", ["mp4", "mkv"])
def test_a_full_disk_leaves_nothing(extension, tmp_path, monkeypatch):
    def open_full(self, mode):
        self.touch()
        return builtins.open("/dev/full", "wb", buffering=0)  # noqa: PTH123

    monkeypatch.setattr("pathlib.Path.open", open_full)
    with pytest.raises(UnwritableFile, match="no room on the disk; nothing was changed") as refused:
        record(tmp_path / f"out.{extension}", np.arange(200) / 25)
    assert refused.value.__cause__.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())


def test_a_build_without_encoders_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "_H264", ("no_such_encoder",))
    with pytest.raises(UnwritableFile, match=r"H\.264, got a build of PyAV without one"):
        record(tmp_path / "out.mp4")
    assert not list(tmp_path.iterdir())
