"""A real service, and a real browser that looks at it."""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpx2 as httpx
import pytest
from PIL import Image

from mien import media
from mien.recognition import default_pipeline

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


@pytest.fixture(scope="package")
def clip(samples, tmp_path_factory):
    """A real clip of a face, as Chromium's camera plays it."""
    import av

    path = tmp_path_factory.mktemp("camera") / "clip.mjpeg"
    with av.open(samples / "single_face.mp4") as source, av.open(path, "w", format="mjpeg") as target:
        stream = target.add_stream("mjpeg", rate=30, options={"q": "3"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuvj420p"
        for frame in source.decode(video=0):
            target.mux(stream.encode(frame.reformat(format="yuvj420p")))
        target.mux(stream.encode())
    return path


@pytest.fixture(scope="package")
def _frames(samples, tmp_path_factory):
    import av

    folder = tmp_path_factory.mktemp("portraits")

    def frames():
        with av.open(samples / "face_noface.mov") as source:
            for n, frame in enumerate(source.decode(video=0)):
                path = folder / f"portrait{n}.png"
                frame.to_image().save(path)
                yield path

    return frames()


@pytest.fixture
def portraits(_frames):
    """Two photos of the clip's person, from another clip; other ones each time, since erased ones stay refused."""
    return [next(_frames), next(_frames)]


@pytest.fixture(scope="module")
def chromium(clip):
    """Debian's Chromium; it goes with the module, for its event loop would be in the way of other tests'."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium here: apt-get install chromium")
    playwright.expect.set_options(timeout=20_000)
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=path, args=[*FLAGS, f"--use-file-for-fake-video-capture={clip}"]
        )
        yield browser
        browser.close()


class Site:
    """A service with a few people.

    Attributes:
        url: Where it is.
        key: An admin's key.
        reports: The folder of reports that it shows.
    """

    def __init__(self, folder: Path) -> None:
        from served import Served

        self.reports = folder / "reports"
        self.reports.mkdir()
        self.served = Served(folder, options=["--webhook-allow-private", "--reports", self.reports])
        self._sessions = {}
        self.url, self.key = self.served.url, self.served.key

    def rest(self, method: str, path: str, **more):
        answer = httpx.request(
            method, f"{self.url}/v1{path}", headers={"Authorization": f"Bearer {self.key}"}, timeout=60, **more
        )
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def enrol(self, label, *photos):
        files = [("images", (path.name, path.read_bytes())) for path in photos]
        return self.rest("POST", "/collections/main/people", data={"label": label, "purpose": "door"}, files=files)

    def session(self, key):
        """What the cookie holds of somebody who signed in; see `test_signing_in_and_out` for how people do it."""
        if key not in self._sessions:
            done = httpx.post(f"{self.url}/sign-in", data={"key": key}, headers={"Origin": self.url})
            self._sessions[key] = done.cookies["mien"]
        return self._sessions[key]

    def issue(self, role):
        return self.rest("POST", "/keys", json={"name": role, "role": role})["secret"]


@pytest.fixture(scope="package")
def site(weights, samples, tmp_path_factory):
    pytest.importorskip("fastapi")
    made = Site(tmp_path_factory.mktemp("site"))
    made.rest("PUT", "/collections", json={"name": "main", "crops": True})
    made.enrol("Barack Obama", samples / "obama2.jpg", samples / "obama3.jpg")
    made.enrol("Joe Biden", samples / "biden.jpg")
    yield made
    made.served.kill()


@pytest.fixture
def receiver():
    """Where webhooks can go: what came, and the statuses of the answers to come."""

    class Receiver(BaseHTTPRequestHandler):
        came: ClassVar[list[dict]] = []
        statuses: ClassVar[list[int]] = []

        def do_POST(self):
            self.came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(self.statuses.pop(0) if self.statuses else 204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Receiver.url = f"http://127.0.0.1:{server.server_port}/"
        yield Receiver
        server.shutdown()


@pytest.fixture
def visit(chromium, site):
    """Signs in, and opens a view in a window of some size; nothing may go wrong in it, or leave the host."""

    faults = []

    @contextmanager
    def opened(view="recognise", *, key=None, width=1280, scheme="light"):
        with chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme) as context:
            page = context.new_page()
            page.set_default_timeout(20_000)
            page.on("console", lambda told: faults.append(told.text) if told.type in {"error", "warning"} else None)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("request", lambda sent: None if sent.url.startswith(site.url) else faults.append(sent.url))
            context.add_cookies([{"name": "mien", "value": site.session(key or site.key), "url": site.url}])
            page.goto(f"{site.url}/collections/main/{view}")
            yield page

    expected = []
    opened.forgive = lambda *texts: expected.extend(texts)
    yield opened
    assert [fault for fault in faults if not any(text in fault for text in expected)] == []


@pytest.fixture
def far(samples, tmp_path):
    """Makes a photo smaller, so that 30 pixels are between the eyes: too few for nearly a portrait."""

    def made(name):
        image = media.read(samples / name)
        scale = 30 / float(default_pipeline().find(image).extra["quality.size"][0])
        Image.fromarray(image).resize([round(scale * side) for side in image.shape[1::-1]]).save(
            tmp_path / f"far {name}"
        )
        return tmp_path / f"far {name}"

    return made
