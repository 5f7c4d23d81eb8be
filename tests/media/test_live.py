"""`media.open_video` on live streams, against real servers on this machine that stall, refuse, drop and come back."""

import itertools
import socket
import threading
import time
import traceback

import numpy as np
import pytest
from stream_servers import HttpHandler, RtspHandler, Server

from mien import media
from mien.errors import InvalidArgument, StreamUnavailable
from mien.media import container

QUICK = media.LiveOptions(open_timeout=5, read_timeout=0.3, give_up_after=1.0, first_pause=0.02, longest_pause=0.1)
PATIENT = media.LiveOptions(open_timeout=10, read_timeout=5, give_up_after=20, first_pause=0.02, longest_pause=0.1)


def number_of(frame):
    return round((float(np.median(frame.image[16:32, 24:40])) - 40) / 5)


def readers():
    return [thread for thread in threading.enumerate() if thread.name == "mien-live"]


def test_frames_come_live():
    with Server(HttpHandler) as server, media.open_video(f"http://{server.host}/mjpeg", live=PATIENT) as video:
        assert (video.live, video.size, video.duration, video.audio) == (True, (64, 48), None, False)
        frames = [next(video) for _ in range(5)]
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert frames[0].image.shape == (48, 64, 3)
    assert np.diff([frame.timestamp for frame in frames]).min() > 0
    assert frames[0].timestamp < 1
    assert not readers()


def test_a_slow_caller_gets_the_newest_frame_and_the_rest_are_counted():
    with Server(HttpHandler) as server, media.open_video(f"http://{server.host}/mjpeg", live=PATIENT) as video:
        first = next(video)
        target = server.sent + 30
        server.wait_for(lambda: server.sent >= target)
        second = next(video)
        assert video.dropped >= 15
        assert second.index == 1
        assert (number_of(second) - number_of(first)) % 40 >= 15


def test_it_connects_again_after_the_line_was_lost():
    with (
        Server(HttpHandler, frames_a_connection=8) as server,
        media.open_video(f"http://{server.host}/mjpeg", live=PATIENT) as video,
    ):
        stamps = [next(video).timestamp]
        while server.connections < 4:
            stamps.append(next(video).timestamp)
    assert np.diff(stamps).min() > 0


def test_it_connects_again_after_a_silence():
    with Server(HttpHandler, frames_a_connection=8) as server:
        server.stalled.set()
        with media.open_video(f"http://{server.host}/mjpeg", live=QUICK) as video:
            while server.connections < 3:
                next(video)


def test_it_gives_up_where_nothing_comes_back():
    with (
        Server(HttpHandler, frames_a_connection=8) as server,
        media.open_video(f"http://u:secret@{server.host}/mjpeg?key=hidden", live=QUICK) as video,
    ):
        next(video)
        server.refusing = True
        with pytest.raises(StreamUnavailable, match="no frame for") as refused:
            list(video)
        with pytest.raises(StreamUnavailable):
            next(video)
        assert server.connections > 3
    assert "secret" not in refused.value.message + video.name + repr(video)
    assert "hidden" not in refused.value.message + video.name


def test_a_reader_that_fails_is_told_and_not_waited_for(monkeypatch):
    with (
        Server(HttpHandler, frames_a_connection=8) as server,
        media.open_video(f"http://{server.host}/mjpeg", live=PATIENT) as video,
    ):
        monkeypatch.setattr(container, "connect", lambda *_: 1 / 0)
        with pytest.raises(StreamUnavailable, match="reading failed: division by zero"):
            list(video)


def test_a_stream_in_which_nothing_decodes_is_given_up():
    options = media.LiveOptions(open_timeout=5, read_timeout=5, give_up_after=0.3, first_pause=0.02)
    with Server(HttpHandler, spoiled=True) as server, pytest.raises(StreamUnavailable, match="could be decoded"):
        media.open_video(f"http://{server.host}/mjpeg", live=options)


def test_nobody_there_is_said_at_once_and_without_the_password():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    for scheme in ("rtsp", "http"):
        with pytest.raises(StreamUnavailable, match=f"{scheme}://127.0.0.1:{port}/cam: cannot be opened") as refused:
            media.open_video(f"{scheme}://user:secret@127.0.0.1:{port}/cam?token=hidden", live=QUICK)
        told = "".join(traceback.format_exception(refused.value)).replace(traceback.format_stack()[0], "")
        shown = [line for line in told.splitlines() if "media.open_video(" not in line]
        assert not any("secret" in line or "hidden" in line for line in shown)
        assert refused.value.details == {"source": f"{scheme}://127.0.0.1:{port}/cam"}


