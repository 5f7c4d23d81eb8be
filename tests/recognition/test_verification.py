import dataclasses
import math

import numpy as np
import pytest

import mien
from mien.errors import SpaceMismatch, UnsupportedErrorRate
from mien.recognition import compare
from mien.types import Faces


def face(template, space="s"):
    plain = Faces.of([[0, 0, 9, 9]], [1], np.zeros((1, 5, 2)), (20, 20))
    templates = None if template is None else np.array([template], np.float32)
    return dataclasses.replace(plain, templates=templates, space=space if template else None)[0]


def test_compare_is_the_cosine():
    assert compare(face([0.6, 0.8]), face([1.0, 0.0])) == pytest.approx(0.6)


@pytest.mark.parametrize("other", [face([1.0, 0.0], "t"), face(None)])
def test_templates_of_different_spaces_never_meet(other):
    with pytest.raises(SpaceMismatch, match="embedding space"):
        compare(face([1.0, 0.0]), other)


@pytest.mark.weights
@pytest.mark.samples
class TestVerify:
    @pytest.mark.parametrize(
        ("first", "second", "match"),
        [
            ("obama.jpg", "obama2.jpg", True),
            ("obama.jpg", "obama3.jpg", True),
            ("obama.jpg", "biden.jpg", False),
            ("single_face.jpg", "obama.jpg", False),
        ],
    )
    def test_real_photos(self, weights, samples, first, second, match):
        decision = mien.verify(samples / first, samples / second, fmr=1e-4)
        assert decision.match is match
        assert (decision.score >= decision.threshold) is match
        assert decision.interval[0] < 1e-4 < decision.interval[1]
        assert (decision.llr > 0) is match
        assert decision.comparison == "image-image"

    def test_a_missing_face_is_a_reason_not_a_crash(self, weights, samples):
        decision = mien.verify(samples / "obama.jpg", samples / "free-mountain-vector-01.jpg")
        assert not decision.match
        assert decision.score == -math.inf
        assert decision.reasons == ("no_face",)

    def test_a_rate_beyond_the_data_is_refused(self, weights, samples):
        with pytest.raises(UnsupportedErrorRate, match="lowest it can promise"):
            mien.verify(samples / "obama.jpg", samples / "obama2.jpg", fmr=1e-9)
