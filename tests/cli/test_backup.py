"""`mien backup` and `mien restore` at the terminal."""

from __future__ import annotations

import json

import pytest

from mien.cli import main
from mien.gallery import Gallery
from mien.server.access import Access, Role
from mien.server.database import Database


@pytest.fixture
def gallery(tmp_path):
    path = tmp_path / "people.mien"
    Gallery(path).close()
    return path


def test_there_and_back(gallery, tmp_path, capsys):
    backup, restored = tmp_path / "b", tmp_path / "r.mien"
    assert main(["backup", str(backup), "--gallery", str(gallery)]) == 0
    assert f"{backup}: 0 people, 0 lines of the audit log; " in capsys.readouterr().out
    assert main(["restore", str(backup), "--gallery", str(restored)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{restored}: 0 people, as of 20")
    assert "who was erased since the backup is back" in said.err
    assert main(["audit", "verify", "--gallery", str(restored)]) == 0
    assert main(["backup", str(backup), "--gallery", str(gallery)]) == 2
    assert main(["restore", str(backup), "--gallery", str(restored)]) == 2


def test_documents(gallery, tmp_path, capsys, monkeypatch):
    Access(Database(tmp_path / "service.db")).issue("door", Role.reader)
    state = ["--state", str(tmp_path / "service.db")]
    assert main(["backup", str(tmp_path / "b"), "--gallery", str(gallery), *state, "--format", "json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["schema"], made["people"], made["service"]) == ("mien.backup_made/1", 0, True)
    assert made["size"] == (tmp_path / "b").stat().st_size
    arguments = ["--gallery", str(tmp_path / "r.mien"), "--state", str(tmp_path / "r.db"), "--format", "json"]
    monkeypatch.setenv("MIEN_AUDIT_KEY", str(tmp_path / "another.pem"))
    assert main(["restore", str(tmp_path / "b"), *arguments]) == 5
    refused = json.loads(capsys.readouterr().out)["error"]
    key = ["--public-key", refused["details"]["public_key"]]
    assert main(["restore", str(tmp_path / "b"), *arguments, *key, "--before", str(gallery)]) == 0
    said = capsys.readouterr()
    done = json.loads(said.out)
    assert (done["schema"], done["left_out"], done["compared"]) == ("mien.restored/1", [], True)
    assert (done["log_continued"], done["own_key"], done["service"]) == (True, False, True)
    assert "signed by another key" in said.err
    assert "keys that were revoked since" in said.err