def test_a_server_that_says_nothing_is_not_waited_for():
    options = media.LiveOptions(open_timeout=0.3)
    with Server(HttpHandler) as server:
        begun = time.perf_counter()
        with pytest.raises(StreamUnavailable, match="no answer in time"):
            media.open_video(f"http://{server.host}/silent", live=options)
        assert time.perf_counter() - begun < 5


def test_a_page_is_no_stream(tmp_path):
    (tmp_path / "page").write_text("<html>" + "words " * 2000)
    with Server(HttpHandler, path=tmp_path) as server, pytest.raises(StreamUnavailable, match="cannot be opened"):
        media.open_video(f"http://{server.host}/page", live=QUICK)


def test_closing_stops_the_reader_at_once_even_from_another_thread():
    with Server(HttpHandler, frames_a_connection=8) as server:
        server.stalled.set()
        video = media.open_video(f"http://{server.host}/mjpeg", live=PATIENT)
        stopper = threading.Timer(0.2, video.close)
        stopper.start()
        begun = time.perf_counter()
        frames = list(video)
        stopper.join()
        assert time.perf_counter() - begun < 3
        assert 0 < len(frames) <= 8
        assert list(video) == []
        video.close()


def test_fps_and_end():
    with (
        Server(HttpHandler) as server,
        media.open_video(f"http://{server.host}/mjpeg", fps=10, end=0.6, live=PATIENT) as video,
    ):
        frames = list(video)
    assert 3 <= len(frames) <= 6
    assert frames[-1].timestamp < 0.6


def test_a_live_stream_has_no_past_to_skip():
    with Server(HttpHandler) as server, pytest.raises(InvalidArgument, match="is live"):
        media.open_video(f"http://{server.host}/mjpeg", start=5, live=PATIENT)


def test_a_transport_stream_without_an_end(make_clip, tmp_path):
    make_clip("a.ts", tuple(np.arange(100) / 25))
    with (
        Server(HttpHandler, path=tmp_path) as server,
        media.open_video(f"http://{server.host}/endless/a.ts", live=PATIENT) as video,
    ):
        assert video.live
        assert next(video).image.shape == (48, 64, 3)


def test_an_address_of_a_file_is_read_like_a_file(make_clip, tmp_path):
    make_clip("a.mkv", tuple(np.arange(50) / 25))
    with (
        Server(HttpHandler, path=tmp_path) as server,
        media.open_video(f"http://u:secret@{server.host}/a.mkv", fps=5) as video,
    ):
        assert not video.live
        assert video.name == f"http://{server.host}/a.mkv"
        assert [number_of(frame) for frame in video] == [number % 40 for number in range(0, 50, 5)]


def test_segments_are_shown_at_their_pace(make_clip, tmp_path):
    make_clip("a.ts", tuple(np.arange(25) / 25))
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", "#EXTINF:1.0,", "a.ts", ""]
    (tmp_path / "live.m3u8").write_text("\n".join(lines))
    with (
        Server(HttpHandler, path=tmp_path) as server,
        media.open_video(f"http://{server.host}/live.m3u8", live=PATIENT, end=0.5) as video,
    ):
        assert video.live
        frames = list(video)
    assert len(frames) >= 8
    steps = [number_of(later) - number_of(sooner) for sooner, later in itertools.pairwise(frames)]
    assert np.median(steps) == 1


def test_rtsp_over_tcp_and_back_after_it_ended(make_clip):
    clip = make_clip("a.ts", tuple(np.arange(150) / 25))
    with (
        Server(RtspHandler, path=clip, pause=0.002) as server,
        media.open_video(f"rtsp://u:secret@{server.host}/cam", live=PATIENT) as video,
    ):
        assert (video.live, video.name) == (True, f"rtsp://{server.host}/cam")
        assert next(video).image.shape == (48, 64, 3)
        while server.connections < 2:
            frame = next(video)
        assert next(video).timestamp > frame.timestamp
    assert "TCP" in server.transport


@pytest.mark.parametrize("options", [{"open_timeout": 0}, {"give_up_after": float("inf")}, {"transport": "pigeon"}])
def test_options_out_of_range(options):
    with pytest.raises(InvalidArgument, match=next(iter(options))):
        media.LiveOptions(**options)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("rtsp://user:p@ss@cam.local:554/live?pw=1#x", "rtsp://cam.local:554/live"),
        ("HTTP://user@host/a", "http://host/a"),
        ("https://[::1]:8/a", "https://[::1]:8/a"),
        ("camera:2", "camera:2"),
    ],
)
def test_names_show_no_credentials(address, name):
    located = container.locate(address)
    assert (located.name, repr(located)) == (name, f"<Address {name}>")
