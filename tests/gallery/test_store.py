from __future__ import annotations

import os
import random
import shutil
import sqlite3
import stat
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from gallery_fakes import files, open_fake, picture, sound, template

from mien.errors import InvalidArgument, StoreCorrupt, StoreFull, StoreUnavailable
from mien.gallery import Gallery
from mien.gallery.locations import locate
from mien.gallery.sqlite import SqliteStore
from mien.gallery.sqlite.schema import APPLICATION_ID, MIGRATIONS
from mien.gallery.store import Sample

LOCATIONS = [
    ("people.mien", "people.mien"),
    ("sqlite:///rel/people.mien", "rel/people.mien"),
    ("sqlite:////abs/my%20people.mien", "/abs/my people.mien"),
    (Path("a") / "b.mien", "a/b.mien"),
    ("~nobody-of-that-name/b.mien", "~nobody-of-that-name/b.mien"),
]


@pytest.mark.parametrize(("location", "path"), LOCATIONS)
def test_a_location_is_a_path_or_a_url(location, path):
    assert locate(location) == Path(path)


NOWHERE = [
    ("mysql://me:secret@host/db", InvalidArgument, "mysql://"),
    ("mysql://host/db", InvalidArgument, "mysql://"),
    ("sqlite://people.mien", InvalidArgument, "three slashes"),
    ("sqlite:///", InvalidArgument, "three slashes"),
    (":memory:", InvalidArgument, "file"),
    ("", InvalidArgument, "path"),
    ("a\0b", InvalidArgument, "path"),
]


@pytest.mark.parametrize(("location", "error", "message"), NOWHERE)
def test_other_locations_are_refused_without_telling_passwords(location, error, message):
    with pytest.raises(error, match=message) as caught:
        locate(location)
    assert "secret" not in str(caught.value)


def test_files_are_the_owners_alone_and_set_up_for_durability(gallery, path):
    gallery.enroll("Ada", [picture("ada")])
    found = sorted(path.parent.iterdir())
    assert [file.name for file in found] == ["people.mien", "people.mien-shm", "people.mien-wal"]
    if os.name == "posix":
        assert {stat.S_IMODE(file.stat().st_mode) for file in found} == {0o600}
    pragmas = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "page_size": 16384, "foreign_keys": 1}
    pragmas |= {"temp_store": 2, "user_version": len(MIGRATIONS), "application_id": APPLICATION_ID}
    with gallery._store._connection() as connection:
        assert {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas} == pragmas


def test_of_a_path_only_the_base_name_is_stored(gallery, path, tmp_path):
    (tmp_path / "of my ward").mkdir()
    file = tmp_path / "of my ward" / "ada.jpg"
    file.write_bytes(picture("ada"))
    gallery.enroll("Ada", [file])
    assert b"ada.jpg" in files(path)
    assert b"of my ward" not in files(path)


