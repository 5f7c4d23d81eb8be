"""The challenge: drawn order, answers at the right time by one face, and what it says where there are none."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from mien import media
from mien.attacks import Challenge, Rules, Signals, draw_steps, read_signals
from mien.errors import InvalidArgument
from mien.faces import default_detector, default_landmarker
from mien.quality import head_pose

FRAME = 1 / 15
OWN = np.eye(4, dtype=np.float32)[0]
OTHER = np.eye(4, dtype=np.float32)[1]
REST = Signals(2.0, 0.3, 0.54, OWN)
SHOWN = {
    "turn_left": replace(REST, yaw=25.0),
    "turn_right": replace(REST, yaw=-21.0),
    "blink": replace(REST, eyes=0.15),
    "smile": replace(REST, mouth=0.62),
}


def played(challenge, *parts):
    """Seconds of what is shown, one part after the other; returns the last progress."""
    moment, progress = 0.0, challenge.progress
    for seconds, signals in parts:
        for _ in range(round(seconds / FRAME)):
            faces = 2 if signals == "two" else 1
            progress = challenge.see(moment, REST if signals == "two" else signals, faces)
            moment += FRAME
    return progress


def answers(*steps):
    return [part for step in steps for part in ((0.6, REST), (0.4, SHOWN[step]), (0.4, REST))]


@pytest.mark.parametrize(
    "steps", [("turn_left", "blink", "smile"), ("blink", "turn_right", "blink"), ("smile", "blink")]
)
def test_who_does_as_asked_is_live(steps):
    progress = played(Challenge(steps), (1.1, REST), *answers(*steps))
    assert (progress.outcome, progress.done, progress.reasons) == ("live", steps, ())


def test_a_step_is_asked_only_after_the_one_before():
    challenge = Challenge(("blink", "smile"))
    assert played(challenge, (0.9, REST)).step is None
    challenge = Challenge(("blink", "smile"))
    assert played(challenge, (1.2, REST)).step == "blink"
    challenge = Challenge(("blink", "smile"))
    progress = played(challenge, (1.2, REST), *answers("blink"))
    assert (progress.step, progress.done, progress.outcome) == ("smile", ("blink",), None)


@pytest.mark.parametrize(
    ("parts", "outcome", "reasons"),
    [
        ([(9, REST)], "uncertain", ("no_response",)),
        ([*answers("turn_right"), (6, REST)], "attack", ("wrong_response",)),
        ([(0.5, replace(SHOWN["turn_left"], template=OTHER))], "attack", ("other_face",)),
        ([(0.3, None), (0.4, REST), *answers("turn_left", "blink")], "live", ()),
        ([(2, None)], "uncertain", ("no_face",)),
        ([(2, "two")], "uncertain", ("several_faces",)),
        ([(8, SHOWN["turn_left"])], "uncertain", ("no_response",)),
    ],
    ids=["still", "the other way", "another face", "lost for a moment", "gone", "two", "turned before it was asked"],
)
def test_what_is_no_answer(parts, outcome, reasons):
    # Turned from the first frame that is asked on, nobody has shown that they answer.
    challenge = Challenge(("turn_left", "blink"), Rules(reaction=0.15))
    progress = played(challenge, (1.0 + 2 * FRAME, REST), *parts)
    assert (progress.outcome, progress.reasons) == (outcome, reasons)
    assert challenge.see(99.0, SHOWN["blink"]) == progress, "an outcome stays"


def test_a_replay_of_another_order_is_not_live():
    for order in (("blink", "smile", "turn_left"), ("smile", "turn_right", "blink")):
        recorded = played(Challenge(("turn_right", "smile", "turn_left")), (1.1, REST), *answers(*order), (9, REST))
        assert recorded.outcome != "live"


def test_steps_are_drawn_anew_each_time():
    drawn = [draw_steps(3) for _ in range(300)]
    assert len(set(drawn)) > 20
    assert all(a != b for steps in drawn for a, b in pairwise(steps))
    assert min(Counter(step for steps in drawn for step in steps).values()) > 120
    for count in (1, 9):
        with pytest.raises(InvalidArgument):
            draw_steps(count)
    for steps in ((), ("nod",)):
        with pytest.raises(InvalidArgument):
            Challenge(steps)


@pytest.fixture(scope="module")
def clip(weights, samples):
    """What a man shows who smiles after half a second, and blinks a quarter of a second later: moments and signals."""
    detector, landmarker, shown = default_detector(), default_landmarker(), []
    with media.open_video(samples / "single_face.mp4", fps=15) as video:
        for frame in video:
            (faces,) = landmarker.refine([frame.image], [detector.detect([frame.image])[0]])
            (meshes,) = landmarker.meshes([frame.image], [faces])
            yaw = float(head_pose(faces.landmarks).yaw[0])
            shown.append((frame.timestamp, read_signals(meshes[0], yaw)))
    return shown


@pytest.mark.weights
@pytest.mark.samples
@pytest.mark.parametrize(
    ("steps", "outcome", "done"),
    [
        (("smile", "blink"), "live", ("smile", "blink")),
        (("blink", "smile"), None, ("blink",)),
        (("turn_left", "smile"), None, ()),
    ],
)
def test_a_real_smile_and_a_real_blink_are_seen_in_their_order(clip, steps, outcome, done):
    challenge = Challenge(steps, Rules(baseline=0.4))
    for moment, signals in clip:
        challenge.see(moment, signals)
    assert (challenge.progress.outcome, challenge.progress.done) == (outcome, done)
