from __future__ import annotations

import datetime as dt
import io
import os
import stat
import threading

import numpy as np
import pytest
from gallery_fakes import FakePipeline, make_calibration, open_fake, picture, template

from mien.errors import (
    AmbiguousPerson,
    InvalidArgument,
    ModelUnavailable,
    NoImages,
    SpaceMismatch,
    StoreUnavailable,
    UnknownPerson,
    UnreadableImage,
    UnsupportedErrorRate,
)
from mien.gallery import NOT_RECORDED, Gallery, people

NAMES = ("ada", "bob", "cleo", "dan")


def looks(who, *numbers):
    return [picture(who, look=number) for number in numbers]


def names(faces):
    return [face.person for face in faces]


def later(monkeypatch, days=30):
    """The calendar, some days on."""
    day = people.today() + dt.timedelta(days=days)
    monkeypatch.setattr("mien.gallery.people.today", lambda: day)
    monkeypatch.setattr("mien.gallery.search.today", lambda: day)


def test_enrolled_people_are_identified_and_strangers_are_not(gallery):
    for name in NAMES:
        assert len(gallery.enroll(name, looks(name, 0, 1, 2)).added) == 3
    faces = gallery.identify(picture("bob", "eve", "dan", look=9))
    assert names(faces) == ["bob", None, "dan"]
    decision = faces[0].decision
    assert (decision.rate, decision.rate_kind, decision.comparison) == (0.01, "fpir", "image-person/2-4")
    assert len(decision.candidates) == 4
    assert decision.candidates[0].samples == 3
    fused = np.mean([template("bob", look) for look in (0, 1, 2)], 0)
    assert decision.score == pytest.approx(fused / np.linalg.norm(fused) @ template("bob", 9), abs=1e-6)


@pytest.mark.parametrize("rate", [0.0, 1.0, -1, float("nan")])
def test_impossible_rates_are_refused_even_without_faces(gallery, rate):
    with pytest.raises(InvalidArgument, match="fpir"):
        gallery.identify(picture(), fpir=rate)


def test_a_rate_beyond_the_calibration_is_refused_with_the_bound(gallery):
    gallery.enroll("ada", looks("ada", 0))
    with pytest.raises(UnsupportedErrorRate) as caught:
        gallery.identify(picture("ada", look=1), fpir=1e-9)
    assert caught.value.details["bound"] == pytest.approx(1e-5)


def test_in_an_empty_gallery_everybody_is_unknown(gallery):
    faces = gallery.identify(picture("ada", "bob"))
    assert [face.decision.reasons for face in faces] == [("empty_gallery",)] * 2
    assert not any(face.decision for face in faces)
    assert len(gallery.identify(picture()).decisions) == 0


def test_reasons_of_quality_forbid_a_match(gallery):
    gallery.enroll("ada", looks("ada", 0))
    face = gallery.identify(picture("ada", look=1, reasons=("blurred",)))[0]
    assert face.person is None
    assert face.decision.reasons == ("blurred",)


def test_two_faces_of_one_image_are_never_one_person(gallery):
    gallery.enroll("ada", looks("ada", 0))
    # A poster behind Ada: two faces that both match.
    faces = gallery.identify(picture("ada", "bob", "ada", look=1))
    assert sorted(map(str, names(faces))) == ["None", "None", "ada"]
    assert [face.decision.reasons for face in faces if face.decision.score > 0.5].count(("same_person_twice",)) == 1


def test_the_better_of_two_faces_keeps_the_name():
    from mien.gallery.identification import _one_face_each
    from mien.recognition import decide_identification
    from mien.types import Candidate

    decisions = [
        decide_identification([Candidate("p1", "Ada", score, 1)], calibration=make_calibration(), fpir=0.01, people=1)
        for score in (0.6, 0.9, 0.7)
    ]
    assert [bool(decision) for decision in _one_face_each(decisions)] == [False, True, False]


def test_identify_all_goes_on_past_bad_images(gallery):
    gallery.enroll("ada", looks("ada", 0))
    errors = []
    sources = [picture("ada", look=1), b"junk", picture(), picture("eve")]
    found = list(gallery.identify_all(sources, on_error=lambda index, error: errors.append((index, error.code))))
    assert [(index, names(faces)) for index, _, faces in found] == [(0, ["ada"]), (2, []), (3, [None])]
    assert errors == [(1, "unreadable_image")]
    with pytest.raises(UnreadableImage):
        list(gallery.identify_all([b"junk"]))


