"""`media.open_video` on files: synthetic clips with known frames, and real ones against OpenCV's reader."""

import gc
import os
import subprocess
import sys

import av
import cv2
import numpy as np
import pytest
from clip_maker import add_sound, scene

from mien import media
from mien.errors import ImageTooLarge, InvalidArgument, StreamUnavailable, UnreadableVideo
from mien.media import container

EVEN = tuple(np.arange(50) / 25)
UNEVEN = (0.0, 0.04, 0.3, 0.31, 0.9, 1.0, 1.8, 1.84, 1.88, 3.0)


def frames_of(source, **options):
    with media.open_video(source, **options) as video:
        return list(video)


def numbers_of(frames):
    """Which of the synthetic scenes these are, by their brightness."""
    return [round((float(np.median(frame.image[16:32, 24:40])) - 40) / 5) for frame in frames]


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("single_face.mp4", 72),
        ("WolfgangLanger_Pexels.mp4", 472),
        ("no_face.mp4", 95),
        ("face_noface.mov", 169),
        ("noface_face.mov", 169),
    ],
)
def test_real_clips_agree_with_opencv(name, count, samples):
    reference = cv2.VideoCapture(str(samples / name))
    with media.open_video(samples / name) as video:
        assert video.audio
        assert not video.live
        for index, frame in enumerate(video):
            read, picture = reference.read()
            assert read
            assert frame.index == index
            assert frame.timestamp == pytest.approx(reference.get(cv2.CAP_PROP_POS_MSEC) / 1000, abs=1e-6)
            assert frame.image.shape == (video.size[1], video.size[0], 3)
            if index % 40 == 0:
                difference = np.abs(frame.image.astype(int) - cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
                assert difference.mean() < 1  # the two scalers round differently
        assert index + 1 == count
        assert not reference.read()[0]
        assert video.damaged is None
        assert frame.timestamp < video.duration < frame.timestamp + 0.2


def test_what_a_video_says_of_itself(make_clip):
    with media.open_video(make_clip("a.mp4", EVEN, sound="aac")) as video:
        assert (video.size, video.rate, video.live, video.audio, video.dropped) == ((64, 48), 25.0, False, True, 0)
        assert video.duration == pytest.approx(2.0, abs=0.05)
        assert video.name.endswith("a.mp4")
        frame = next(video)
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
        assert frame.image.flags.writeable
        assert iter(video) is video
    assert list(video) == []


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.ts", "a.avi", "a.webm"])
def test_containers(name, make_clip):
    options = (
        {"codec": "libvpx-vp9"}
        if name == "a.webm"
        else {"codec": "mpeg4", "b": "4M", "bf": "0"}
        if name == "a.avi"
        else {}
    )
    frames = frames_of(make_clip(name, EVEN, **options))
    assert numbers_of(frames) == [number % 40 for number in range(50)]
    np.testing.assert_allclose([frame.timestamp for frame in frames], EVEN, atol=1e-3)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize("offset", [0.0, 7.5])
def test_variable_rate_and_offset(name, offset, make_clip):
    frames = frames_of(make_clip(name, [second + offset for second in UNEVEN]))
    np.testing.assert_allclose([frame.timestamp for frame in frames], UNEVEN, atol=1e-3)
    assert numbers_of(frames) == list(range(len(UNEVEN)))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, range(50), id="all"),
        pytest.param({"fps": 5}, range(0, 50, 5), id="a fifth"),
        pytest.param({"fps": 1}, [0, 25], id="one a second"),
        pytest.param({"fps": 100}, range(50), id="more than there are"),
        pytest.param({"start": 1.0}, range(25, 50), id="start"),
        pytest.param({"start": 0.99}, range(25, 50), id="start between frames"),
        pytest.param({"end": 0.4}, range(10), id="end is not included"),
        pytest.param({"start": 0.52, "end": 0.6}, [13, 14], id="a piece"),
        pytest.param({"start": 1.0, "end": 2.0, "fps": 5}, range(25, 50, 5), id="a piece, sampled"),
        pytest.param({"start": 1.97}, [], id="after the last frame"),
    ],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_sampling_and_seeking(name, options, expected, make_clip):
    frames = frames_of(make_clip(name, EVEN), **options)
    assert numbers_of(frames) == [number % 40 for number in expected]
    np.testing.assert_allclose([frame.timestamp for frame in frames], [EVEN[n] for n in expected], atol=1e-3)
    assert [frame.index for frame in frames] == list(range(len(frames)))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_every_start_lands_on_the_frame_that_decoding_from_the_beginning_gives(name, make_clip):
    path = make_clip(name, EVEN, bf="3")
    whole = frames_of(path)
    for frame in whole[::3]:
        with media.open_video(path, start=frame.timestamp) as video:
            first = next(video)
        assert first.timestamp == pytest.approx(frame.timestamp, abs=1e-6)
        np.testing.assert_array_equal(first.image, frame.image)


