"""A gallery comes out of its backup as it was, less who was erased since; a hostile backup gives nothing."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import stat
import zipfile

import pytest
from gallery_fakes import looks, open_fake, picture, sound, template

from mien.errors import InvalidArgument, StoreCorrupt
from mien.gallery import audit, erasing
from mien.gallery.backup import back_up
from mien.gallery.restoring import restore
from mien.gallery.sqlite.schema import MIGRATIONS

KEY = bytes(range(32))


@pytest.fixture
def made(path):
    """A gallery, and its backup."""
    with open_fake(path) as gallery:
        for name in ("Ada", "Bob", "Eve"):
            gallery.enroll(name, looks(name, 0, 1), purpose="door")
        gallery.erase("Eve")
        gallery.suggest([picture("ian", look=0)], min_faces=1)
    back_up(path, path.with_name("backup"))
    return path


def moved_aside(path):
    old = path.with_name("old.mien")
    for one in path.parent.glob(f"{path.name}*"):
        one.rename(one.with_name(one.name.replace(path.name, old.name)))
    return old


def test_it_is_as_it_was(made, tmp_path):
    other = tmp_path / "restored.mien"
    done = restore(tmp_path / "backup", other)
    assert (done.people, done.compared, done.own_key, done.left_out) == (2, False, True, ())
    assert stat.S_IMODE(other.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []
    with open_fake(made) as before, open_fake(other) as after:
        assert [person.to_dict() for person in after.people()] == [person.to_dict() for person in before.people()]
        for name in ("Ada", "Bob"):
            assert after.identify(picture(name, look=3))[0].person == name
        assert after.identify(picture("Eve", look=3))[0].person is None
        refused = after.enroll("Eve", looks("Eve", 0, 1)).refused
        assert [one.reasons for one in refused] == [("erased_before",)] * 2
        assert [entry.action for entry in after.audit()][-1] == "restore"
        assert after.verify_audit().sound
        assert [suggestion.faces[0].source for suggestion in after.suggestions()]


def test_sealed_stays_sealed_and_needs_no_key(path, tmp_path):
    with open_fake(path, key=KEY) as gallery:
        for name in ("Ada", "Bob"):
            gallery.enroll(name, looks(name, 0, 1))
    back_up(path, tmp_path / "backup")
    with open_fake(path, key=KEY) as gallery:
        gallery.erase("Bob")
    old, other = moved_aside(path), tmp_path / "people.mien"
    assert restore(tmp_path / "backup", other, before=old).people == 1
    assert not [piece for piece in erasing._pieces(template("Ada", 0)[None]) if piece in other.read_bytes()]
    with open_fake(other, key=KEY) as gallery:
        assert gallery.identify(picture("Ada", look=3))[0].person == "Ada"
        assert gallery.verify_audit().sound


def names(gallery):
    return sorted(person.label for person in gallery.people())


def erase(gallery):
    gallery.erase("Bob")


def merge_and_erase(gallery):
    gallery.merge("Ada", "Bob", force=True)
    gallery.erase("Ada")


def move_a_face_and_erase(gallery):
    face = gallery.samples("Ada")[1]
    gallery.move(face.face_id, "Bob")
    gallery.erase("Bob")


def erase_in_another_collection(gallery):
    with open_fake(gallery.location, collection="other") as other:
        other.enroll("Robert", looks("Bob", 0, 1))
        other.erase("Robert")


def rename(gallery):
    gallery.rename("Bob", "Robert")


@pytest.mark.parametrize(
    ("since", "people", "left_out", "faces"),
    [
        pytest.param(erase, {"Ada": 2}, 1, 0, id="erased"),
        pytest.param(merge_and_erase, {}, 2, 0, id="merged into somebody who was erased"),
        pytest.param(move_a_face_and_erase, {"Ada": 1}, 1, 1, id="a face of somebody else was theirs"),
        pytest.param(erase_in_another_collection, {"Ada": 2, "Bob": 2}, 0, 0, id="erased elsewhere"),
        pytest.param(rename, {"Ada": 2, "Bob": 2}, 0, 0, id="renamed"),
    ],
)
def test_who_was_erased_since_does_not_come_back(made, tmp_path, since, people, left_out, faces):
    with open_fake(made) as gallery:
        ids = {person.label: person.person_id for person in gallery.people()}
        since(gallery)
        log = [entry.hash for entry in gallery.audit()]
    old = moved_aside(made)
    done = restore(tmp_path / "backup", made, before=old)
    assert (len(done.left_out), done.left_out_faces, done.compared, done.log_continued) == (left_out, faces, True, True)
    assert {*done.left_out} == {ids[name] for name in ("Ada", "Bob") if name not in people}
    assert sound(made) == people
    data = made.read_bytes()
    for name in {"Ada", "Bob"} - {*people}:
        assert not [piece for piece in erasing._pieces(template(name, 0)[None]) if piece in data]
    with open_fake(made) as gallery:
        assert [entry.hash for entry in gallery.audit()][:-1] == log
        assert gallery.verify_audit().sound
        for name in {"Ada", "Bob"} - {*people}:
            assert gallery.enroll(name, looks(name, 0)).refused[0].reasons == ("erased_before",)


def test_an_index_of_before_is_not_taken_for_its_own(made, tmp_path, monkeypatch):
    """The old gallery went on from the same revision to other people; its codes still lie beside the path."""
    monkeypatch.setattr("mien.gallery.index.TAIL", 1)
    with open_fake(made) as gallery:
        gallery.enroll("Ida", looks("Ida", 0, 1))
        gallery.identify(picture("Ida", look=2))
    old = made.with_name("old.mien")
    for suffix in ("", "-wal", "-shm"):
        one = made.with_name(made.name + suffix)
        if one.exists():
            one.rename(old.with_name(old.name + suffix))
    assert list(tmp_path.glob("people.mien*scan*")), "there has to be one for the test to say something"
    restore(tmp_path / "backup", made)
    with open_fake(made) as gallery:
        gallery.enroll("Ivo", looks("Ivo", 0, 1))
        assert gallery.identify(picture("Ivo", look=2))[0].person == "Ivo"
        assert gallery.identify(picture("Ida", look=2))[0].person is None


def test_another_gallery_is_not_the_one_of_before(made, tmp_path):
    with open_fake(tmp_path / "other.mien") as gallery:
        gallery.enroll("Ada", looks("Ada", 0))
    with pytest.raises(InvalidArgument, match="got another"):
        restore(tmp_path / "backup", tmp_path / "restored.mien", before=tmp_path / "other.mien")
    assert not (tmp_path / "restored.mien").exists()


def test_a_log_that_went_another_way_is_not_mixed_in(made, tmp_path):
    restore(tmp_path / "backup", tmp_path / "first.mien")
    with open_fake(tmp_path / "first.mien") as gallery:
        gallery.erase("Bob")
    back_up(tmp_path / "first.mien", tmp_path / "later")
    with open_fake(made) as gallery:
        gallery.erase("Ada")
    done = restore(tmp_path / "later", tmp_path / "second.mien", before=made)
    assert (len(done.left_out), done.log_continued) == (1, False)
    with open_fake(tmp_path / "second.mien") as gallery:
        assert gallery.verify_audit().sound
        assert names(gallery) == []


def test_the_service_file_comes_back(made, tmp_path):
    from mien.server.access import Access, Role
    from mien.server.database import Database

    _, secret = Access(Database(tmp_path / "service.db")).issue("door", Role.reader)
    back_up(made, tmp_path / "both", service=tmp_path / "service.db")
    done = restore(tmp_path / "both", tmp_path / "r.mien", service=tmp_path / "r.db")
    assert done.service
    assert Access(Database(tmp_path / "r.db")).holder(secret).name == "door"
    assert stat.S_IMODE((tmp_path / "r.db").stat().st_mode) == 0o600
    with pytest.raises(InvalidArgument, match="not in it"):
        restore(tmp_path / "backup", tmp_path / "s.mien", service=tmp_path / "s.db")
    assert not (tmp_path / "s.mien").exists()


@pytest.mark.parametrize("name", ["people.mien", "people.mien-wal", "people.mien-journal"])
def test_nothing_is_overwritten(made, tmp_path, name):
    moved_aside(made)
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(InvalidArgument, match="nothing is overwritten"):
        restore(tmp_path / "backup", made)
    assert (tmp_path / name).read_bytes() == b"mine"


def test_another_users_backup_is_taken_only_where_the_key_is_named(made, tmp_path, monkeypatch):
    signed_by = audit.public_key()
    monkeypatch.setenv("MIEN_AUDIT_KEY", str(tmp_path / "another.pem"))
    with pytest.raises(StoreCorrupt, match=signed_by):
        restore(tmp_path / "backup", tmp_path / "restored.mien")
    done = restore(tmp_path / "backup", tmp_path / "restored.mien", public_key=signed_by)
    assert (done.signed_by, done.own_key) == (signed_by, False)


def rewritten(source, target, change, *, sign=True, compress=zipfile.ZIP_STORED):
    """A backup that somebody made out of another one, with sound checksums, signed by the user's key or not."""
    with zipfile.ZipFile(source) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest, signature = json.loads(files.pop("manifest.json")), files.pop("manifest.sig")
    change(files, manifest, target.parent)
    for name, data in files.items():
        if name in manifest["files"]:
            manifest["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    data = json.dumps(manifest, indent=1).encode()
    with zipfile.ZipFile(target, "w", compress) as archive:
        for name, content in {**files, "manifest.json": data}.items():
            archive.writestr(name, content)
        archive.writestr("manifest.sig", audit.sign(data) if sign else signature)


def altered(files, folder, statement):
    path = folder / "altered.db"
    path.write_bytes(files["gallery.db"])
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()
    files["gallery.db"] = path.read_bytes()
    path.unlink()


def plant_a_trigger(files, _, folder):
    altered(files, folder, "CREATE TRIGGER evil AFTER INSERT ON audit BEGIN DELETE FROM person; END")


def be_newer(files, _, folder):
    altered(files, folder, f"PRAGMA user_version = {len(MIGRATIONS) + 1}")


def swap(files, _, folder):
    files["gallery.db"] = files["gallery.db"][:-1] + b"x"


def lead_elsewhere(files, manifest, folder):
    files["../evil"] = b"evil"
    manifest["files"]["../evil"] = {}


def hold_more(files, _, folder):
    files["evil"] = b"evil"


def be_no_database(files, _, folder):
    files["gallery.db"] = b"no database" * 9000


def lack_the_gallery(files, manifest, folder):
    files.clear()
    manifest["files"].clear()


def claim_a_schema(_, manifest, folder):
    manifest["schema"] = "mien.backup/2"


def be_a_bomb(files, _, folder):
    files["gallery.db"] = bytes(1 << 26)


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        pytest.param(swap, {"sign": False}, "signature", id="changed, with sound checksums"),
        pytest.param(plant_a_trigger, {}, "triggers", id="a trigger"),
        pytest.param(be_newer, {}, "newer Mien", id="a newer schema"),
        pytest.param(be_no_database, {}, "another file|not a database", id="no database"),
        pytest.param(lead_elsewhere, {}, "other files", id="a path that leads elsewhere"),
        pytest.param(hold_more, {}, "other files", id="a file too many"),
        pytest.param(lack_the_gallery, {}, "other files", id="no gallery"),
        pytest.param(claim_a_schema, {}, "mien.backup/2", id="a newer backup"),
        pytest.param(be_a_bomb, {"compress": zipfile.ZIP_DEFLATED}, "not stored", id="a bomb"),
    ],
)
def test_hostile_backups_give_nothing(made, tmp_path, change, options, said):
    rewritten(tmp_path / "backup", tmp_path / "hostile", change, **options)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(StoreCorrupt, match=said):
        restore(tmp_path / "hostile", tmp_path / "restored.mien")
    assert sorted(tmp_path.iterdir()) == before
    assert not (tmp_path.parent / "evil").exists()


def test_a_backup_cut_short_or_with_a_changed_byte_gives_nothing(made, tmp_path):
    data = (tmp_path / "backup").read_bytes()
    broken = [data[: len(data) * part // 12] for part in range(12)]
    places = range(100, len(data), len(data) // 12)
    broken += [data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :] for place in places]
    for number, wrong in enumerate(broken):
        hostile = tmp_path / f"broken{number}"
        hostile.write_bytes(wrong)
        with pytest.raises(StoreCorrupt):
            restore(hostile, tmp_path / "restored.mien")
        assert not (tmp_path / "restored.mien").exists()
    with pytest.raises(InvalidArgument, match="no such file"):
        restore(tmp_path / "nowhere", tmp_path / "restored.mien")
