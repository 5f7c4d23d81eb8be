"""Whether somebody is who is claimed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gallery_fakes import looks, make_calibration, open_fake, picture

from mien.errors import InvalidArgument, SpaceMismatch

ENGINES = ["sqlite"]

CLAIMS = [
    ("the person", "Ada", ("ada",), {}, True, ()),
    ("somebody else", "Ada", ("bob",), {}, False, ()),
    ("the largest face", "Ada", ("bob", "ada"), {"sizes": (50, 100)}, True, ()),
    ("no face", "Ada", (), {}, False, ("no_face",)),
    ("unfit", "Ada", ("ada",), {"reasons": ("blurred",)}, False, ("blurred",)),
    ("nothing to compare with", "Nobody", ("ada",), {}, False, ("empty_gallery",)),
]


@pytest.mark.parametrize(("case", "person", "who", "how", "match", "reasons"), CLAIMS, ids=[row[0] for row in CLAIMS])
def test_a_claim_is_verified(gallery, case, person, who, how, match, reasons):
    gallery.enroll("Ada", looks("ada", 0, 1))
    gallery.enroll("Nobody", looks("nobody", 0))
    gallery.erase_sample(gallery.samples("Nobody")[0].face_id)
    said = gallery.verify(picture(*who, look=7, **how), person, fmr=1e-3)
    assert (said.match, said.reasons, said.rate_kind) == (match, reasons, "fmr")
    assert [one.label for one in said.candidates] == [person]
    assert said.calibration == gallery.calibration.name


def test_a_function_gives_the_calibration_of_every_decision(tmp_path):
    known, asked = {}, []

    def calibration(pipeline):
        asked.append(pipeline)
        return known.get(pipeline)

    with open_fake(tmp_path / "people.mien", calibration=calibration) as gallery:
        pipeline = gallery.pipeline().name
        gallery.enroll("Ada", looks("ada", 0))
        (before,) = gallery.identify(looks("ada", 1)[0]).decisions
        known[pipeline] = make_calibration()
        (after,) = gallery.identify(looks("ada", 1)[0]).decisions
    assert (before.reasons, after.calibration) == (("uncalibrated",), known[pipeline].name)
    assert {*asked} == {pipeline}


def decisions(faces):
    return [(d.match, d.score, d.reasons, d.candidates, d.threshold) for d in faces.decisions]


def test_images_that_are_decided_together_are_decided_as_each_alone(gallery):
    for label in ("ada", "bob", "cleo"):
        gallery.enroll(label, looks(label, 0, 1))
    shown = [
        picture("ada", look=3),
        picture(),
        picture("bob", "bob", "dora", look=4),
        picture("cleo", look=5, reasons=("blurred",)),
    ]
    images = [gallery.pipeline().find(source) for source in shown]
    together = gallery.decide_all(images, fpir=0.02, candidates=2)
    assert [decisions(one) for one in together] == [
        decisions(gallery.decide(one, fpir=0.02, candidates=2)) for one in images
    ]
    assert [sum(d.match for d in one.decisions) for one in together] == [1, 0, 1, 0]
    assert {d.rate for one in together for d in one.decisions} == {0.02}
    assert gallery.decide_all([]) == []


def test_one_image_of_another_space_keeps_all_from_being_decided(gallery):
    gallery.enroll("ada", looks("ada", 0))
    good = gallery.pipeline().find(picture("ada", look=3))
    other = replace(good, space="another")
    with pytest.raises(SpaceMismatch):
        gallery.decide_all([good, other])
    with pytest.raises(InvalidArgument, match="fpir"):
        gallery.decide_all([good], fpir=0)
