from __future__ import annotations

import datetime as dt
import io

import numpy as np
import pytest
from gallery_fakes import looks, picture

from mien.errors import (
    AmbiguousPerson,
    InvalidArgument,
    NoImages,
    UnknownPerson,
)


def names(faces):
    return [face.person for face in faces]


def test_enrolling_the_same_content_again_changes_nothing(gallery, tmp_path):
    file = tmp_path / "ada.jpg"
    file.write_bytes(picture("ada"))
    first = gallery.enroll("Ada", file)
    before = gallery.people()
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(picture("ada"))
    seen = gallery._given_pipeline.embedded
    again = gallery.enroll("Ada", [copy, io.BytesIO(picture("ada"))])
    assert again.already == (str(copy), "<BytesIO>")
    assert (again.person_id, again.added, again.refused) == (first.person_id, (), ())
    assert gallery.people() == before
    assert gallery._given_pipeline.embedded == seen, "what is enrolled need not be embedded again"


def test_content_given_twice_in_one_call_is_enrolled_once(gallery):
    enrolment = gallery.enroll("Ada", [picture("ada"), picture("ada")])
    assert len(enrolment.added) == 1
    assert [refusal.reasons for refusal in enrolment.refused] == [("duplicate",)]


def test_arrays_are_told_apart_by_pixels_and_shape(gallery):
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert gallery.enroll("Ada", pixels).added == ("<array: 4x4>",)
    assert gallery.enroll("Ada", [pixels.copy()]).already == ("<array: 4x4>",)
    turned = gallery.enroll("Ada", pixels.reshape(2, 8, 3), allow=("does_not_match_person",))
    assert turned.already == ()


REFUSED = [
    # (case, image, reasons)
    ("nobody there", picture(), ("no_face",)),
    ("two of one size", picture("ada", "bob"), ("several_faces",)),
    ("a second one of half the size", picture("ada", "bob", sizes=(100, 50)), ("several_faces",)),
    ("no image", b"\x00\x01junk", ("unreadable_image",)),
    ("empty", b"", ("unreadable_image",)),
    ("a missing file", "/nowhere/missing.jpg", ("unreadable_image",)),
    ("unfit", picture("ada", reasons=("too_small", "blurred")), ("too_small", "blurred")),
]


