"""The examples of the how-tos are done, line by line, against a service that runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("urllib3")

from mien.client import Client

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "how-to"
PAGES = [FOLDER / "serve.md", FOLDER / "operate-a-service.md"]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ADDRESS = "http://127.0.0.1:8000"

PHOTOS = {
    "ada1.jpg": "obama.jpg",
    "ada2.jpg": "obama2.jpg",
    "party.jpg": "obama3.jpg",
    "a.jpg": "obama.jpg",
    "b.jpg": "obama2.jpg",
}


def blocks(language):
    pages = (page.read_text(encoding="utf-8") for page in PAGES)
    return [text for page in pages for kind, text in BLOCK.findall(page) if kind == language]


def commands():
    """Every command, continued lines joined."""
    lines = "".join(blocks("console")).replace("\\\n", " ").splitlines()
    return [line for line in lines if line]


@pytest.fixture
def folder(samples, tmp_path, monkeypatch):
    """Where the photos are that the page talks about, and where its commands are run."""
    for name, sample in PHOTOS.items():
        shutil.copy(samples / sample, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answered(command, **variables):
    """The JSON that a curl of the page prints; an answer that is no success fails."""
    quiet = command.replace("curl ", "curl --silent --show-error --fail-with-body ", 1)
    done = subprocess.run(
        ["bash", "-c", quiet], capture_output=True, text=True, timeout=60, env={**os.environ, **variables}
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    # Events are lines, and no document.
    return json.loads(done.stdout) if done.stdout.startswith(("{", "[")) else done.stdout


@pytest.mark.weights
@pytest.mark.samples
@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="needs curl and bash")
def test_curl_does_what_the_page_shows(serve, folder):
    service = serve(options=["--webhook-allow-private"])
    asked = commands()
    assert len(asked) > 10
    assert all(command.startswith(("curl ", "export MIEN_KEY=mien_...")) for command in asked)
    said, variables = {}, {"MIEN_KEY": service.key, "PERSON": "", "JOB": ""}
    for command in asked:
        if command.startswith("export"):
            continue
        assert ADDRESS in command
        answer = answered(command.replace(ADDRESS, service.url), **variables)
        said[command.partition("8000/v1/")[2]] = answer
        for name, field in (("PERSON", "person_id"), ("JOB", "job_id")):
            if isinstance(answer, dict) and answer.get(field):
                variables[name] = answer[field]
    (identified,) = (answer for path, answer in said.items() if path.startswith("collections/main/identify"))
    assert [face["person"] for face in identified["faces"]] == ["Ada Lovelace"]
    erased = [answer for path, answer in said.items() if "proof=true" in path]
    assert [answer["proof"]["found"] for answer in erased] == [[], []]
    (told,) = (answer for path, answer in said.items() if "/events" in path)
    assert told.startswith("retry: ")
    (log,) = (answer for path, answer in said.items() if path == "audit/verification")
    assert log["sound"] is True


@pytest.mark.weights
@pytest.mark.samples
def test_python_does_what_the_page_shows(serve, folder, monkeypatch, capsys):
    service = serve()
    monkeypatch.setenv("MIEN_KEY", service.key)
    Client(service.url, service.key).make_collection()
    (block,) = blocks("py")
    exec(compile(block.replace(ADDRESS, service.url), PAGES[0].name, "exec"), {})
    assert capsys.readouterr().out.splitlines() == ["Ada Lovelace", "Ada Lovelace 2"]
