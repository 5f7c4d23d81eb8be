from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from gallery_fakes import open_fake, picture, template

from mien.errors import InvalidArgument, StoreCorrupt, StoreFull, StoreUnavailable
from mien.gallery import Gallery
from mien.gallery.sqlite import SqliteStore
from mien.gallery.store import Sample, locate
from mien.gallery.tables import APPLICATION_ID, MIGRATIONS

HERE = Path(__file__).parent
CHILD = f"import sys; sys.path.insert(0, {str(HERE)!r})\nfrom gallery_fakes import *\nimport os, signal\n"


def child(code, *arguments):
    """Another process that runs ``code`` with the fakes at hand."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + code, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )


def files(path):
    """Every byte of a store."""
    return b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))


def sound(path):
    """The store as SQLite itself and a plain reader see it: samples by label."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    rows = connection.execute(
        "SELECT label, count(sample_key) FROM person LEFT JOIN sample USING (person_id) GROUP BY 1"
    )
    samples = dict(rows.fetchall())
    connection.close()
    return samples


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
    ("postgresql://me:secret@host/db", StoreUnavailable, "not available yet"),
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


KILLED = """
from mien.gallery.tables import SqliteTransaction
from mien.gallery import sqlite as engine
path, moment = sys.argv[1:]
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
calls = 0
add_sample = SqliteTransaction.add_sample
def counted(self, *arguments):
    global calls
    if moment == f"before insert {calls}":
        die()
    add_sample(self, *arguments)
    calls += 1
SqliteTransaction.add_sample = counted
class Connection(sqlite3.Connection):
    def execute(self, statement, *values):
        ending = statement == "COMMIT" and calls
        if ending and moment == "before commit":
            die()
        result = super().execute(statement, *values)
        if ending and moment == "after commit":
            die()
        return result
import functools
engine.sqlite3.connect = functools.partial(sqlite3.connect, factory=Connection)
with open_fake(path) as gallery:
    gallery.enroll("Bob", [picture("bob", look=look) for look in range(3)])
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize(
    ("moment", "samples"),
    [("before insert 0", 0), ("before insert 1", 0), ("before insert 2", 0), ("before commit", 0), ("after commit", 3)],
)
def test_killed_in_an_enrolment_leaves_all_of_it_or_nothing(path, moment, samples):
    with open_fake(path) as gallery:
        gallery.enroll("Ada", [picture("ada")])
    process = child("import sqlite3\n" + KILLED, path, moment)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert sound(path) == {"Ada": 1} | ({"Bob": samples} if samples else {})
    with open_fake(path) as gallery:
        gallery.enroll("Bob", [picture("bob", look=look) for look in range(3)])
        assert gallery.person("Bob").samples == 3


STREAM = """
with open_fake(sys.argv[1]) as gallery:
    for number in range(10_000):
        gallery.enroll(f"p{number}", [picture(f"p{number}", look=look) for look in range(3)])
        print(number, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("acknowledged", [1, 7, 20])
def test_killed_at_any_moment_nothing_acknowledged_is_lost(path, acknowledged):
    process = child(STREAM, path)
    for _ in range(acknowledged):
        process.stdout.readline()
    process.kill()
    rest = process.communicate(timeout=60)[0].split()
    samples = sound(path)
    assert set(samples.values()) == {3}
    assert len(samples) >= acknowledged + len(rest)


def test_two_processes_share_one_file(path):
    code = """
with open_fake(sys.argv[1]) as gallery:
    for look in range(10):
        gallery.enroll("shared", [picture("shared", look=1000 + look)])
        gallery.enroll(f"theirs {look}", [picture(f"theirs {look}")])
    print(gallery.identify(picture("ours 9", look=5))[0].person)
"""
    with open_fake(path) as gallery:
        process = child(code, path)
        for look in range(10):
            gallery.enroll("shared", [picture("shared", look=look)])
            gallery.enroll(f"ours {look}", [picture(f"ours {look}")])
        seen = process.communicate(timeout=60)[0].strip()
        assert process.returncode == 0
        assert seen in {"ours 9", "None"}
        faces = gallery.identify(picture("theirs 9", "shared", look=5))
        assert [face.person for face in faces] == ["theirs 9", "shared"]
    expected = {f"{whose} {look}": 1 for whose in ("ours", "theirs") for look in range(10)}
    assert sound(path) == {"shared": 20} | expected


def test_many_may_create_one_store_at_once(path):
    failures = []
    start = threading.Barrier(8)

    def create():
        try:
            start.wait()
            SqliteStore(path).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sound(path) == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_may_go_on_with_the_gallery(gallery, path):
    gallery.enroll("Ada", [picture("ada")])
    pid = os.fork()
    if not pid:
        status = 1
        try:
            gallery.enroll("Bob", [picture("bob")])
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    gallery.enroll("Cleo", [picture("cleo")])
    assert sound(path) == {"Ada": 1, "Bob": 1, "Cleo": 1}


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
        store.purge()
    assert caught.value.details["purged"] is False
    reader.execute("COMMIT")
    reader.close()
    store.purge()
    assert np.ones(4, np.float32).tobytes() not in files(path)
    store.close()
