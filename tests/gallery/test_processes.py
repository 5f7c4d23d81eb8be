from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from gallery_fakes import open_fake, picture, sound

from mien.gallery.sqlite import SqliteStore

HERE = Path(__file__).parent
CHILD = f"import sys; sys.path.insert(0, {str(HERE)!r})\nfrom gallery_fakes import *\nimport os, signal\n"


def child(code, *arguments):
    """Another process that runs ``code`` with the fakes at hand."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + code, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )


KILLED = """
from mien.gallery.sql.tables import SqlTransaction
from mien.gallery.sqlite import database as engine
path, moment = sys.argv[1:]
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
calls = 0
add_sample = SqlTransaction.add_sample
def counted(self, *arguments):
    global calls
    if moment == f"before insert {calls}":
        die()
    add_sample(self, *arguments)
    calls += 1
SqlTransaction.add_sample = counted
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


EDITED = """
from mien.gallery.sqlite import database as engine
import mien.recognition
mien.recognition.cluster = stand_in_cluster
path, edit, moment = sys.argv[1:]
gallery = open_fake(path)
statements = 0
class Connection(sqlite3.Connection):
    def execute(self, statement, *values):
        global statements
        if not statement.startswith(("SELECT", "BEGIN", "PRAGMA")):
            statements += 1
            if str(statements) == moment:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(statement, *values)
import functools
gallery.close()
connect = sqlite3.connect
gallery = open_fake(path)
gallery._store._idle.clear()
engine.sqlite3.connect = functools.partial(connect, factory=Connection)
if edit == "merge":
    gallery.merge("Ada", "Bob")
elif edit == "undo":
    gallery.undo()
else:
    gallery.suggest([picture("cleo", look=look) for look in range(3)])
print(statements)
"""


def state(path):
    connection = sqlite3.connect(path)
    samples = connection.execute("SELECT sample_id, person_id FROM sample ORDER BY 1").fetchall()
    people = connection.execute("SELECT person_id, label FROM person ORDER BY 1").fetchall()
    edits = connection.execute("SELECT count(*) FROM edit").fetchone()
    scans = connection.execute("SELECT count(*) FROM scan").fetchone()
    connection.close()
    return len(samples), [row[1] for row in samples if row[1]], people, edits, scans


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("edit", ["merge", "undo", "suggest"])
@pytest.mark.parametrize("moment", [1, 3, 6])
def test_killed_in_an_edit_leaves_all_of_it_or_nothing(path, edit, moment):
    with open_fake(path) as gallery:
        gallery.enroll("Ada", [picture("ada", look=look) for look in range(2)])
        gallery.enroll("Bob", [picture("bob", look=look) for look in range(2)])
        if edit == "undo":
            gallery.merge("Ada", "Bob")
    before = state(path)
    process = child("import sqlite3\n" + EDITED, path, edit, moment)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert state(path) == before
    assert sound(path)
    process = child("import sqlite3\n" + EDITED, path, edit, -1)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert state(path) != before


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


SUGGESTED = """
import mien.recognition
mien.recognition.cluster = stand_in_cluster
with open_fake(sys.argv[1]) as gallery:
    for number in range(40):
        gallery.suggest([picture("ada", "bob", look=number)])
"""


def test_processes_that_look_at_the_same_photos_keep_each_face_once(gallery, path):
    processes = [child(SUGGESTED, path) for _ in range(2)]
    for number in range(40):
        gallery.suggest([picture("ada", "bob", look=number)])
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    for process in processes:
        process.stdout.close()
    assert [len(suggestion.faces) for suggestion in gallery.suggest()] == [40, 40]


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


def test_killed_at_random_nothing_is_lost_and_no_erased_byte_comes_back():
    bench = Path(__file__).parents[2] / "bench" / "crashes.py"
    done = subprocess.run([sys.executable, bench, "--kills", "8", "--seed", "3"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 kills" in done.stdout
