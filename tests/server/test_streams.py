"""Streams that are really served, watched: who is before a camera, lines that are lost, restarts."""

from __future__ import annotations

import io
import json
import time
import urllib.request

import av
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi")

from mien.errors import InvalidArgument
from mien.server import Settings, create_app, watching
from mien.server.streams import check_source

STREAMS = "/v1/collections/main/streams"


@pytest.fixture(scope="module")
def stream_servers():
    """Small real servers of live video."""
    import sys
    from pathlib import Path

    folder = str(Path(__file__).parents[1] / "media")
    sys.path.insert(0, folder)
    try:
        import clip_maker
        import stream_servers
    finally:
        sys.path.remove(folder)
    stream_servers.write_clip = clip_maker.write_clip
    return stream_servers


@pytest.fixture(scope="module")
def frames(samples):
    """A real clip of one face, as JPEG pictures and as a photo to enrol."""
    pictures = []
    with av.open(samples / "single_face.mp4") as clip:
        for number, frame in enumerate(clip.decode(video=0)):
            if number % 3 == 0:
                image, encoded = frame.to_image(), io.BytesIO()
                image.thumbnail((640, 640))
                image.save(encoded, "JPEG", quality=90)
                pictures.append(encoded.getvalue())
    return pictures


@pytest.fixture
def camera(stream_servers, frames, monkeypatch):
    """A camera that shows the clip over and over, as motion JPEG over HTTP."""
    monkeypatch.setattr(stream_servers, "jpeg", lambda number, *_: frames[number % len(frames)])
    with stream_servers.Server(stream_servers.HttpHandler, pause=0.1) as server:
        yield server


@pytest.fixture
def watched(client, holders, main_collection):
    """Begins to watch something; its record."""

    def made(url, **more):
        new = {"name": "front door", "url": url, **more}
        answer = client.post(STREAMS, headers=holders["admin"], json=new)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return made


@pytest.fixture
def until(client, holders):
    """Waits until a stream is as wanted; its record."""

    def done(stream_id, wanted, timeout=30):
        deadline = time.monotonic() + timeout
        while not wanted(record := client.get(f"{STREAMS}/{stream_id}", headers=holders["reader"]).json()):
            assert time.monotonic() < deadline, record
            time.sleep(0.05)
        return record

    return done


@pytest.fixture
def happened(client, holders):
    def found(stream_id, kind, many=1, timeout=30):
        """Events of a kind, as soon as there are so many."""
        deadline = time.monotonic() + timeout
        while True:
            listed = client.get(f"{STREAMS}/{stream_id}/events", headers=holders["reader"]).json()["events"]
            events = [one for one in listed if one["kind"] == kind]
            if len(events) >= many:
                return events
            assert time.monotonic() < deadline, listed
            time.sleep(0.05)

    return found


def smaller(frame):
    """A picture in which 75 pixels between the eyes are 30."""
    image, encoded = Image.open(io.BytesIO(frame)), io.BytesIO()
    image.resize((256, 144)).save(encoded, "JPEG", quality=90)
    return encoded.getvalue()


@pytest.mark.weights
@pytest.mark.samples
def test_who_is_too_far_away_for_what_is_required_is_unknown(
    client, holders, camera, stream_servers, frames, watched, happened, monkeypatch
):
    far = [smaller(frame) for frame in frames]
    monkeypatch.setattr(stream_servers, "jpeg", lambda number, *_: far[number % len(far)])
    client.post(
        "/v1/collections/main/people",
        headers=holders["operator"],
        data={"label": "Ann", "purpose": "door"},
        files={"images": ("a.jpg", frames[0])},
    )
    url, rules = f"http://{camera.host}/mjpeg", {"absence_seconds": 0.5, "cooldown_seconds": 0}
    strict, usual = (watched(url, rules=rules, require=require) for require in ("quality=high", None))
    assert (strict["require"], usual["require"]) == ("quality=high", None)
    assert happened(usual["stream_id"], "stream.recognised")
    assert happened(strict["stream_id"], "stream.unknown")
    told = client.get(f"{STREAMS}/{strict['stream_id']}/events", headers=holders["reader"]).json()["events"]
    assert "stream.recognised" not in {one["kind"] for one in told}


@pytest.mark.weights
@pytest.mark.samples
def test_who_is_before_a_camera_is_told(client, service, holders, camera, frames, watched, until, happened, noted):
    people = "/v1/collections/main/people"
    client.post(
        people,
        headers=holders["operator"],
        data={"label": "Ann", "purpose": "door"},
        files={"images": ("a.jpg", frames[0])},
    )
    url = f"http://ann:s3cret@{camera.host}/mjpeg?token=t0ken"
    stream = watched(url, rules={"absence_seconds": 0.5, "cooldown_seconds": 0})
    assert (stream["enabled"], stream["fpir"]) == (True, 0.01)
    until(stream["stream_id"], lambda one: one["state"] == "watching")
    (recognised,) = happened(stream["stream_id"], "stream.recognised")
    assert (recognised["data"]["label"], recognised["data"]["stream"]) == ("Ann", "front door")
    assert "candidates" not in json.dumps(recognised)
    assert ("watch", f"stream {stream['stream_id']}", {}) in noted()
    # Requests go on meanwhile.
    detected = client.post("/v1/detect", headers=holders["reader"], files={"image": ("a.jpg", frames[0])})
    assert len(detected.json()["faces"]) == 1
    stopped = client.patch(f"{STREAMS}/{stream['stream_id']}", headers=holders["admin"], json={"enabled": False})
    assert not stopped.json()["enabled"]
    until(stream["stream_id"], lambda one: one["state"] == "stopped")
    # No password is told or kept in the open.
    told = json.dumps([client.get(STREAMS, headers=holders["admin"]).json(), stream])
    kept = b"".join(path.read_bytes() for path in service.settings.state.parent.glob("service.db*") if path.is_file())
    for secret in ("s3cret", "t0ken"):
        assert secret not in told
        assert secret.encode() not in kept
    assert client.delete(f"{STREAMS}/{stream['stream_id']}", headers=holders["admin"]).status_code == 204
    assert client.get(STREAMS, headers=holders["reader"]).json() == {"streams": []}


