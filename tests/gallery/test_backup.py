"""A gallery goes into one file while it is in use, and nothing that should not is in it."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from gallery_fakes import looks, open_fake, picture, sound, template

from mien.errors import InvalidArgument, StoreCorrupt, StoreFull, StoreUnavailable, UnwritableFile
from mien.gallery import erasing
from mien.gallery.backup import back_up
from mien.gallery.restoring import restore
from mien.gallery.sqlite import copies
from mien.server.database import Database

KEY = bytes(range(32))
HERE = Path(__file__).parent


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {one.filename: one for one in archive.infolist()}


def left_behind(folder):
    return sorted(one.name for one in folder.iterdir() if one.name.startswith("."))


@pytest.fixture
def backup(path):
    with open_fake(path) as gallery:
        gallery.enroll("Ada", looks("ada", 0, 1))
        gallery.enroll("Bob", looks("bob", 0, 1))
        gallery.erase("Bob")
    target = path.with_name("people.backup")
    back_up(path, target)
    return target


def test_it_says_what_is_in_it(path, backup):
    assert {*members(backup)} == {"gallery.db", "manifest.json", "manifest.sig"}
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert left_behind(path.parent) == []
    with zipfile.ZipFile(backup) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["schema"], manifest["people"], manifest["audit_lines"]) == ("mien.backup/1", 1, 2)
    assert manifest["files"]["gallery.db"]["size"] == path.stat().st_size
    assert str(path.parent).encode() not in backup.read_bytes()


def test_nothing_erased_and_no_key_is_in_it(path, tmp_path):
    with open_fake(path, key=KEY) as gallery:
        gallery.enroll("Ada", looks("ada", 0, 1))
    target = tmp_path / "backup"
    back_up(path, target)
    signing = Path(os.environ["MIEN_AUDIT_KEY"]).read_bytes()
    data = target.read_bytes()
    assert KEY not in data
    assert KEY.hex().encode() not in data
    assert signing.splitlines()[1] not in data
    assert not [piece for piece in erasing._pieces(template("ada", 0)[None]) if piece in data]
    with open_fake(tmp_path / "plain.mien") as gallery:
        gallery.enroll("Ada", looks("ada", 0))
        gallery.enroll("Bob", looks("bob", 0))
        gallery.erase("Bob")
    back_up(tmp_path / "plain.mien", tmp_path / "plain.backup")
    data = (tmp_path / "plain.backup").read_bytes()
    found = {
        name: [piece for piece in erasing._pieces(template(name, 0)[None]) if piece in data] for name in ("ada", "bob")
    }
    assert found["ada"], "the search itself would have found them"
    assert not found["bob"]


WRITER = """
import sys; sys.path.insert(0, sys.argv[1])
from gallery_fakes import open_fake, looks
with open_fake(sys.argv[2]) as gallery:
    number = 0
    while True:
        gallery.enroll(f"P{sys.argv[3]}-{number}", looks(f"P{sys.argv[3]}-{number}", 0, 1, 2))
        print(number, flush=True)
        number += 1
"""


def test_it_is_whole_while_others_write(path, tmp_path):
    """Two processes enrol three samples a person all the time; each backup is a moment between two commits."""
    with open_fake(path) as gallery:
        gallery.enroll("Ada", looks("ada", 0, 1, 2))
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, HERE, path, str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(2)
    ]
    restored = []
    try:
        for round_ in range(3):
            acknowledged = {f"P{number}-{writer.stdout.readline().strip()}" for number, writer in enumerate(writers)}
            back_up(path, tmp_path / f"backup{round_}")
            restore(tmp_path / f"backup{round_}", tmp_path / f"restored{round_}.mien")
            restored.append(sound(tmp_path / f"restored{round_}.mien"))
            assert acknowledged | {"Ada"} <= {*restored[-1]}
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    # Nobody is half there: an enrolment is one commit.
    assert all(one.items() <= sound(path).items() for one in restored)


def test_the_service_file_goes_along_where_it_is_asked_for(path, tmp_path, backup):
    state = tmp_path / "service.db"
    Database(state)
    back_up(path, tmp_path / "both", service=state)
    assert "service.db" in members(tmp_path / "both")
    assert "service.db" not in members(backup)


@pytest.mark.parametrize(
    ("location", "target", "error", "said"),
    [
        pytest.param("people.mien", "people.backup", InvalidArgument, "is there already", id="no overwriting"),
        pytest.param("people.mien", "nowhere/backup", UnwritableFile, "nowhere", id="no such folder"),
        pytest.param("nobody.mien", "backup", StoreUnavailable, "there is no gallery", id="no gallery"),
        pytest.param("postgresql://ada:secret@db/people", "backup", InvalidArgument, "pg_dump", id="PostgreSQL"),
        pytest.param("other.db", "backup", StoreCorrupt, "another program", id="another program's file"),
    ],
)
def test_what_cannot_be_backed_up(path, backup, monkeypatch, location, target, error, said):
    monkeypatch.chdir(path.parent)
    with sqlite3.connect("other.db") as other:
        other.execute("CREATE TABLE guest (name TEXT)")
    other.close()
    before = backup.read_bytes()
    with pytest.raises(error, match=said) as refused:
        back_up(location, target)
    assert "secret" not in refused.value.message
    assert backup.read_bytes() == before
    assert left_behind(path.parent) == []
    assert not Path("nobody.mien").exists()


def test_a_damaged_gallery_replaces_no_backup(path, tmp_path):
    with open_fake(path) as gallery:
        for name in range(40):
            gallery.enroll(f"P{name}", looks(f"P{name}", 0))
    with path.open("r+b") as file:
        file.seek(-2 * 16384, os.SEEK_END)
        file.write(bytes(4000))
    with pytest.raises(StoreCorrupt):
        back_up(path, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_nothing_is_left_where_the_disk_is_full(path, backup, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mien.gallery.archive._copied", full)
    with pytest.raises(StoreFull, match="no room"):
        back_up(path, tmp_path / "backup")
    assert left_behind(tmp_path) == []
    assert not (tmp_path / "backup").exists()


def test_searches_and_writers_go_on_while_a_copy_is_made(path, tmp_path, monkeypatch):
    """The copy holds its moment open; nobody waits for it."""
    with open_fake(path) as gallery:
        gallery.enroll("Ada", looks("ada", 0, 1))
        began, go_on = threading.Event(), threading.Event()
        backup_of = sqlite3.Connection.backup

        class Slow(sqlite3.Connection):
            def backup(self, target, **_):
                self.execute("BEGIN")
                self.execute("SELECT count(*) FROM person").fetchone()
                began.set()
                assert go_on.wait(30)
                backup_of(self, target)

        connect = sqlite3.connect
        monkeypatch.setattr(copies.sqlite3, "connect", lambda *a, **k: connect(*a, **{**k, "factory": Slow}))
        making = threading.Thread(target=back_up, args=(path, tmp_path / "backup"))
        making.start()
        assert began.wait(30)
        gallery.enroll("Bob", looks("bob", 0, 1))
        assert gallery.identify(picture("bob", look=2))[0].person == "Bob"
        go_on.set()
        making.join(timeout=30)
    monkeypatch.undo()
    restore(tmp_path / "backup", tmp_path / "restored.mien")
    assert sound(tmp_path / "restored.mien") == {"Ada": 2}
