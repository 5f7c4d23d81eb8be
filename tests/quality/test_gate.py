import dataclasses

import numpy as np
import pytest

from mien.errors import InvalidArgument
from mien.quality import OPEN, Gate
from mien.types import Faces

GOOD = {
    "size": 80, "sharpness": 0.2, "brightness": 0.5, "under_exposure": 0, "over_exposure": 0, "yaw": 0, "pitch": 0,
    "roll": 0, "cut_off": 0,
}  # fmt: skip


def faces(utility=90.0, **changes):
    extra = {f"quality.{name}": np.array([value], np.float32) for name, value in (GOOD | changes).items()}
    if utility is not None:
        extra["quality.utility"] = np.array([utility], np.float32)
    return Faces.of([[0, 0, 9, 9]], [0.9], np.zeros((1, 5, 2)), (10, 10), extra=extra)


@pytest.mark.parametrize(
    "text", ["", "quality", "quality=good", "speed=high", "quality=low,quality=high", "quality=low,"]
)
def test_what_cannot_be_required_is_refused(text):
    with pytest.raises(InvalidArgument, match="quality=medium"):
        Gate.parse(text)


@pytest.mark.parametrize(("given", "level"), [(None, None), ("quality=high", "high"), (Gate("low"), "low")])
def test_gates_come_as_words_or_as_themselves(given, level):
    assert Gate.of(given).quality == level


@pytest.mark.parametrize(
    ("face", "passes"),
    [
        (faces(), ("low", "medium", "high")),
        (faces(size=30), ("low", "medium")),
        (faces(size=10), ("low",)),
        (faces(yaw=50), ("low",)),
        (faces(yaw=70), ()),
        (faces(utility=45), ("low", "medium")),
        (faces(utility=30), ("low",)),
        (faces(utility=5), ()),
        (faces(utility=np.nan), ()),
        (faces(utility=None), ("low", "medium", "high")),
    ],
    ids=["good", "small", "tiny", "turned", "profile", "fair", "poor", "bad", "undefined", "other space"],
)
def test_levels_ask_for_more_and_more(face, passes):
    assert tuple(level for level in ("low", "medium", "high") if not Gate(level).reasons(face)[0]) == passes
    assert OPEN.reasons(face) == ((),)


def test_reasons_say_what_fell_short():
    assert Gate("high").reasons(faces(utility=10, yaw=30)) == (("extreme_pose", "low_quality"),)


def test_faces_that_were_not_assessed_are_refused():
    bare = dataclasses.replace(faces(), extra={})
    with pytest.raises(InvalidArgument, match="assess"):
        Gate("low").reasons(bare)
