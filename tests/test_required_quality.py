"""The gate on the whole way: real photos, real networks, a real gallery."""

import os
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien import Gallery, media
from mien.errors import InvalidArgument
from mien.quality import Gate
from mien.recognition import default_pipeline

pytestmark = [pytest.mark.weights, pytest.mark.samples]


@pytest.fixture
def gallery(tmp_path, weights):
    with Gallery(tmp_path / "people.mien") as opened:
        yield opened


def smaller(path, eyes):
    """The photo with so many pixels between the eyes."""
    image = media.read(path)
    now = float(default_pipeline().find(image).extra["quality.size"][0])
    return np.ascontiguousarray(cv2.resize(image, None, fx=eyes / now, fy=eyes / now, interpolation=cv2.INTER_AREA))


def test_what_falls_short_is_refused_with_reasons_and_nobody_is_made(gallery, samples):
    small = smaller(samples / "obama.jpg", 30)
    enrolment = gallery.enroll("Barack", [small], require="quality=high")
    assert enrolment.person_id is None
    assert "too_small" in enrolment.refused[0].reasons
    assert gallery.enroll("Barack", [small], require="quality=medium").added
    assert gallery.enroll("Barack", [samples / "obama2.jpg"], require=Gate("low")).added


def test_a_probe_that_falls_short_is_unknown_with_reasons(gallery, samples):
    gallery.enroll("Barack", [samples / "obama.jpg"])
    probe = smaller(samples / "obama2.jpg", 30)
    assert gallery.identify(probe)[0].person == "Barack"
    face = gallery.identify(probe, require="quality=high")[0]
    assert face.person is None
    assert "too_small" in face.decision.reasons
    ((_, _, faces),) = gallery.identify_all([probe], require="quality=high")
    assert faces[0].decision.reasons == face.decision.reasons


def test_a_track_whose_looks_fall_short_is_unknown_with_reasons(gallery, samples, far_clip):
    gallery.enroll("the man", [samples / "single_face.jpg"])

    def watched(source, **more):
        (face,) = [*gallery.watch(source, **more)][-1].faces
        return face.person, face.decision.reasons

    assert watched(far_clip) == ("the man", ())
    assert watched(far_clip, require="quality=medium") == ("the man", ())
    person, reasons = watched(far_clip, require="quality=high")
    assert person is None
    assert "too_small" in reasons
    assert watched(samples / "single_face.mp4", end=1.0, require="quality=high") == ("the man", ())
    # She looks aside just then.
    aside = {"start": 4.6, "end": 5.4, "fps": 8}
    assert "low_quality" in watched(samples / "WolfgangLanger_Pexels.mp4", require="quality=medium", **aside)[1]
    assert watched(samples / "WolfgangLanger_Pexels.mp4", **aside) == (None, ())


def test_many_people_pass_the_same_gate(gallery, samples):
    people = [("Barack", [smaller(samples / "obama.jpg", 30)]), ("Joe", [samples / "biden.jpg"])]
    barack, joe = gallery.enroll_all(people, require="quality=high")
    assert "too_small" in barack.refused[0].reasons
    assert joe.added


def test_what_cannot_be_required_is_refused_before_anything_is_done(gallery, samples):
    for call in (
        lambda: gallery.enroll("Barack", [samples / "obama.jpg"], require="attack=checked"),
        lambda: gallery.identify("missing.jpg", require="quality=best"),
        lambda: gallery.identify_all([], require="speed"),
        lambda: list(gallery.enroll_all([("Barack", ["missing.jpg"])], require="quality")),
    ):
        with pytest.raises(InvalidArgument, match="require"):
            call()
    assert list(gallery.people()) == []


@pytest.mark.skipif("MIEN_DATA" not in os.environ, reason="MIEN_DATA does not name the folder of the data sets' zips")
def test_few_studio_portraits_are_refused_at_medium(weights):
    source = Path(os.environ["MIEN_DATA"]) / "frll_dev.zip"
    if not source.is_file():
        pytest.skip(f"{source} is not there")
    with zipfile.ZipFile(source) as file:
        portraits = [file.read(name) for name in sorted(file.namelist()) if name.endswith(".jpg")]
    refused = 0
    for faces in default_pipeline().find_all(portraits):
        refused += len(faces) == 0 or bool(Gate("medium").reasons(faces)[int(np.argmax(faces.sizes))])
    assert len(portraits) == 152
    assert refused <= 0.05 * len(portraits)
