from __future__ import annotations

import datetime as dt
import os
import stat
import threading

import numpy as np
import pytest
from gallery_fakes import FakePipeline, looks, make_calibration, open_fake, picture, set_today, template

from mien.errors import (
    InvalidArgument,
    ModelUnavailable,
    SpaceMismatch,
    StoreUnavailable,
    UnknownPerson,
    UnreadableImage,
    UnsupportedErrorRate,
)
from mien.gallery import NOT_RECORDED, Gallery, people

NAMES = ("ada", "bob", "cleo", "dan")


def names(faces):
    return [face.person for face in faces]


def later(monkeypatch, days=30):
    """The calendar, some days on."""
    day = people.today() + dt.timedelta(days=days)
    set_today(monkeypatch, day)


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


def test_people_whose_consent_expired_are_forgotten(gallery, monkeypatch):
    gallery.enroll("Ada", looks("ada", 0), until=people.today())
    gallery.enroll("Bob", looks("bob", 0))
    assert names(gallery.identify(picture("ada", "bob", look=1))) == ["Ada", "Bob"]
    later(monkeypatch)
    faces = gallery.identify(picture("ada", "bob", look=1))
    assert names(faces) == [None, "Bob"]
    assert {candidate.label for face in faces for candidate in face.decision.candidates} == {"Bob"}
    assert [person.label for person in gallery.people()] == ["Bob"]
    assert gallery.enroll("Ada", looks("ada", 0)).refused[0].reasons == ("erased_before",)


def test_a_consent_that_ended_today_can_be_renewed_before_it_is_noticed(gallery, monkeypatch):
    gallery.enroll("Ada", looks("ada", 0), until=people.today())
    later(monkeypatch)
    assert gallery.person("Ada").expired
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
    assert gallery.erase("Ada").person.label == "Ada"
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
        assert gallery.erase("Eda").person.samples == 1
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