def test_a_file_without_timestamps_is_timed_by_its_rate_and_not_seeked(make_clip):
    path = make_clip("a.h264", EVEN)
    frames = frames_of(path, start=1.0)
    assert numbers_of(frames)[0] == 25
    assert frames[0].timestamp == pytest.approx(1.0, abs=0.001)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_phones_turn_the_picture_by_a_matrix(degrees, make_clip):
    plain = frames_of(make_clip("plain.mp4"))
    path = make_clip("turned.mp4", prepare=lambda stream: stream.set_display_rotation(degrees))
    with media.open_video(path) as video:
        turned = list(video)
        assert video.size == ((48, 64) if degrees % 180 else (64, 48))
    for frame, upright_one in zip(turned, plain, strict=True):
        np.testing.assert_array_equal(frame.image, np.rot90(upright_one.image, degrees // 90))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("missing.mp4", None, "no such file", id="missing"),
        pytest.param("empty.mp4", b"", "an empty file", id="empty"),
        pytest.param("text.mp4", b"These are words.\n" * 200, "something else", id="text"),
        pytest.param("noise.mp4", bytes(range(256)) * 50, "something else", id="noise"),
        pytest.param("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nreal.mp4\n#EXT-X-ENDLIST\n", "something else", id="HLS list"),
        pytest.param("list.ffconcat", b"ffconcat version 1.0\nfile real.mp4\n", "something else", id="concat list"),
        pytest.param("nul\0.mp4", None, "cannot be read", id="NUL"),
        pytest.param(".", None, "a folder", id="folder"),
        pytest.param("x" * 300 + ".mp4", None, "cannot be read", id="a name that is too long"),
    ],
)
def test_what_is_no_video(name, content, message, tmp_path, make_clip):
    make_clip("real.mp4")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableVideo, match=message) as refused:
        media.open_video(tmp_path / name)
    assert refused.value.details["source"]


