"""Whether somebody is who is claimed."""

from __future__ import annotations

import pytest
from gallery_fakes import looks, make_calibration, open_fake, picture

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
