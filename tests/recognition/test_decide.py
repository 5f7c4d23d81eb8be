import dataclasses
import math

import pytest

from mien.recognition import decide_identification, decide_verification
from mien.recognition.calibration import Calibration
from mien.recognition.points import Comparison, IdentificationPoint, Population, VerificationPoint
from mien.types import Candidate

POINTS = tuple(VerificationPoint(r, t, r / 2, r * 2, 0.01, 99, 99, True) for r, t in ((1e-2, 0.3), (1e-4, 0.5)))
SEARCH = tuple(IdentificationPoint(n, 0.01, t, 0.005, 0.02, 0.1, 99, 99, True) for n, t in ((10, 0.4), (100, 0.6)))
CALIBRATION = Calibration(
    "c",
    "p",
    Population("", 1, 1, ""),
    {kind: Comparison(1, 1, POINTS, (10.0, -4.0)) for kind in ("image-image", "image-person/1")},
    SEARCH,
)


def candidate(score, samples=1):
    return Candidate("id", "Ada", score, samples)


@pytest.mark.parametrize(
    ("score", "reasons", "match"),
    [(0.5, (), True), (0.4999, (), False), (0.9, ("too_small",), False), (-math.inf, ("no_face",), False)],
)
def test_verification(score, reasons, match):
    decision = decide_verification(score, calibration=CALIBRATION, fmr=1e-4, reasons=reasons)
    assert decision.match is match
    assert bool(decision) is match
    assert decision.threshold == pytest.approx(0.5)
    assert decision.interval == pytest.approx((5e-5, 2e-4))
    assert decision.reasons == reasons
    assert (decision.rate, decision.rate_kind, decision.calibration) == (1e-4, "fmr", "c")
    assert decision.llr == (None if math.isinf(score) else pytest.approx(10 * score - 4))


@pytest.mark.parametrize("calibration", [None, CALIBRATION])
def test_without_a_calibration_nothing_matches(calibration):
    decision = decide_verification(0.99, calibration=calibration, fmr=1e-4, comparison="image-person/5+")
    assert not decision.match
    assert decision.reasons == ("uncalibrated",)
    assert decision.threshold == math.inf


@pytest.mark.parametrize(("people", "score", "person"), [(10, 0.41, "Ada"), (100, 0.41, None), (100, 0.61, "Ada")])
def test_identification_depends_on_the_size_of_the_gallery(people, score, person):
    decision = decide_identification([candidate(score)], calibration=CALIBRATION, fpir=0.01, people=people)
    assert (decision.person.label if decision.person else None) == person
    assert decision.candidates[0].label == "Ada"


def test_an_empty_candidate_list_is_unknown():
    decision = decide_identification([], calibration=CALIBRATION, fpir=0.01, people=10)
    assert not decision.match
    assert decision.score == -math.inf
    assert decision.person is None


def test_a_refused_face_is_unknown_whatever_its_score():
    decision = decide_identification(
        [candidate(0.99)], calibration=CALIBRATION, fpir=0.01, people=10, reasons=["blurred"]
    )
    assert decision.person is None
    assert decision.reasons == ("blurred",)


def test_a_person_with_many_samples_needs_their_own_calibration():
    decision = decide_identification([candidate(0.99, 7)], calibration=CALIBRATION, fpir=0.01, people=10)
    assert decision.reasons == ("uncalibrated",)
    assert decision.comparison == "image-person/5+"


def test_a_track_needs_a_calibration_of_its_own():
    decision = decide_identification([candidate(0.99)], calibration=CALIBRATION, fpir=0.01, people=10, probe="track")
    assert decision.reasons == ("uncalibrated",)
    assert decision.comparison == "track-person/1"


def test_a_track_is_decided_at_its_own_threshold():
    stricter = tuple(dataclasses.replace(point, threshold=point.threshold + 0.1) for point in POINTS)
    comparisons = {**CALIBRATION.comparisons, "track-person/1": Comparison(1, 1, stricter, (10.0, -4.0))}
    calibration = dataclasses.replace(CALIBRATION, comparisons=comparisons)
    for probe, threshold in (("image", 0.4), ("track", 0.5)):
        decision = decide_identification([candidate(0.45)], calibration=calibration, fpir=0.01, people=10, probe=probe)
        assert decision.threshold == pytest.approx(threshold)
        assert decision.match is (probe == "image")
