"""Erasing a whole collection: nothing of it is left, its number is never given again, and the others stay."""

from __future__ import annotations

import sqlite3
import threading
import time

import pytest
from gallery_fakes import files, looks, of_schema, open_fake, picture, template

from mien.errors import StoreUnavailable
from mien.gallery import back_up, erasing, index, restore
from mien.gallery.collection import Collection


def number_of(gallery):
    with gallery._store.reading(gallery.collection) as transaction:
        return None if transaction.identity() is None else transaction.identity().collection_key


@pytest.fixture
def tables(monkeypatch):
    """Galleries so large, as they believe, that they keep tables of codes."""
    monkeypatch.setattr(index, "TAIL", 1)


@pytest.fixture
def staff(location):
    """A collection beside another, with people, an edit, unnamed faces, a picture and a request."""
    with open_fake(location) as others, open_fake(location, collection="staff") as gallery:
        others.enroll("Ada", looks("ada", 0, 1))
        for name in ("Ada", "Bob"):
            gallery.enroll(name, looks(name.lower(), 0, 1), purpose="door", request=f"badge of {name}")
        gallery.suggest(looks("cleo", 0, 1), keep_days=30)
        gallery.keep_crop(gallery.samples("Bob")[0].face_id, b"sealed" * 20)
        gallery.rename("Bob", "Robert")
        gallery.others = others
        yield gallery


def test_everything_of_it_goes_and_nothing_of_the_others(staff):
    before = number_of(staff)
    with staff.acting("key 1f0c9a2e"):
        done = staff.erase_collection(proof=True)
    assert (done.collection, done.people, done.faces) == ("staff", 2, 6)
    assert done.level in {"purged_logs", "purged_store"}
    assert done.proof.found == ()
    assert done.elsewhere == ("main",)
    assert (staff.people(), staff.suggestions(), staff.edits(), staff.space, staff.revision) == ([], [], [], None, 0)
    assert staff.collections() == ["main"]
    lines = [(entry.action, entry.details, entry.actor) for entry in staff.audit()][-3:]
    assert lines[0] == ("erase_collection", {"people": 2, "faces": 6}, "key 1f0c9a2e")
    assert [action for action, _, _ in lines] == ["erase_collection", "purge", "proof"]
    assert staff.verify_audit().sound
    (ada,) = staff.others.people()
    assert staff.others.identify(picture("ada", look=7))[0].person == "Ada"
    # Another collection of that name: the same photos and requests are nothing that it knows of.
    again = staff.enroll("Ada", looks("ada", 0, 1), purpose="door", request="badge of Ada")
    assert len(again.added) == 2
    assert number_of(staff) > before
    assert ada.samples == 2


@pytest.mark.usefixtures("tables")
def test_no_byte_is_left_in_any_file(staff, path):
    staff.identify(picture("bob", look=3))
    number = number_of(staff)
    assert path.with_name(f"people.mien-scan{number}").exists()
    gone = [template("bob", look).tobytes()[:32] for look in (0, 1)] + [template("cleo", 0).tobytes()[-32:]]
    assert all(piece in files(path) for piece in gone)
    done = staff.erase_collection(proof=True)
    assert not [piece for piece in gone if piece in files(path)]
    assert not list(path.parent.glob(f"*-scan{number}"))
    assert done.proof.pieces > 6 * 5 * 3
    connection = sqlite3.connect(path)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = {name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")] for name in tables}
    left = {
        name
        for name, names in columns.items()
        if "collection_id" in names
        and connection.execute(f"SELECT 1 FROM {name} WHERE collection_id = ?", (number,)).fetchone()
    }
    connection.close()
    # Hashes alone, by which a backup that is restored leaves them out.
    assert left == {"erased"}


def test_a_proof_finds_what_is_left(staff, path):
    path.with_name("people.mien-copy").write_bytes(b"x" * 1003 + template("cleo", 1).tobytes() + b"y")
    done = staff.erase_collection(proof=True)
    assert done.level == "invisible"
    assert "people.mien-copy:1003" in done.proof.found


@pytest.mark.usefixtures("tables")
def test_a_killed_process_is_made_up_for_by_the_next_opening_of_any_collection(staff, path, monkeypatch):
    staff.identify(picture("bob", look=3))
    table = path.with_name(f"people.mien-scan{number_of(staff)}")
    assert table.exists()

    def kill(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(Collection, "_purge", kill)
        with pytest.raises(KeyboardInterrupt):
            staff.erase_collection()
    assert table.exists()
    open_fake(path).close()
    assert not table.exists()
    with open_fake(path) as again, again._store.reading("main") as transaction:
        assert not transaction.unpurged()


def test_numbers_are_not_given_twice_also_where_a_gallery_was_made_before_that_was_so(path):
    of_schema(path, 5)
    numbers = []
    for name in ("first", "second", "third"):
        with open_fake(path, collection=name) as gallery:
            gallery.enroll("Ada", looks("ada", 0))
            numbers.append(number_of(gallery))
            if name == "second":
                gallery.erase_collection()
    assert numbers == [1, 2, 3]


def test_whoever_waits_for_a_turn_with_a_closed_gallery_brings_nothing_back(path):
    """An enrolment that was under way when its collection was erased does not make it anew."""
    with open_fake(path, collection="staff") as enrolling, open_fake(path, collection="staff") as other:
        other.enroll("Ada", looks("ada", 0))
        problems = []

        def enroll():
            try:
                enrolling.enroll("Bob", looks("bob", 0))
            except StoreUnavailable as error:
                problems.append(error.message)

        with other._store.writing("staff"):
            thread = threading.Thread(target=enroll)
            thread.start()
            time.sleep(0.3)
            enrolling.close()
        thread.join()
        assert problems == [f"{path}: the gallery is closed"]
        assert [one.label for one in other.people()] == ["Ada"]


def test_a_backup_does_not_bring_an_erased_collection_back(staff, path, tmp_path):
    back_up(path, tmp_path / "people.backup")
    staff.erase_collection()
    staff.enroll("Eve", looks("eve", 0))
    staff.erase_collection()
    staff.close()
    staff.others.close()
    path.rename(tmp_path / "before.mien")
    done = restore(tmp_path / "people.backup", path, before=tmp_path / "before.mien")
    assert (done.people, len(done.left_out)) == (1, 2)
    with open_fake(path, collection="staff") as gallery:
        assert (gallery.people(), gallery.suggestions()) == ([], [])
    with open_fake(path, collection="other") as gallery:
        assert gallery.enroll("Eve", looks("eve", 0)).refused == ()


@pytest.mark.parametrize("places", [[0], [5, 77, 1000], [64 - 32 + 7]])
def test_many_pieces_are_found_wherever_they_begin(places, monkeypatch, tmp_path):
    monkeypatch.setattr(erasing, "_CHUNK", 64)
    pieces = [bytes([number]) * 3 + bytes(range(29)) for number in range(200)]
    content = bytearray(b"." * 1100)
    for number, place in enumerate(places):
        content[place : place + 32] = pieces[number]
    (tmp_path / "a").write_bytes(content)
    assert erasing._search([tmp_path / "a"], pieces).found == tuple(f"a:{place}" for place in places)
