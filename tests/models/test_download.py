from __future__ import annotations

import errno
import hashlib
import http.server
import re
import threading
from pathlib import Path

import pytest

from mien.errors import HashMismatch, ModelUnavailable
from mien.models.download import download

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT; ``cut`` breaks the first answers off after so many bytes, ``ranges`` honours Range."""

    def __init__(self, *, cuts=(), ranges=True):
        super().__init__(("127.0.0.1", 0), Handler)
        self.cuts, self.ranges, self.asked = list(cuts), ranges, []
        self.url = f"http://127.0.0.1:{self.server_port}/model.bin"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        if self.path != "/model.bin":
            self.send_error(404)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and self.server.ranges else 0
        if start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        end = start + self.server.cuts.pop(0) if self.server.cuts else None
        self.wfile.write(CONTENT[start:end])

    def log_message(self, *args):
        pass


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    servers = []

    def start(**options):
        server = Server(**options)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_whole_file_arrives_with_progress(serve, tmp_path):
    told = []
    download(serve().url, tmp_path / "f", sha256=SHA256, progress=lambda *said: told.append(said))
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert told[-1] == ("f", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_a_broken_connection_goes_on_where_it_broke(serve, tmp_path):
    server = serve(cuts=[300_000, 200_000])
    download(server.url, tmp_path / "f", sha256=SHA256)
    assert server.asked == [None, "bytes=300000-", "bytes=500000-"]
    assert (tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("left", "ranges"),
    [
        pytest.param(CONTENT[:1000], True, id="resumes"),
        pytest.param(CONTENT[:1000], False, id="server knows no ranges"),
        pytest.param(CONTENT, True, id="already whole"),
        pytest.param(CONTENT + b"more", True, id="longer than the file"),
    ],
)
def test_the_part_of_an_earlier_process_is_used(serve, tmp_path, left, ranges):
    (tmp_path / "f.part").write_bytes(left)
    server = serve(ranges=ranges)
    download(server.url, tmp_path / "f", sha256=SHA256)
    assert server.asked[0] == f"bytes={len(left)}-"
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert not (tmp_path / "f.part").exists()


def test_another_file_is_refused_and_thrown_away(serve, tmp_path):
    with pytest.raises(HashMismatch) as caught:
        download(serve().url, tmp_path / "f", sha256="0" * 64)
    assert (caught.value.details["expected"], caught.value.details["got"]) == ("0" * 64, SHA256)
    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_keeps_breaking_keeps_what_came(serve, tmp_path):
    with pytest.raises(ModelUnavailable, match="broke 5 times"):
        download(serve(cuts=[1000] * 9).url, tmp_path / "f", sha256=SHA256)
    assert (tmp_path / "f.part").read_bytes() == CONTENT[:5000]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "ftp://127.0.0.1/x", "file:///nowhere/x"])
def test_an_unreachable_source_is_named(tmp_path, url):
    with pytest.raises(ModelUnavailable, match=url):
        download(url, tmp_path / "f", sha256=SHA256)


def test_a_missing_page_is_not_retried(serve, tmp_path):
    server = serve()
    with pytest.raises(ModelUnavailable, match="404"):
        download(server.url.replace("model", "other"), tmp_path / "f", sha256=SHA256)
    assert len(server.asked) == 1


def test_a_full_disk_leaves_nothing(serve, tmp_path, monkeypatch):
    real = Path.open

    def full(self, mode="r", *args, **kwargs):
        file = real(self, mode, *args, **kwargs)
        return FullDisk(file) if "w" in mode else file

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(ModelUnavailable, match="disk is full"):
        download(serve().url, tmp_path / "f", sha256=SHA256)
    assert list(tmp_path.iterdir()) == []


class FullDisk:
    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def seek(self, position):
        self.file.seek(position)

    def write(self, data):
        self.file.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")
