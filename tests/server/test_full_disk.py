"""A disk that is really full, of the gallery's or of the service's own file: a clear 507, and nothing lost."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("urllib3")

from served import small

from mien.client import Client
from mien.errors import ServiceError
from mien.gallery import Gallery

ROOM = 8 << 20


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root on Linux")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(folder):
    """Not a byte of room is left within."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass
    with pytest.raises(OSError, match="No space") as full:
        (folder / "more").write_bytes(b"more")
    assert full.value.errno == errno.ENOSPC
    (folder / "more").unlink(missing_ok=True)
    yield
    filler.unlink()


def is_full(call):
    with pytest.raises(ServiceError) as refused:
        call()
    error = refused.value
    assert (error.status, error.code) == (507, "store_full"), error
    assert "no room on the disk; nothing was changed" in str(error)
    # Where the files lie is for the service's log.
    assert "/" not in f"{error}{error.details}"
    assert len(error.request_id) == 16


@pytest.mark.weights
@pytest.mark.samples
def test_the_gallerys_disk(serve, disk, samples, tmp_path):
    service = serve(gallery=disk / "people.mien")
    client = Client(service.url, service.key)
    client.make_collection()
    obama, biden = (small(samples / name) for name in ("obama.jpg", "biden.jpg"))
    before = client.enroll("Obama", obama, purpose="door")["person_id"]
    with filled(disk):
        for number in range(3):
            is_full(lambda: client.enroll("Biden", biden, purpose="door", request="badge-7"))
            is_full(lambda: client.enroll("Obama", obama + bytes([number]), purpose="door"))  # noqa: B023
        is_full(lambda: client.rename(before, "Barack"))
        is_full(lambda: client.erase(before))
        # What needs no room goes on.
        assert len(client.detect(obama)["faces"]) == 1
        assert client.health()["status"] == "ok"
        assert client.issue_key("door", "reader")["name"] == "door"
        service.kill()
        service.start()
    assert str(service.gallery) in service.said()
    # Sent again, the enrolment is done; who was there is as they were.
    assert client.enroll("Biden", biden, purpose="door", request="badge-7")["added"] == ["image 1"]
    assert [(one["label"], one["samples"]) for one in client.people()] == [("Obama", 1), ("Biden", 1)]
    assert [face["person"] for face in client.identify(obama)["faces"]] == ["Obama"]
    assert client.erase(before, proof=True)["proof"]["found"] == []
    service.stop()
    with Gallery(service.gallery) as gallery:
        assert gallery.verify_audit().sound


def test_the_disk_of_the_services_own_file(serve, disk):
    service = serve(state=disk / "service.db")
    client = Client(service.url, service.key)
    client.make_collection()
    kept = client.issue_key("door", "reader")
    with filled(disk):
        is_full(lambda: [client.issue_key(f"door {number}", "reader") for number in range(1000)])
        is_full(lambda: [client.make_collection(consent_required=bool(number % 2)) for number in range(1000)])
        # Who has a key is still let in, and what is there is still told.
        assert Client(service.url, kept["secret"]).me()["name"] == "door"
        assert client.show_collection()["people"] == 0
    assert client.issue_key("gate", "reader")["name"] == "gate"
    names = {key["name"] for key in client.keys()}  # noqa: SIM118 - API keys
    assert {"admin", "door", "gate"} <= names
    service.kill()
    service.start()
    assert {key["name"] for key in client.keys()} == names  # noqa: SIM118
    assert Client(service.url, kept["secret"]).me()["role"] == "reader"