@pytest.mark.parametrize(("image", "reasons"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_unusable_images_are_refused_and_nobody_is_created(gallery, image, reasons):
    enrolment = gallery.enroll("Ada", [image])
    assert enrolment.person_id is None
    assert enrolment.refused[0].reasons == reasons
    assert enrolment.refused[0].message
    assert gallery.people() == []


def test_the_usable_images_of_a_call_are_enrolled(gallery):
    images = [row[1] for row in REFUSED]
    enrolment = gallery.enroll("Ada", [images[0], *looks("ada", 1), *images[1:], *looks("ada", 2)])
    assert (len(enrolment.added), len(enrolment.refused)) == (2, len(REFUSED))
    assert gallery.person("Ada").samples == 2


@pytest.mark.parametrize("sizes", [(100, 49), (49, 100)])
def test_people_in_the_background_do_not_count(gallery, sizes):
    who = ("ada", "bob") if sizes[0] == 100 else ("bob", "ada")
    gallery.enroll("Ada", [picture(*who, sizes=sizes)])
    assert names(gallery.identify(picture("ada", look=5))) == ["Ada"]


@pytest.mark.parametrize("purpose", [5, "\udcff"], ids=["number", "no text"])
def test_a_purpose_is_a_text(gallery, purpose):
    with pytest.raises(InvalidArgument, match="purpose: expected a text"):
        gallery.enroll("Ada", looks("ada", 1), purpose=purpose)


def test_a_person_is_named_by_a_text(gallery):
    with pytest.raises(InvalidArgument, match="expected printable"):
        gallery.person("\udcff")


def test_allowed_reasons_do_not_refuse(gallery):
    blurred = picture("ada", "bob", sizes=(100, 99), reasons=("blurred",))
    assert gallery.enroll("Ada", [blurred], allow=("blurred", "several_faces")).added
    with pytest.raises(InvalidArgument, match="no_face"):
        gallery.enroll("Ada", [blurred], allow=("no_face",))


def test_a_stranger_is_not_added_to_a_person(gallery):
    gallery.enroll("Ada", looks("ada", 0, 1))
    enrolment = gallery.enroll("Ada", [*looks("eve", 0), *looks("ada", 2)])
    assert [refusal.reasons for refusal in enrolment.refused] == [("does_not_match_person",)]
    assert len(enrolment.added) == 1
    assert gallery.person("Ada").samples == 3


FIRST = [
    # (case, people in the first images, positions refused)
    ("all of one person", ("ada", "ada", "ada"), ()),
    ("one wrong of three", ("ada", "eve", "ada"), (1,)),
    ("the first is the wrong one", ("eve", "ada", "ada"), (0,)),
    ("two that differ: nothing says which", ("ada", "eve"), (0, 1)),
    ("halves: nothing says which", ("ada", "eve", "ada", "eve"), (0, 1, 2, 3)),
    ("no two alike", ("ada", "eve", "bob"), (0, 1, 2)),
]


@pytest.mark.parametrize(("who", "refused"), [row[1:] for row in FIRST], ids=[row[0] for row in FIRST])
def test_first_samples_are_those_of_the_majority(gallery, tmp_path, who, refused):
    files = []
    for number, name in enumerate(who):
        files.append(tmp_path / f"{number}.jpg")
        files[-1].write_bytes(picture(name, look=number))
    enrolment = gallery.enroll("Ada", files)
    assert [refusal.source for refusal in enrolment.refused] == [str(files[i]) for i in refused]
    assert all(refusal.reasons == ("does_not_match_person",) for refusal in enrolment.refused)
    assert bool(gallery.people()) == (len(refused) < len(who))


def test_a_face_of_somebody_else_is_refused_and_named(gallery):
    bob = gallery.enroll("Bob", looks("bob", 0, 1)).person_id
    enrolment = gallery.enroll("Robert", looks("bob", 5))
    assert enrolment.person_id is None
    (refusal,) = enrolment.refused
    assert refusal.reasons == ("matches_other_person",)
    assert "Bob" in refusal.message
    assert bob in refusal.message


def test_both_reasons_are_told_where_a_sample_is_somebody_elses(gallery):
    gallery.enroll("Ada", looks("ada", 0))
    gallery.enroll("Bob", looks("bob", 0))
    (refusal,) = gallery.enroll("Ada", looks("bob", 1)).refused
    assert refusal.reasons == ("does_not_match_person", "matches_other_person")


def test_twins_may_be_allowed(gallery):
    gallery.enroll("Ada", looks("ada", 0))
    twin = gallery.enroll("Eda", looks("ada", 1), allow=("matches_other_person",))
    assert len(twin.added) == 1
    assert len(gallery.people()) == 2


def test_a_label_may_be_borne_by_several(gallery):
    first = gallery.enroll("John Smith", looks("ada", 0)).person_id
    second = gallery.enroll("John Smith", looks("bob", 0), new=True).person_id
    assert first != second
    for call in (gallery.person, gallery.erase, lambda label: gallery.enroll(label, looks("bob", 1))):
        with pytest.raises(AmbiguousPerson) as caught:
            call("John Smith")
        assert caught.value.details["person_ids"] == [first, second]
    assert gallery.enroll("John Smith", looks("bob", 1), person_id=second).person_id == second
    assert gallery.person(second).samples == 2
    assert gallery.identify(picture("bob", look=9))[0].decision.person.person_id == second


WRONG = [
    # (case, keywords, error)
    ("new and id", {"new": True, "person_id": "x"}, InvalidArgument),
    ("unknown id", {"person_id": "0" * 32}, UnknownPerson),
    ("a past day", {"until": "2001-01-01"}, InvalidArgument),
    ("no day", {"until": "tomorrow"}, InvalidArgument),
    ("a moment", {"until": dt.datetime(2999, 1, 1, tzinfo=dt.UTC)}, InvalidArgument),
    ("empty label", {"label": "  "}, InvalidArgument),
    ("no text", {"label": 7}, InvalidArgument),
    ("half a surrogate pair", {"label": "\ud800"}, InvalidArgument),
    ("a line break", {"label": "a\nb"}, InvalidArgument),
    ("a novel", {"label": "a" * 201}, InvalidArgument),
    ("no sources", {"sources": []}, NoImages),
    ("no such source", {"sources": [7]}, InvalidArgument),
]


@pytest.mark.parametrize(("keywords", "error"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_wrong_calls_are_refused_with_nothing_changed(gallery, keywords, error):
    with pytest.raises(error):
        gallery.enroll(**{"label": "Ada", "sources": looks("ada", 0)} | keywords)
    assert gallery.people() == []


def test_an_id_of_another_label_is_refused(gallery):
    bob = gallery.enroll("Bob", looks("bob", 0)).person_id
    with pytest.raises(InvalidArgument, match="Bob"):
        gallery.enroll("Ada", looks("ada", 0), person_id=bob)


def test_labels_are_the_same_however_composed(gallery):
    gallery.enroll("Jose\u0301", looks("ada", 0))
    assert gallery.person("Jos\u00e9").label == "Jos\u00e9"
    assert gallery.enroll(" Jos\u00e9 ", looks("ada", 1)).added
    assert len(gallery.people()) == 1
