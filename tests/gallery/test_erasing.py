"""Erasing: nothing is left in any file, and the log says so without saying who."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from gallery_fakes import files, looks, open_fake, picture, set_today, template

from mien.errors import InvalidArgument, StoreUnavailable, UnknownFace
from mien.gallery import Gallery, audit, erasing, index
from mien.recognition import fuse


@pytest.fixture
def scanned(path, monkeypatch):
    """A gallery so large, as it believes, that it keeps a table of codes."""
    monkeypatch.setattr(index, "TAIL", 4)
    with open_fake(path) as gallery:
        for number in range(20):
            gallery.enroll(f"p{number}", looks(f"p{number}", 0, 1))
        gallery.identify(picture("p0", look=3))
        assert len(list(path.parent.glob("*-scan1"))) == 1
        yield gallery


def test_a_proof_searches_database_log_and_table(scanned, path):
    erased = scanned.erase("p7", proof=True)
    assert erased.level == "purged_logs"
    assert erased.proof.found == ()
    assert {"people.mien", "people.mien-scan1", "people.mien-wal"} <= set(erased.proof.files)
    assert erased.proof.size >= path.stat().st_size
    assert erased.proof.pieces >= 3 * 5 * 3
    assert template("p7", 0).tobytes() not in files(path)


@pytest.mark.parametrize(
    "form",
    [
        lambda t: t.astype("<f4").tobytes(),
        lambda t: t.astype("<f2").tobytes()[-32:],
        lambda t: erasing.encode(t[None], erasing.scale_of(len(t))).codes.tobytes()[:32],
        lambda t: (erasing.encode(t[None], erasing.scale_of(len(t))).codes ^ 0x80).tobytes(),
    ],
)
@pytest.mark.parametrize("whose", [0, "fused"])
def test_a_proof_finds_what_is_left(scanned, path, form, whose):
    look = fuse(np.stack([template("p7", 0), template("p7", 1)])) if whose == "fused" else template("p7", whose)
    left = path.with_name(path.name + "-backup")
    left.write_bytes(b"x" * 1000 + form(look) + b"y" * 10)
    erased = scanned.erase("p7", proof=True)
    assert erased.level == "invisible"
    assert any(place.startswith("people.mien-backup:") for place in erased.proof.found)


def test_a_piece_on_the_edge_of_what_is_read_at_once_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(erasing, "_CHUNK", 64)
    (tmp_path / "a").write_bytes(b"." * 50 + bytes(range(32)) + b"." * 50)
    assert erasing._search([tmp_path / "a"], [bytes(range(32))]).found == ("a:50",)


def test_the_log_says_what_was_done_and_not_to_whom(scanned, path):
    person = scanned.person("p7")
    scanned.erase("p7", proof=True)
    erase, purge, proof = scanned.audit()
    assert [entry.action for entry in (erase, purge, proof)] == ["erase", "purge", "proof"]
    assert [entry.level for entry in (erase, purge, proof)] == ["invisible", "purged_logs", "purged_logs"]
    assert erase.details == {"samples": 2}
    assert erase.subject == proof.subject
    # Signatures are chance: two letters may stand in them by it.
    text = json.dumps([{**entry.to_dict(), "signature": None} for entry in scanned.audit()])
    assert person.person_id not in text
    assert "p7" not in text
    with scanned._store.reading("main") as transaction:
        assert transaction.digest(f"person:{person.person_id}") == erase.subject
    other = open_fake(path.with_name("other.mien"))
    with other._store.reading("main") as transaction:
        assert transaction.digest(f"person:{person.person_id}") != erase.subject


def rewrite(path, change):
    connection = sqlite3.connect(path)
    change(connection)
    connection.commit()
    connection.close()


def alter(connection):
    (line,) = connection.execute("SELECT line FROM audit WHERE entry = 2").fetchone()
    connection.execute("UPDATE audit SET line = ? WHERE entry = 2", (line.replace("purged_logs", "invisible"),))


def alter_and_hash(connection):
    (line,) = connection.execute("SELECT line FROM audit WHERE entry = 1").fetchone()
    fields = json.loads(line)
    fields["details"]["samples"] = 5
    changed = audit._parse(json.dumps(fields))
    fields["hash"] = changed.computed_hash()
    connection.execute("UPDATE audit SET line = ? WHERE entry = 1", (json.dumps(fields),))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (alter, "line 2: changed"),
        (alter_and_hash, "line 1: not signed with this key"),
        (lambda c: c.execute("DELETE FROM audit WHERE entry = 1"), "line 1: a line before it is missing"),
        (lambda c: c.execute("DELETE FROM audit WHERE entry = 2"), "line 2: a line before it is missing"),
        (lambda c: c.execute("INSERT INTO audit (line) SELECT line FROM audit WHERE entry = 1"), "line 5: a line"),
        (lambda c: c.execute("INSERT INTO audit SELECT -1, line FROM audit WHERE entry = 1"), "line 2: a line"),
    ],
)
def test_what_was_done_to_the_log_is_seen(gallery, path, change, problem):
    for name in ("Ada", "Bob"):
        gallery.enroll(name, looks(name.lower(), 0))
        gallery.erase(name)
    report = gallery.verify_audit()
    assert report.sound
    assert report.entries == 4
    assert report.head == gallery.audit()[-1].hash
    rewrite(path, change)
    assert any(found.startswith(problem) for found in gallery.verify_audit().problems)


def test_another_key_did_not_sign(gallery, monkeypatch, tmp_path):
    gallery.enroll("Ada", looks("ada", 0))
    gallery.erase("Ada")
    signer = audit.public_key()
    monkeypatch.setenv("MIEN_AUDIT_KEY", str(tmp_path / "another.pem"))
    assert not gallery.verify_audit().sound
    assert gallery.verify_audit(signer).sound
    with pytest.raises(InvalidArgument, match="64 hexadecimal"):
        gallery.verify_audit("00")


def test_an_erasure_does_not_wait_for_a_key(gallery, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MIEN_AUDIT_KEY", str(tmp_path / "file" / "key.pem"))
    gallery.enroll("Ada", looks("ada", 0))
    assert gallery.erase("Ada").entry.signature is None
    assert "line 1: not signed" in gallery.verify_audit("00" * 32).problems


def test_a_key_that_is_none_is_refused(gallery, monkeypatch, tmp_path):
    (tmp_path / "key.pem").write_text("no key")
    monkeypatch.setenv("MIEN_AUDIT_KEY", str(tmp_path / "key.pem"))
    gallery.enroll("Ada", looks("ada", 0))
    with pytest.raises(InvalidArgument, match="Ed25519"):
        gallery.erase("Ada")
    assert gallery.person("Ada").samples == 1, "nothing was changed"


def test_who_was_erased_does_not_come_back_unnoticed(gallery):
    gallery.enroll("Ada", looks("ada", 0))
    gallery.erase("Ada")
    again = gallery.enroll("Somebody", looks("ada", 0))
    assert again.person_id is None
    assert again.refused[0].reasons == ("erased_before",)
    assert gallery.suggest([picture("ada", look=0)], min_faces=1) == []
    assert gallery.enroll("Ada", looks("ada", 0), allow=("erased_before",)).added
    assert gallery.enroll("Ada", looks("ada", 1)).added


def test_an_expired_consent_purges_by_itself(path, monkeypatch):
    today, told = dt.datetime.now(dt.UTC).date(), []
    with open_fake(path, on_expired=told.append) as gallery:
        gallery.enroll("Ada", looks("ada", 0), until=today + dt.timedelta(days=1))
        gallery.enroll("Bob", looks("bob", 0))
        set_today(monkeypatch, today + dt.timedelta(days=2))
        faces = gallery.identify(picture("ada", look=1))
        assert faces[0].person is None
        assert [person.label for person in gallery.people()] == ["Bob"]
        assert [person.label for person in told] == ["Ada"]
        assert template("ada", 0).tobytes() not in files(path)
        assert [entry.action for entry in gallery.audit()] == ["expire", "purge"]


def test_what_a_killed_erasure_left_goes_with_the_next_opening(path, monkeypatch):
    monkeypatch.setattr(index, "TAIL", 1)
    with open_fake(path) as gallery:
        for name in ("ada", "bob", "eve"):
            gallery.enroll(name, looks(name, 0))
        gallery.identify(picture("ada", look=1))
        victim = erasing.encode(template("ada", 0)[None], erasing.scale_of(len(template("ada", 0)))).codes.tobytes()
        assert victim in files(path)
    code = (
        "import os, sys; from mien.gallery import Gallery, collection\n"
        "collection.Collection._purge = lambda self: os._exit(9)\n"
        "Gallery(sys.argv[1]).erase('ada')"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == 9
    assert victim in files(path)
    with Gallery(path) as gallery:
        assert [entry.action for entry in gallery.audit()] == ["erase", "purge"]
        assert victim not in files(path)
        assert template("ada", 0).tobytes() not in files(path)


def test_a_table_that_another_process_keeps_is_told(scanned, monkeypatch):
    monkeypatch.setattr(index, "WAIT", 0.05)
    with index.table_lock(scanned._store.path), pytest.raises(StoreUnavailable, match="delete it") as caught:
        scanned.erase("p3")
    assert caught.value.details["purged"] is False


def test_a_purge_leaves_the_mark_of_an_erasure_that_came_meanwhile(gallery, path, monkeypatch):
    for name in ("ada", "bob"):
        gallery.enroll(name, looks(name, 0))
    other, purge = open_fake(path), gallery._store.purge

    def purge_while_another_erases(collection):
        level = purge(collection)
        with other._store.writing("main") as transaction:
            transaction.erase(transaction.by_label("bob")[0].person_id)
        return level

    monkeypatch.setattr(gallery._store, "purge", purge_while_another_erases)
    gallery.erase("ada")
    with gallery._store.reading("main") as transaction:
        assert transaction.unpurged(), "the next opening makes up for it"
    other.close()
    with open_fake(path) as again, again._store.reading("main") as transaction:
        assert not transaction.unpurged()


def test_one_sample_is_erased_with_every_byte(scanned, path):
    first, second = scanned.samples("p7")
    erased = scanned.erase_sample(first.face_id, proof=True)
    assert (erased.level, erased.proof.found, erased.sample) == ("purged_logs", (), first.face_id)
    assert erased.to_dict()["samples"] == 1
    assert template("p7", 0).tobytes() not in files(path)
    assert template("p7", 1).tobytes() in files(path)
    assert [entry.action for entry in scanned.audit()] == ["erase_sample", "purge", "proof"]
    assert scanned.samples("p7") == [second]
    assert scanned.identify(picture("p7", look=3)).decisions[0].person.samples == 1
    assert scanned.enroll("p7", looks("p7", 0)).refused[0].reasons == ("erased_before",)


def test_a_person_whose_last_sample_was_erased_stays_and_is_not_found(gallery):
    gallery.enroll("Ada", looks("ada", 0))
    gallery.enroll("Bob", looks("bob", 0))
    gallery.rename("Ada", "Eda")
    gallery.erase_sample(gallery.samples("Eda")[0].face_id)
    assert gallery.person("Eda").samples == 0
    assert gallery.identify(picture("ada", look=3)).decisions[0].person is None
    assert gallery.undo().action == "rename"


def test_an_erased_sample_does_not_come_back_by_undo(gallery):
    gallery.enroll("Ada", looks("ada", 0, 1))
    gallery.enroll("Bob", looks("bob", 0))
    moved = gallery.samples("Ada")[0].face_id
    gallery.move(moved, "Bob")
    gallery.erase_sample(moved)
    while gallery.edits():
        gallery.undo()
    assert (gallery.person("Ada").samples, gallery.person("Bob").samples) == (1, 1)


def test_an_unnamed_face_is_no_sample(gallery):
    (cleo,) = gallery.suggest(looks("cleo", 0, 1))
    with pytest.raises(UnknownFace, match="forget it"):
        gallery.erase_sample(cleo.faces[0].face_id)
