"""What each error rate costs, against the calibration's own thresholds."""

from __future__ import annotations

import itertools

import pytest

from mien.errors import InvalidArgument
from mien.recognition import load_calibration, search_curve

NAME = "yunet-2023mar/mesh5/sface-2021dec-centred/second-look/mean"


@pytest.mark.parametrize("people", [1, 5, 10, 17, 100, 555, 3000, 3001, 100_000])
def test_a_curve_is_what_decisions_use(people):
    calibration = load_calibration(NAME)
    curve = search_curve(calibration, people)
    assert len(curve) > (1 if people > 10_000 else 3)
    for point in curve:
        assert point.gallery == people
        if point.supported:
            threshold = calibration.identification_threshold(point.fpir, people)
            assert point.threshold == pytest.approx(threshold.value, abs=1e-9)
    for easier, stricter in itertools.pairwise(curve):
        assert easier.fpir > stricter.fpir
        assert easier.threshold < stricter.threshold
        assert easier.fnir <= stricter.fnir
        assert easier.supported or not stricter.supported


def test_an_empty_gallery_has_none():
    with pytest.raises(InvalidArgument, match="people"):
        search_curve(load_calibration(NAME), 0)