def watching_options():
    from mien.media import LiveOptions

    return LiveOptions(open_timeout=1, read_timeout=1, give_up_after=0.5, first_pause=0.05)


@pytest.mark.weights
@pytest.mark.samples
def test_a_line_that_is_lost_is_told_and_found_again(service, camera, watched, until, monkeypatch):
    monkeypatch.setattr(watching, "FIRST_PAUSE", 0.3)
    monkeypatch.setattr(watching, "_options", watching_options)
    told = []
    service.bus.listen(told.append)
    stream_id = watched(f"http://{camera.host}/mjpeg")["stream_id"]
    until(stream_id, lambda one: one["state"] == "watching")
    camera.refusing = True
    camera.closing.set()
    lost = until(stream_id, lambda one: one["state"] == "waiting")
    assert camera.host in lost["problem"]
    camera.closing.clear()
    camera.refusing = False
    until(stream_id, lambda one: one["state"] == "watching")
    states = [event.kind for event in told if event.kind in {"stream.watching", "stream.waiting"}]
    assert states[0] == "stream.watching"
    assert states[-1] == "stream.watching"
    assert "stream.waiting" in states


def test_rtsp_is_watched_too(stream_servers, frames, tmp_path, watched, until):
    images = [np.asarray(Image.open(io.BytesIO(frame)).resize((320, 180))) for frame in frames]
    transport = stream_servers.write_clip(tmp_path / "clip.ts", images, [number / 8 for number in range(len(images))])
    with stream_servers.Server(stream_servers.RtspHandler, path=transport, pause=0.02) as server:
        made = watched(f"rtsp://user:word@{server.host}/stream")
        assert made["source"] == f"rtsp://{server.host}/stream"
        until(made["stream_id"], lambda one: one["state"] == "watching")


def test_what_cannot_be_watched_says_why(watched, until):
    nobody = until(watched("http://127.0.0.1:9/")["stream_id"], lambda one: one["state"] == "waiting")
    assert "127.0.0.1:9" in nobody["problem"]


@pytest.mark.parametrize(
    "url",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "camera:0",
        "ftp://a/b",
        "rtsp://",
        "http://a b/",
        "http://a/\nb",
        "x",
        "concat:a|b",
    ],
)
def test_what_is_no_stream_is_refused(client, holders, main_collection, url):
    with pytest.raises(InvalidArgument, match="url: expected"):
        check_source(url)
    refused = client.post(STREAMS, headers=holders["admin"], json={"name": "x", "url": url})
    assert refused.status_code == 422


def test_so_many_and_no_more(client, service, holders, watched):
    service.streams.most = 1
    first = watched("http://127.0.0.1:9/")
    full = client.post(STREAMS, headers=holders["admin"], json={"name": "x", "url": "http://127.0.0.1:9/"})
    assert (full.status_code, full.json()["error"]["code"]) == (409, "too_many_streams")
    second = watched("http://127.0.0.1:9/", enabled=False)
    path = f"{STREAMS}/{second['stream_id']}"
    assert client.patch(path, headers=holders["admin"], json={"enabled": True}).status_code == 409
    client.delete(f"{STREAMS}/{first['stream_id']}", headers=holders["admin"])
    assert client.patch(path, headers=holders["admin"], json={"enabled": True}).status_code == 200


def test_one_of_two_processes_watches_and_the_other_takes_over(tmp_path):
    settings = Settings(gallery=str(tmp_path / "people.mien"), state=tmp_path / "service.db")
    services = [create_app(settings).state.service for _ in range(2)]
    services[0].access.declare("main")
    for one in services:
        one.start()
    try:
        services[1].streams.make("main", "x", "http://127.0.0.1:9/", None, {}, enabled=True)
        deadline = time.monotonic() + 10
        while sum(len(one.streams._watchers) for one in services) != 1:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (first,) = [one for one in services if one.streams._watchers]
        (second,) = [one for one in services if one is not first]
        first.streams.close(10)
        while not second.streams._watchers:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        for one in services:
            one.close()


@pytest.mark.weights
@pytest.mark.samples
def test_what_was_watched_is_watched_after_a_kill(serve, camera):
    service = serve()
    made = ask(service, "POST", "/streams", {"name": "door", "url": f"http://x:s3cret@{camera.host}/mjpeg"})
    idle = ask(service, "POST", "/streams", {"name": "x", "url": "http://127.0.0.1:9/", "enabled": False})
    camera.wait_for(lambda: camera.connections >= 1, timeout=30)
    service.kill()
    before = camera.connections
    service.start()
    camera.wait_for(lambda: camera.connections > before, timeout=30)
    deadline = time.monotonic() + 20
    while ask(service, "GET", f"/streams/{made['stream_id']}")["state"] != "watching":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert ask(service, "GET", f"/streams/{idle['stream_id']}")["state"] == "stopped"
    assert service.stop() in {0, -15}
    assert "s3cret" not in service.said()


def ask(service, method, path, data=None):
    headers = {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json"}
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(f"{service.url}/v1/collections/main{path}", body, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")