def test_identify_all_sees_who_is_enrolled_meanwhile(gallery):
    gallery.enroll("bob", looks("bob", 0))
    results = gallery.identify_all([picture("ada", look=1)] * 2)
    assert names(next(results)[2]) == [None]
    gallery.enroll("ada", looks("ada", 0))
    assert names(next(results)[2]) == ["ada"]


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


def test_consent_is_recorded_or_said_not_to_be(gallery):
    gallery.enroll("Ada", looks("ada", 0))
    shown = gallery.person("Ada").to_dict()
    assert (shown["purpose"], shown["given"], shown["expires"]) == (NOT_RECORDED,) * 3
    gallery.enroll("Ada", looks("ada", 0), purpose="door", until=dt.date(2999, 1, 1))
    ada = gallery.person("Ada")
    assert (ada.purpose, ada.expires) == ("door", dt.date(2999, 1, 1))
    assert ada.given is not None
    assert ada.to_dict()["expires"] == "2999-01-01"


def test_consent_is_not_recorded_where_every_image_was_refused(gallery):
    gallery.enroll("Ada", looks("ada", 0))
    gallery.enroll("Ada", looks("eve", 0), purpose="door")
    assert gallery.person("Ada").purpose is None


def test_people_whose_consent_expired_are_shown_but_not_identified(gallery, monkeypatch):
    gallery.enroll("Ada", looks("ada", 0), until=people.today())
    gallery.enroll("Bob", looks("bob", 0))
    assert names(gallery.identify(picture("ada", "bob", look=1))) == ["Ada", "Bob"]
    later(monkeypatch)
    faces = gallery.identify(picture("ada", "bob", look=1))
    assert names(faces) == [None, "Bob"]
    assert {candidate.label for face in faces for candidate in face.decision.candidates} == {"Bob"}
    assert [(person.label, person.expired) for person in gallery.people()] == [("Ada", True), ("Bob", False)]
    with pytest.raises(InvalidArgument, match="ended"):
        gallery.enroll("Ada", looks("ada", 2))
    gallery.enroll("Ada", looks("ada", 2), until="2999-01-01")
    assert names(gallery.identify(picture("ada", look=1))) == ["Ada"]


def test_a_gallery_of_expired_people_is_empty(gallery, monkeypatch):
    gallery.enroll("Ada", looks("ada", 0), until=people.today())
    later(monkeypatch)
    assert gallery.identify(picture("ada", look=1))[0].decision.reasons == ("empty_gallery",)


def test_rename_keeps_the_id_and_is_seen_by_searches(gallery):
    ada = gallery.enroll("Ada", looks("ada", 0)).person_id
    gallery.identify(picture("ada", look=1))
    assert gallery.rename("Ada", "Ada Lovelace").person_id == ada
    assert names(gallery.identify(picture("ada", look=1))) == ["Ada Lovelace"]
    with pytest.raises(UnknownPerson):
        gallery.rename("Ada", "Nobody")


def test_merge_makes_one_person_of_two(gallery):
    ada = gallery.enroll("Ada", looks("ada", 0, 1), purpose="door").person_id
    gallery.enroll("A. L.", looks("ada", 1, 2), allow=("matches_other_person",))
    merged = gallery.merge("Ada", "A. L.")
    assert (merged.person_id, merged.samples, merged.purpose) == (ada, 3, "door")
    assert [person.label for person in gallery.people()] == ["Ada"]
    decision = gallery.identify(picture("ada", look=9))[0].decision
    assert [(c.person_id, c.samples) for c in decision.candidates] == [(ada, 3)]
    with pytest.raises(InvalidArgument, match="two people"):
        gallery.merge("Ada", ada)


def test_erased_people_are_gone_from_searches(gallery):
    gallery.enroll("Ada", looks("ada", 0))
    gallery.enroll("Bob", looks("bob", 0))
    gallery.identify(picture("ada", look=1))
    assert gallery.erase("Ada").label == "Ada"
    assert names(gallery.identify(picture("ada", "bob", look=1))) == [None, "Bob"]
    with pytest.raises(UnknownPerson):
        gallery.erase("Ada")


