from __future__ import annotations

import datetime as dt
import json
import random
import sqlite3

import numpy as np
import pytest
from gallery_fakes import files, looks, open_fake, picture, set_today, sound, template, vector

from mien.errors import AmbiguousPerson, InvalidArgument, LinkConflict, NothingToUndo, UnknownFace, UnknownPerson
from mien.gallery.sql import journal


def shape(gallery):
    """Everything an edit may change, as plain values."""
    people = [(p.person_id, p.label, p.purpose, p.expires, p.samples) for p in gallery.people()]
    samples = {p[0]: {(f.face_id, f.source, f.sha256) for f in gallery.samples(p[0])} for p in people}
    unnamed = {(s.suggestion_id, f.face_id, f.path) for s in gallery.suggest(min_faces=1) for f in s.faces}
    return people, samples, unnamed


@pytest.fixture
def family(gallery, tmp_path):
    """Ada with three samples, Bob with two, and Cleo's three faces, unnamed."""
    gallery.enroll("Ada", looks("ada", 0, 1, 2), purpose="album")
    gallery.enroll("Bob", looks("bob", 0, 1), until="2999-01-01")
    for look in range(3):
        (tmp_path / f"cleo{look}.jpg").write_bytes(picture("cleo", look=look))
    (gallery.cleo,) = gallery.suggest(sorted(tmp_path.glob("cleo*")))
    return gallery


def first_sample(gallery, person):
    return gallery.samples(person)[0].face_id


EDITS = [
    ("rename", lambda g: g.rename("Ada", "Eda")),
    ("merge", lambda g: g.merge("Ada", "Bob")),
    ("split", lambda g: g.split("Ada", [first_sample(g, "Ada")])),
    ("move", lambda g: g.move(first_sample(g, "Ada"), "Bob")),
    ("move", lambda g: g.move(g.cleo.faces[0].face_id, "Bob")),
    ("reject", lambda g: g.reject(first_sample(g, "Ada"), "Ada")),
    ("reject", lambda g: g.reject(g.cleo.faces[0].face_id, g.cleo.suggestion_id)),
    ("name", lambda g: g.name(g.cleo.suggestion_id, "Cleo", purpose="album")),
    ("name", lambda g: g.name(g.cleo.suggestion_id, "Ada", until="2998-01-01")),
]


@pytest.mark.parametrize(("action", "edit"), EDITS)
def test_every_edit_can_be_undone(family, path, action, edit):
    before = shape(family)
    edit(family)
    assert [e.action for e in family.edits()] == [action]
    assert shape(family) != before
    family.close()
    with open_fake(path) as again:
        assert again.undo().action == action
        assert shape(again) == before
        assert again.edits() == []
        faces = again.identify(picture("ada", "bob", "cleo", look=7))
        assert [face.person for face in faces] == ["Ada", "Bob", None]
        with pytest.raises(NothingToUndo):
            again.undo()


def test_many_edits_are_undone_newest_first(family):
    shapes = []
    rename, name = EDITS[0][1], EDITS[-2][1]
    for edit in (rename, name, lambda g: g.move(first_sample(g, "Eda"), "Bob")):
        shapes.append(shape(family))
        edit(family)
    family.merge("Cleo", "Bob")
    assert [edit.action for edit in family.edits()] == ["merge", "move", "name", "rename"]
    family.undo()
    for action, before in zip(["move", "name", "rename"], reversed(shapes), strict=True):
        assert family.undo().action == action
        assert shape(family) == before


def test_identification_follows_every_edit_and_undo(family):
    def who():
        return [face.person for face in family.identify(picture("ada", "bob", "cleo", look=7))]

    family.name(family.cleo.suggestion_id, "Cleo")
    assert who() == ["Ada", "Bob", "Cleo"]
    family.merge("Bob", "Cleo")
    # Bob is now the mean of two people who look alike to nobody: either may be found, and never under an old name.
    assert "Cleo" not in who()
    family.undo()
    assert who() == ["Ada", "Bob", "Cleo"]
    for sample in family.samples("Cleo"):
        family.reject(sample.face_id, "Cleo")
    assert who() == ["Ada", "Bob", None], "nobody without a sample is found"
    family.undo()
    assert who() == ["Ada", "Bob", "Cleo"]


def test_a_split_person_has_the_limits_of_the_first_but_not_their_consent(family):
    new = family.split("Ada", [first_sample(family, "Ada")[:10]])
    assert (new.label, new.samples, new.purpose, new.given) == ("Ada (2)", 1, "album", None)
    assert str(family.split("Bob", [first_sample(family, "Bob")]).expires) == "2999-01-01"
    assert family.person("Ada").samples == 2
    assert family.split("Ada", [first_sample(family, "Ada")]).label == "Ada (3)"
    with pytest.raises(LinkConflict, match="said not to be"):
        family.merge("Ada", "Ada (2)")
    assert family.merge("Ada", "Ada (2)", force=True).samples == 2
    family.undo()
    with pytest.raises(LinkConflict):
        family.merge("Ada (2)", "Ada")


