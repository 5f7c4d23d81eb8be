"""`mien serve` as a process: it prints a key, answers, and ends in good order."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from mien.cli import main

pytest.importorskip("uvicorn")


def ask(url, key=None):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_a_service_is_started_asked_and_stopped(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    where = ["--gallery", str(tmp_path / "people.mien"), "--state", str(tmp_path / "service.db"), "--port", port]
    served = subprocess.Popen(
        [sys.executable, "-m", "mien", "serve", *where], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with served:
        url = served.stdout.readline().rpartition(" ")[2].strip()
        key = served.stdout.readline().rpartition(" ")[2].strip()
        deadline = time.monotonic() + 60
        while True:
            try:
                assert ask(f"{url}/health") == {"status": "ok", "waiting": 0}
                break
            except urllib.error.URLError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        assert ask(f"{url}/me", key)["role"] == "admin"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(f"{url}/me")
        served.send_signal(signal.SIGINT)
        served.wait(timeout=30)
        assert "Traceback" not in served.stderr.read()


def test_another_admins_key(tmp_path, capsys):
    state = ["--state", str(tmp_path / "service.db")]
    assert main(["serve", "--new-admin-key", *state]) == 0
    assert main(["serve", "--new-admin-key", *state]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("admin's API key, shown this once: mien_")
    assert first != second
    assert main(["serve", "--new-admin-key", "--state", str(tmp_path / "nowhere" / "service.db")]) == 5