def test_collections_keep_apart(path):
    with open_fake(path) as main, open_fake(path, collection="visitors") as visitors:
        main.enroll("Ada", looks("ada", 0))
        assert visitors.people() == []
        assert visitors.identify(picture("ada", look=1))[0].decision.reasons == ("empty_gallery",)
        assert visitors.enroll("Ada", looks("ada", 0)).added
        with pytest.raises(UnknownPerson):
            visitors.person(main.person("Ada").person_id)


@pytest.mark.parametrize("other", [FakePipeline("other-space"), FakePipeline(dimension=64)], ids=["space", "dimension"])
def test_templates_of_different_spaces_never_meet(gallery, path, other):
    gallery.enroll("Ada", looks("ada", 0))
    with pytest.raises(SpaceMismatch, match="fake-space"):
        Gallery(path, pipeline=other)
    gallery._given_pipeline = other
    with pytest.raises(SpaceMismatch, match="another collection"):
        gallery.enroll("Bob", looks("bob", 0))
    with pytest.raises(SpaceMismatch):
        gallery.identify(picture("ada"))


def test_without_a_calibration_nothing_is_compared_and_that_is_said(path, monkeypatch):
    monkeypatch.setattr("mien.recognition.load_calibration", lambda name: None)
    with Gallery(path, pipeline=FakePipeline()) as gallery:
        enrolment = gallery.enroll("Ada", [*looks("ada", 0), *looks("eve", 0)])
        assert (len(enrolment.added), enrolment.checked) == (2, False)
        # The very same content needs no calibration to be somebody else's.
        assert gallery.enroll("Eve", looks("eve", 0)).refused[0].reasons == ("matches_other_person",)
        assert gallery.identify(picture("ada", look=1))[0].decision.reasons == ("uncalibrated",)


def test_people_are_managed_without_models(path, monkeypatch):
    with open_fake(path) as gallery:
        gallery.enroll("Ada", looks("ada", 0))

    def unavailable():
        raise ModelUnavailable("no weights")

    monkeypatch.setattr("mien.recognition.default_pipeline", unavailable)
    with Gallery(path) as gallery:
        assert gallery.rename("Ada", "Eda").label == "Eda"
        assert gallery.erase("Eda").samples == 1
        with pytest.raises(ModelUnavailable):
            gallery.identify(picture("ada"))


def test_models_that_fail_stop_an_enrolment(gallery, monkeypatch):
    def find_all_indexed(sources, *, on_error):
        on_error(len([next(iter(sources))]) - 1, ModelUnavailable("no weights"))
        yield from ()

    monkeypatch.setattr(gallery._given_pipeline, "find_all_indexed", find_all_indexed)
    with pytest.raises(ModelUnavailable):
        gallery.enroll("Ada", looks("ada", 0))
    assert gallery.people() == []


def test_the_default_gallery_is_the_environments_or_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_GALLERY", str(tmp_path / "mine.mien"))
    with Gallery() as gallery:
        assert gallery.location == str(tmp_path / "mine.mien")
    monkeypatch.delenv("MIEN_GALLERY")
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path / "data" / "mien")
    with Gallery() as gallery:
        assert gallery.people() == []
    assert (tmp_path / "data" / "mien" / "people.mien").is_file()
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "data" / "mien").stat().st_mode) == 0o700


def test_a_closed_gallery_says_so(path):
    gallery = open_fake(path)
    gallery.close()
    gallery.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        gallery.people()


def test_sixteen_threads_on_one_gallery(gallery):
    gallery.enroll("known", looks("known", 0))
    failures = []

    def work(number):
        try:
            own = f"person {number}"
            for look in range(3):
                # Half of the threads also race for one label.
                label, who = (own, own) if number % 2 else ("shared", "shared")
                gallery.enroll(label, [picture(who, look=100 * number + look)])
                faces = gallery.identify(picture(who, "known", "eve", look=7))
                assert names(faces) == [label, "known", None], names(faces)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    samples = {person.label: person.samples for person in gallery.people()}
    assert samples == {"known": 1, "shared": 24} | {f"person {number}": 3 for number in range(1, 16, 2)}
