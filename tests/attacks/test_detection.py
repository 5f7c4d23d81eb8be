"""Differential morph detection, on officials' portraits and on morphs of them that are made here."""

from __future__ import annotations

import numpy as np
import pytest

from mien import media
from mien.attacks import MORPHING_TOOLS, MorphThreshold, detect_morph, load_threshold, morph
from mien.attacks.demorphing import demorph
from mien.errors import NoFace, UnreadableImage
from mien.faces import default_detector

pytestmark = [pytest.mark.weights, pytest.mark.samples]


@pytest.fixture(scope="module")
def portraits(samples):
    return {name: media.read(samples / f"{name}.jpg") for name in ("obama", "obama2", "biden")}


@pytest.mark.parametrize("tool", MORPHING_TOOLS)
def test_a_morph_is_told_by_the_capture_of_who_was_set_into_it(portraits, tool):
    made = morph(portraits["biden"], portraits["obama"], consent="official portraits", tool=tool).image
    decision = detect_morph(made, portraits["obama2"])
    assert decision.morph is True
    assert decision.score >= decision.threshold
    assert decision.reasons == ("remainder_unlike_live",)


def test_another_photo_of_the_same_person_is_no_morph(portraits):
    decision = detect_morph(portraits["obama"], portraits["obama2"])
    assert (decision.morph, decision.reasons) == (False, ())
    assert decision.score < decision.threshold
    assert decision.to_dict()["detector"] == "differential"


def test_somebody_elses_document_is_said_to_be_that(portraits):
    decision = detect_morph(portraits["biden"], portraits["obama2"])
    assert (decision.morph, decision.reasons) == (None, ("unlike_live",))


def test_nothing_is_decided_on_small_faces(portraits):
    import cv2

    small = cv2.resize(portraits["obama"], None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    decision = detect_morph(small, portraits["obama2"])
    assert decision.morph is None
    assert "too_small" in decision.reasons


@pytest.mark.parametrize("share", [0.2, 0.4])
def test_what_is_left_is_the_document_less_the_live_face(portraits, share):
    """The live capture being the document itself, nothing changes."""
    image = portraits["obama"]
    (faces,) = default_detector().detect([image])
    left = demorph(image, faces, image, faces, share=share)
    assert np.abs(left.astype(int) - image).mean() < 1.5


def test_what_has_no_face_or_cannot_be_read_is_refused(portraits, tmp_path):
    blank = np.zeros((200, 200, 3), np.uint8)
    with pytest.raises(NoFace, match="document: expected a face"):
        detect_morph(blank, portraits["obama"])
    with pytest.raises(NoFace, match="live: expected a face"):
        detect_morph(portraits["obama"], blank)
    (tmp_path / "a.jpg").write_bytes(b"no image")
    with pytest.raises(UnreadableImage):
        detect_morph(tmp_path / "a.jpg", blank)


def test_a_threshold_is_read_as_it_was_written():
    known = load_threshold("differential")
    assert MorphThreshold.from_json(known.to_json()) == known
    assert 0 < known.threshold < 1
    assert known.macer == 0.05