def test_images_are_no_videos(tmp_path):
    for name in ("a.png", "a.jpg", "a.bmp"):
        media.write(tmp_path / name, np.zeros((16, 16, 3), np.uint8))
        with pytest.raises(UnreadableVideo, match="expected a video"):
            media.open_video(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(UnreadableVideo, match="a pipe or a device"):
        media.open_video(tmp_path / "pipe.mp4")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs POSIX modes and no superuser")
def test_no_permission(make_clip):
    path = make_clip("a.mp4")
    path.chmod(0)
    with pytest.raises(UnreadableVideo, match="no permission"):
        media.open_video(path)


@pytest.mark.parametrize("name", ["100% of it.mp4", "concat:a.mp4", "späße ü.mp4", "-i.mp4", "a:b.mp4"])
def test_names_that_mean_something_to_ffmpeg(name, make_clip, tmp_path):
    if os.name == "nt" and ":" in name:
        pytest.skip("no such names on Windows")
    make_clip("plain.mp4").rename(tmp_path / name)
    assert len(frames_of(tmp_path / name)) == 25


def write_sound(path, *, cover=False):
    with av.open(str(path), "w") as sound:
        packets = add_sound(sound, 0.5, "aac")
        if cover:
            picture = sound.add_stream("mjpeg", rate=1)
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
            frame = av.VideoFrame.from_ndarray(scene(0), format="rgb24").reformat(format="yuvj420p")
            frame.pts = 0
            sound.mux(picture.encode(frame))
            sound.mux(picture.encode())
        for packet in packets:
            sound.mux(packet)
    return path


@pytest.mark.parametrize("cover", [False, True])
def test_sound_is_no_video_with_or_without_a_cover(cover, tmp_path):
    with pytest.raises(UnreadableVideo, match="sound only"):
        media.open_video(write_sound(tmp_path / "song.mp4", cover=cover))


def test_of_several_pictures_the_largest_is_watched(tmp_path):
    with av.open(str(tmp_path / "two.mkv"), "w") as clip:
        for size in ((32, 24), (64, 48)):
            stream = clip.add_stream("ffv1", rate=25)
            (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
            stream.disposition = av.stream.Disposition(0)
        for stream in clip.streams.video:
            frame = av.VideoFrame.from_ndarray(scene(3, stream.width, stream.height), format="rgb24")
            frame.pts = 0
            clip.mux(stream.encode(frame.reformat(format="yuv420p")))
    with media.open_video(tmp_path / "two.mkv") as video:
        assert video.size == (64, 48)


@pytest.mark.parametrize("name", ["a.mkv", "a.ts"])
def test_a_file_that_is_cut_off_gives_what_decodes_and_says_so(name, make_clip):
    path = make_clip(name, tuple(np.arange(200) / 25), codec="mpeg4", b="4M")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with media.open_video(path) as video:
        frames = list(video)
        assert 50 < len(frames) < 150
        assert numbers_of(frames)[:50] == [number % 40 for number in range(50)]
        if name != "a.ts":  # a transport stream says nowhere how long it was to be
            assert video.damaged is not None


def test_a_part_that_is_damaged_does_not_end_the_rest(make_clip):
    path = make_clip("a.mkv", EVEN)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)
    with media.open_video(path) as video:
        frames = list(video)
    assert 20 <= len(frames) < 50
    assert frames[-1].timestamp == pytest.approx(EVEN[-1], abs=0.001)


def test_a_file_whose_table_is_cut_off_is_refused(make_clip):
    path = make_clip("a.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableVideo, match="damaged"):
        media.open_video(path)


def test_recordings_joined_end_to_end_go_on_in_time_and_may_change_size(make_clip, tmp_path):
    parts = [make_clip("small.ts", EVEN), make_clip("large.ts", EVEN, size=(96, 64))]
    (tmp_path / "joined.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = frames_of(tmp_path / "joined.ts")
    assert {frame.image.shape for frame in frames} == {(48, 64, 3), (64, 96, 3)}
    assert len(frames) >= 98
    steps = np.diff([frame.timestamp for frame in frames])
    assert steps.min() > 0
    assert steps.max() < 0.2


def test_frames_over_the_limit(make_clip, monkeypatch):
    path = make_clip("a.mp4")
    monkeypatch.setattr(container, "MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(ImageTooLarge, match="64 x 48") as refused:
        media.open_video(path)
    assert refused.value.details["size"] == 64 * 48


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fps": 0}, "fps"),
        ({"fps": float("nan")}, "fps"),
        ({"start": -1}, "start"),
        ({"start": float("inf")}, "start"),
        ({"start": 2, "end": 2}, "end"),
        ({"end": float("nan")}, "end"),
        ({"start": 60}, "lasts 1"),
    ],
)
def test_options_out_of_range(options, message, make_clip):
    with pytest.raises(InvalidArgument, match=message):
        media.open_video(make_clip("a.mp4"), **options)


@pytest.mark.parametrize(
    "source", ["ftp://host/a.mp4", "camera:front", "rtsp://", "http://[", 3, b"a.mp4", "camera://0", "file:///a.mp4"]
)
def test_sources_of_an_unknown_kind(source):
    with pytest.raises(InvalidArgument, match="expected"):
        media.open_video(source)


def test_a_camera_that_is_not_there():
    with pytest.raises(StreamUnavailable, match="camera:97"):
        media.open_video("camera:97")


def test_frames_are_let_go_one_by_one_and_do_not_wait_for_the_collector(make_clip):
    path = make_clip("a.mp4", EVEN)

    def held():
        return sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects())

    gc.collect()
    # Clips that other tests play are none of this one's.
    others = held()
    gc.disable()
    try:
        with media.open_video(path) as video:
            for _ in video:
                pass
            own = held() - others
    finally:
        gc.enable()
    assert own < 5


def test_closing_ends_the_iterator_and_may_happen_twice(make_clip):
    video = media.open_video(make_clip("a.mp4"))
    next(video)
    video.close()
    video.close()
    assert list(video) == []


@pytest.mark.parametrize(("name", "expected"), [("a.MP4", True), ("b.mov", True), ("c.jpg", False), ("mp4", False)])
def test_is_video(name, expected):
    assert media.is_video(name) is expected


def test_pyav_is_not_loaded_before_it_is_needed():
    code = "import sys, mien.media; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