WRONG = [
    ("split nothing", lambda g: g.split("Ada", []), InvalidArgument),
    ("split all", lambda g: g.split("Ada", [s.face_id for s in g.samples("Ada")]), InvalidArgument),
    ("split somebody else's", lambda g: g.split("Ada", [first_sample(g, "Bob")]), UnknownFace),
    ("split an unnamed face", lambda g: g.split("Ada", [g.cleo.faces[0].face_id]), UnknownFace),
    ("split nobody", lambda g: g.split("Eve", ["0123456"]), UnknownPerson),
    ("move to where it is", lambda g: g.move(first_sample(g, "Ada"), "Ada"), InvalidArgument),
    ("move nothing", lambda g: g.move("ffffffffffff", "Ada"), UnknownFace),
    ("move to nobody", lambda g: g.move(first_sample(g, "Ada"), "Eve"), UnknownPerson),
    ("reject for nobody", lambda g: g.reject(first_sample(g, "Ada"), "Eve"), UnknownPerson),
    ("merge with herself", lambda g: g.merge("Ada", "Ada"), InvalidArgument),
]


@pytest.mark.parametrize(("edit", "error"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_edits_that_cannot_be_change_nothing(family, edit, error):
    before = shape(family)
    with pytest.raises(error):
        edit(family)
    assert shape(family) == before
    assert family.edits() == []


def test_a_rejected_face_is_not_suggested_as_theirs_again(gallery):
    gallery.enroll("Ada", looks("ada", 0))
    (more,) = gallery.suggest(looks("ada", 1, 2, 3))
    wrong = more.faces[0].face_id
    gallery.reject(wrong, "Ada")
    assert gallery.name(more.suggestion_id, "Ada").samples == 3, "the others of the suggestion are hers"
    for _ in range(2):
        offered = [s for s in gallery.suggest(looks("ada", 4)) if s.candidate]
        assert wrong not in {face.face_id for s in offered for face in s.faces}
    alone = next(s for s in gallery.suggest(min_faces=1) if not s.candidate)
    with pytest.raises(LinkConflict, match="said not to be"):
        gallery.name(alone.suggestion_id, "Ada")
    assert gallery.move(wrong, "Ada").samples == 4, "moved by hand, it is hers after all"
    gallery.reject(wrong, "Ada")
    gallery.undo()
    assert wrong in {sample.face_id for sample in gallery.samples("Ada")}


def test_faces_said_to_be_of_two_people_stay_apart(gallery):
    (suggestion,) = gallery.suggest(looks("ada", 1, 2, 3))
    wrong = suggestion.faces[1].face_id
    gallery.reject(wrong, suggestion.suggestion_id)
    for _ in range(2):
        groups = [{face.face_id for face in s.faces} for s in gallery.suggest(looks("ada", 5), min_faces=1)]
        with_it = next(group for group in groups if wrong in group)
        assert with_it & {face.face_id for face in suggestion.faces} == {wrong}


def test_what_is_not_a_person_is_not_the_one_they_turn_out_to_be(family):
    face = family.cleo.faces[0].face_id
    family.reject(face, "Bob")
    family.merge("Ada", "Bob")
    with pytest.raises(LinkConflict):
        family.name(family.suggest(min_faces=1)[0].suggestion_id, "Ada")
    family.undo()
    assert family.name(family.suggest(min_faces=1)[0].suggestion_id, "Ada", faces=[family.cleo.faces[1].face_id])


def test_two_people_of_one_photo_are_merged_by_force_alone(gallery):
    ada, bob = gallery.suggest([picture("ada", "bob", look=look) for look in range(2)])
    gallery.name(ada.suggestion_id, "Ada")
    gallery.name(bob.suggestion_id, "Bob")
    before = shape(gallery)
    with pytest.raises(LinkConflict, match="one photo"):
        gallery.merge("Ada", "Bob")
    assert shape(gallery) == before
    assert gallery.merge("Ada", "Bob", force=True).samples == 2
    assert sum(len(s.faces) for s in gallery.suggest(min_faces=1)) == 2, "the other's faces are unnamed"
    gallery.undo()
    assert shape(gallery) == before
    with pytest.raises(LinkConflict, match="same photo"):
        gallery.move(first_sample(gallery, "Bob"), "Ada")


def test_two_who_look_alike_in_one_photo_are_not_one_face(gallery, monkeypatch):
    def alike(who, look):
        mixed = vector("family") + 0.2 * vector(who)
        return (mixed / np.linalg.norm(mixed)).astype(np.float32)

    assert 0.95 < alike("ada", 0) @ alike("eda", 0) < 0.98, "what strangers reach in the most crowded space"
    monkeypatch.setattr("gallery_fakes.template", alike)
    ada, eda = gallery.suggest([picture("ada", "eda")], min_faces=1)
    gallery.name(ada.suggestion_id, "Ada")
    gallery.name(eda.suggestion_id, "Eda")
    with pytest.raises(LinkConflict, match="one photo"):
        gallery.merge("Ada", "Eda")
    assert [person.samples for person in gallery.people()] == [1, 1]


def test_a_face_that_two_had_of_one_photo_is_kept_once_and_is_two_again_after_an_undo(gallery, path):
    gallery.enroll("Ada", looks("ada", 0, 1))
    gallery.enroll("Eda", looks("ada", 1, 2), allow=("matches_other_person",))
    before = shape(gallery)
    assert gallery.merge("Ada", "Eda").samples == 3
    assert files(path).count(template("ada", 1).tobytes()) == 1
    gallery.undo()
    assert shape(gallery) == before


def test_what_was_enrolled_meanwhile_stays(gallery):
    (suggestion,) = gallery.suggest(looks("ada", 1, 2))
    gallery.name(suggestion.suggestion_id, "Ada")
    gallery.enroll("Ada", looks("ada", 3))
    gallery.undo()
    assert gallery.person("Ada").samples == 1
    assert gallery.identify(picture("ada", look=9))[0].person == "Ada"


def test_a_place_that_was_taken_meanwhile_is_left_to_who_has_it(gallery, path):
    gallery.enroll("Ada", looks("ada", 0, 1))
    gallery.enroll("Bob", looks("bob", 0))
    moved = first_sample(gallery, "Ada")
    gallery.move(moved, "Bob")
    gallery.enroll("Ada", looks("ada", 0), allow=("matches_other_person",))
    gallery.undo()
    assert gallery.person("Ada").samples == 2
    assert gallery.person("Bob").samples == 1
    assert sound(gallery.location) == {"Ada": 2, "Bob": 1}


def test_expired_people_get_no_samples(family, monkeypatch):
    set_today(monkeypatch, dt.date(3000, 1, 1))
    with pytest.raises(InvalidArgument, match="ended on"):
        family.move(first_sample(family, "Ada"), "Bob")


def journal_text(path):
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT * FROM edit LEFT JOIN edit_change USING (edit_id)").fetchall()
    connection.close()
    return json.dumps(rows)


def test_erasing_takes_the_edits_and_the_faces_along(family, path):
    bob = family.person("Bob").person_id
    assert "Bob" in {s.candidate and s.candidate.label for s in family.suggest(looks("bob", 5, 6))}
    family.rename("Bob", "Robert")
    family.merge("Ada", "Robert")
    family.rename("Ada", "Ida")
    family.name(family.cleo.suggestion_id, "Cleo")
    family.suggest()
    family.erase("Ida")
    assert [edit.action for edit in family.edits()] == ["name"]
    content = files(path)
    theirs = [(who, look) for who in ("ada", "bob") for look in range(7)]
    assert [face for face in theirs if template(*face)[-32:].tobytes() in content] == []
    assert not [word for word in ("Ada", "Ida", "Robert", "Bob", bob) if word.encode() in content]
    assert "template" not in journal_text(path)
    assert family.undo().action == "name"
    with pytest.raises(NothingToUndo):
        family.undo()
    assert set(family.suggest()[0].faces) == set(family.cleo.faces)


def test_the_journal_holds_no_template(family, path):
    for _, edit in EDITS[1:]:
        edit(family)
        content = journal_text(path)
        assert "template" not in content
        assert len(content) < 6000, "a template is larger than a row without it"
        family.undo()


def test_forgotten_faces_leave_the_journal(family, path):
    family.name(family.cleo.suggestion_id, "Cleo")
    for sample in family.samples("Cleo"):
        family.reject(sample.face_id, "Cleo")
    family.forget()
    assert not [sample for sample in family.cleo.faces if sample.face_id in journal_text(path)]
    while family.edits():
        family.undo()
    assert family.suggest(min_faces=1) == []
    assert [person.label for person in family.people()] == ["Ada", "Bob"]


def test_what_was_said_of_forgotten_faces_is_forgotten(family, path):
    one, other, third = (face.face_id for face in family.cleo.faces)
    family.reject(one, family.cleo.suggestion_id)
    family.reject(other, "Ada")
    family.reject(third, "Ada")
    family.move(third, "Ada")
    family.forget(one, other)
    assert [edit.action for edit in family.edits()] == ["move", "reject"]
    assert not [key for key in (one, other) if key in journal_text(path)]
    assert [family.undo().action for _ in range(2)] == ["move", "reject"]
    assert rows(path)[2] == [], "a link that was taken away and given back is taken away"


def test_the_journal_is_bounded(gallery, monkeypatch):
    monkeypatch.setattr(journal, "MAX_EDITS", 3)
    gallery.enroll("p0", looks("ada", 0))
    for number in range(5):
        gallery.rename(f"p{number}", f"p{number + 1}")
    assert [edit.summary for edit in gallery.edits()] == ["p4 renamed p5", "p3 renamed p4", "p2 renamed p3"]


def rows(path):
    """Every row that an edit may touch, templates among them."""
    connection = sqlite3.connect(path)
    queries = (
        "SELECT person_id, label, purpose, given, expires, created FROM person ORDER BY 1",
        "SELECT sample_id, person_id, hex(template), source, path, sha256, box, suggestion_id FROM sample ORDER BY 1",
        "SELECT sample_id, person_id, other_id FROM cannot_link ORDER BY 1, 2, 3",
    )
    found = [connection.execute(query).fetchall() for query in queries]
    connection.close()
    return found


def random_edit(gallery, draw, suggestions):
    """One edit of people and faces drawn by lot; many are refused."""
    people = [person.person_id for person in gallery.people()]
    faces = [face.face_id for person in people for face in gallery.samples(person)]
    unnamed = [face.face_id for suggestion in suggestions for face in suggestion.faces]
    one, other = draw.choice(people), draw.choice(people)
    mine = [face.face_id for face in gallery.samples(one)]
    edits = {
        "rename": lambda: gallery.rename(one, f"label {draw.random()}"),
        "merge": lambda: gallery.merge(one, other, force=draw.random() < 0.5),
        "split": lambda: gallery.split(one, draw.sample(mine, min(len(mine), 2))),
        "move": lambda: gallery.move(draw.choice([*faces, *unnamed]), one),
        "reject": lambda: gallery.reject(draw.choice([*mine, *unnamed]), one),
        "name": lambda: gallery.name(draw.choice(suggestions).suggestion_id, draw.choice(["Ada", "new", one])),
    }
    edits[draw.choice(list(edits))]()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_was_edited_an_undo_of_all_of_it_leaves_what_was(gallery, path, seed):
    draw = random.Random(seed)
    gallery.enroll("Ada", [*looks("ada", 0, 1), picture("ada", look=2)])
    gallery.enroll("Eda", looks("ada", 1, 2), allow=("matches_other_person",))
    gallery.enroll("Bob", looks("bob", 0, 1))
    suggestions = gallery.suggest([picture("ada", "bob", "cleo", look=look) for look in range(4)])
    before = [rows(path)]
    while len(before) < 15:
        try:
            random_edit(gallery, draw, suggestions)
        except (LinkConflict, InvalidArgument, UnknownFace, AmbiguousPerson):
            assert rows(path) == before[-1], "what is refused changes nothing"
        else:
            before.append(rows(path))
            assert len(gallery.edits()) == len(before) - 1
    while before[1:]:
        before.pop()
        gallery.undo()
        assert rows(path) == before[-1]
    gallery.forget()
    for person in gallery.people():
        gallery.erase(person.person_id)
    faces = [(who, look) for who in ("ada", "bob", "cleo") for look in range(4)]
    assert [face for face in faces if template(*face)[-32:].tobytes() in files(path)] == []


def test_a_consent_is_recorded_anew_and_outlives_an_undo(family):
    family.rename("Ada", "Eda")
    given = family.consent("Eda", "door", until="2998-01-01")
    assert (given.purpose, given.expires, given.label) == ("door", dt.date(2998, 1, 1), "Eda")
    assert given.given is not None
    assert family.undo().action == "rename"
    ada = family.person("Ada")
    assert (ada.purpose, ada.expires) == ("door", dt.date(2998, 1, 1))
    assert family.consent("Ada", "door").expires is None


@pytest.mark.parametrize(("purpose", "until"), [(" ", None), (None, None), ("door", "2001-01-01"), ("door", "soon")])
def test_a_consent_that_cannot_be_changes_nothing(family, purpose, until):
    before = family.person("Ada")
    with pytest.raises(InvalidArgument):
        family.consent("Ada", purpose, until=until)
    assert family.person("Ada") == before


def test_only_the_edit_that_is_meant_is_undone(family):
    family.rename("Ada", "Eda")
    family.rename("Bob", "Rob")
    last, first = family.edits()
    with pytest.raises(LinkConflict, match=f"undo {last.edit_id} first"):
        family.undo(first.edit_id)
    assert family.undo(last.edit_id) == last
    with pytest.raises(NothingToUndo):
        family.undo(last.edit_id)
    assert family.undo(first.edit_id) == first