def foreign(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE other (x)")
    connection.close()


def newer(path):
    open_fake(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()


WHEN = "2026-01-01T00:00:00+00:00"


def of_the_first_schema(path):
    """A gallery as the first release wrote it, with two people, one of whom consented."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    for statement in MIGRATIONS[0]:
        connection.execute(statement)
    connection.execute("INSERT INTO collection VALUES (7, 'main', 'fake-space', 128, 3)")
    for who, expires in (("ada", "2999-01-01"), ("bob", None)):
        values = (who * 8, who.title(), WHEN, expires, WHEN)
        connection.execute("INSERT INTO person VALUES (?, 7, ?, 'door', ?, ?, ?, 3)", values)
        for look in range(3):
            values = (f"{who}{look}", who * 8, template(who, look).tobytes(), f"{look}.jpg", f"{look}" * 64, WHEN)
            connection.execute("INSERT INTO sample VALUES (NULL, ?, ?, ?, ?, ?, 'f32', 77.0, ?)", values)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    connection.close()


def test_a_gallery_of_the_first_schema_opens_with_everything_in_it(path):
    of_the_first_schema(path)
    with open_fake(path) as gallery:
        ada, bob = gallery.people()
        assert (ada.samples, bob.samples, str(ada.expires), ada.purpose) == (3, 3, "2999-01-01", "door")
        assert [(face.source, face.box, face.quality) for face in gallery.samples("Ada")] == [
            (f"{look}.jpg", None, 77.0) for look in range(3)
        ]
        assert [face.person for face in gallery.identify(picture("ada", "bob", "eve", look=8))] == ["Ada", "Bob", None]
        (suggestion,) = gallery.suggest([picture("eve", look=look) for look in range(2)])
        gallery.merge(gallery.name(suggestion.suggestion_id, "Eve").person_id, "Bob", force=True)
        gallery.erase("Ada")
        assert template("ada", 1)[-32:].tobytes() not in files(path)
    assert sound(path) == {"Eve": 5}


def test_many_may_migrate_one_store_at_once(path):
    of_the_first_schema(path)
    failures = []
    start = threading.Barrier(8)

    def migrate():
        try:
            start.wait()
            SqliteStore(path).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sound(path) == {"Ada": 3, "Bob": 3}


def torn(path):
    with open_fake(path) as gallery:
        gallery.enroll("Ada", [picture("ada")])
    path.write_bytes(path.read_bytes()[:20000])


BROKEN = [
    ("no database", lambda path: path.write_bytes(b"hello, world " * 100), StoreCorrupt, "no gallery"),
    ("somebody else's", foreign, StoreCorrupt, "another program"),
    ("newer", newer, StoreCorrupt, "upgrade"),
    ("cut off", torn, StoreCorrupt, "damaged"),
    ("a folder", Path.mkdir, StoreUnavailable, "folder"),
]


@pytest.mark.parametrize(("spoil", "error", "message"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_what_is_no_sound_gallery_is_refused_and_left_alone(path, spoil, error, message):
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(error, match=message), open_fake(path) as gallery:
        gallery.enroll("Bob", [picture("bob")])
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(StoreUnavailable, match="does not exist"):
        Gallery(tmp_path / "nowhere" / "people.mien")


def test_a_path_that_cannot_be_examined_is_told(tmp_path):
    with pytest.raises(StoreUnavailable, match=r"cannot create the gallery \(File name too long"):
        Gallery(tmp_path / ("x" * 300))


def test_a_file_taken_away_is_not_made_anew(path):
    store = SqliteStore(path)
    store.close()
    store._closed = False
    path.unlink()
    with pytest.raises(StoreUnavailable), store.reading("main"):
        pass
    assert not path.exists()


def test_an_empty_file_becomes_a_gallery(path):
    path.touch()
    with open_fake(path) as gallery:
        assert gallery.enroll("Ada", [picture("ada")]).added


def test_a_lock_that_stays_is_told(path):
    store = SqliteStore(path, timeout=0.01)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"), store.writing("main"):
        pass
    # Readers need no turn.
    with store.reading("main") as transaction:
        assert transaction.people() == []
    other.execute("ROLLBACK")
    with store.writing("main") as transaction:
        transaction.pin("space", 4)
    other.close()
    store.close()


def test_a_template_of_another_length_is_damage(gallery, path):
    gallery.enroll("Ada", [picture("ada")])
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE sample SET template = x'00'")
        connection.execute("UPDATE collection SET revision = revision + 1")
        connection.execute("UPDATE person SET revision = revision + 1")
    connection.close()
    with pytest.raises(StoreCorrupt, match="template"), open_fake(path) as fresh:
        fresh.identify(picture("ada"))


def add_twice(transaction):
    sample = Sample(np.ones(4, np.float32), "a.jpg", "0" * 64, "f32", None)
    transaction.pin("space", 4)
    person_id = transaction.add_person("Ada")
    for _ in range(2):
        transaction.add_sample(person_id, sample)


def test_a_block_that_raises_changes_nothing(path):
    store = SqliteStore(path)
    with pytest.raises(sqlite3.IntegrityError), store.writing("main") as transaction:
        add_twice(transaction)
    with store.reading("main") as transaction:
        assert (transaction.space(), transaction.people()) == (None, [])
    store.close()


def test_a_full_disk_changes_nothing(gallery, path):
    gallery.enroll("Ada", [picture("ada", look=look) for look in range(3)])
    with gallery._store._connection() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFull, match="free some space"):
        gallery.enroll("Bob", [picture("bob", look=look) for look in range(200)])
    assert [(person.label, person.samples) for person in gallery.people()] == [("Ada", 3)]
    assert sound(path) == {"Ada": 3}
    with gallery._store._connection() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    assert gallery.enroll("Bob", [picture("bob")]).added


def fill(gallery):
    for number in range(100):
        gallery.enroll(f"p{number}", [picture(f"p{number}", look=look) for look in range(30)])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_disk_that_is_really_full_changes_nothing(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine does not let a test mount a disk")
    try:
        with open_fake(disk / "people.mien") as gallery:
            with pytest.raises(StoreFull, match=r"people\.mien"):
                fill(gallery)
            samples = [person.samples for person in gallery.people()]
            assert set(samples) == {30}
        (disk / "filler").write_bytes(bytes(shutil.disk_usage(disk).free))
        with pytest.raises(StoreFull):
            Gallery(disk / "other.mien")
        assert sum(sound(disk / "people.mien").values()) == sum(samples)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_erasing_leaves_no_byte_of_a_template(gallery, path):
    people = {f"p{number}": [template(f"p{number}", look) for look in range(5)] for number in range(24)}
    for name in people:
        gallery.enroll(name, [picture(name, look=look) for look in range(5)])
    assert all(sample.tobytes() in files(path) for samples in people.values() for sample in samples)
    order = list(people)
    random.Random(1).shuffle(order)
    for erased, name in enumerate(order, 1):
        gallery.erase(name)
        if erased % 4 == 0:
            content = files(path)
            # Parts of a template give it away as well: pages that were reorganised may keep the end of one.
            left = [n for n in order[:erased] for sample in people[n] if sample[-32:].tobytes() in content]
            assert left == []
            assert all(sample.tobytes() in content for n in order[erased:] for sample in people[n])


def test_merging_leaves_no_byte_of_what_both_had(gallery, path):
    gallery.enroll("Ada", [picture("ada", look=look) for look in range(2)])
    gallery.enroll("Eda", [picture("ada", look=1)], allow=("matches_other_person",))
    assert files(path).count(template("ada", 1).tobytes()) >= 2
    gallery.merge("Ada", "Eda")
    assert files(path).count(template("ada", 1).tobytes()) == 1


def test_an_erasure_that_a_reader_holds_up_says_so(path):
    store = SqliteStore(path, timeout=0.01)
    with store.writing("main") as transaction:
        transaction.pin("space", 4)
        ada = transaction.add_person("Ada")
        transaction.add_sample(ada, Sample(np.ones(4, np.float32), "a.jpg", "0" * 64, "f32", None))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM person").fetchall()
    with store.writing("main") as transaction:
        transaction.remove(ada)
    with pytest.raises(StoreUnavailable, match="removed") as caught:
        store.purge("main")
    assert caught.value.details["purged"] is False
    reader.execute("COMMIT")
    reader.close()
    store.purge("main")
    assert np.ones(4, np.float32).tobytes() not in files(path)
    store.close()
