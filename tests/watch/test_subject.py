from __future__ import annotations

import numpy as np
import pytest

from mien.recognition import fuse_track
from mien.types import Candidate, Decision
from mien.watch.subject import Probe, Subject

PROBE = Probe(np.ones(4, np.float32) / 2)


def subject():
    return Subject(7, 0.0, 0.0, (0, 0, 0, 0))


def decision(score, *known, match=None):
    """Of a search that found these people, best first; a match from 0.3 on."""
    candidates = tuple(Candidate(who, who, score - 0.1 * rank, 1) for rank, who in enumerate(known))
    matched = score >= 0.3 if match is None else match
    return Decision(matched, score, 0.3, 0.01, "fpir", (0, 1), "track-person/1", None, (), candidates)


def looked(count, quality=80.0):
    track = subject()
    for number in range(count):
        track.look(np.eye(32, dtype=np.float32)[number % 32], quality, ())
    return track


def test_decision_points_are_few_and_fixed():
    track, points = subject(), []
    for number in range(1, 101):
        track.look(np.ones(4, np.float32) / 2, 80.0, ())
        if track.due(0.0) is not None:
            points.append(number)
    assert points == [3, 6, 12, 24, 48, 96]


@pytest.mark.parametrize(
    ("looks", "seconds", "due"), [(0, 0.6, False), (1, 0.4, False), (1, 0.5, True), (2, 0.4, False), (3, 0.0, True)]
)
def test_the_first_decision_takes_three_looks_or_half_a_second(looks, seconds, due):
    assert (looked(looks).due(seconds) is not None) is due


def test_one_decision_is_made_at_a_point_and_the_next_at_twice_as_many_looks():
    track = looked(1)
    assert track.due(0.5) is not None
    track.decide(decision(0.5, "ada"), PROBE)
    assert track.due(0.6) is None
    assert track.due(60.0) is None


def test_the_best_samples_are_kept_and_fused_by_quality():
    track = subject()
    templates = np.eye(40, dtype=np.float32)
    quality = np.random.default_rng(0).permutation(np.arange(40.0, 80.0))
    for template, worth in zip(templates, quality, strict=True):
        track.look(template, worth, ())
    best = np.argsort(quality)[-16:]
    assert np.allclose(track.due(0.0).template, fuse_track(templates[best], quality[best]), atol=1e-6)


def test_poor_looks_count_only_while_there_is_no_better():
    track = subject()
    track.look(np.eye(4, dtype=np.float32)[0], 5.0, ("blurred",))
    assert track.due(0.1) is None
    assert track.due(0.5).reasons == ("blurred",)
    track.look(np.eye(4, dtype=np.float32)[1], 80.0, ())
    assert track.due(0.5).reasons == ()
    assert track.due(0.5).template.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        pytest.param([decision(0.6, "ada")], "ada", id="confirmed"),
        pytest.param([decision(0.2, "ada")], "ada", id="not confirmed once"),
        pytest.param([decision(0.2, "ada"), decision(0.4, "ada"), decision(0.2, "ada")], "ada", id="now and then"),
        pytest.param([decision(0.2, "ada"), decision(0.2, "ada")], None, id="twice in a row not confirmed"),
        pytest.param([decision(0.2, "bob")], None, id="known no more"),
        pytest.param([decision(0.5, "bob", "ada")], "bob", id="somebody else, clearly"),
        pytest.param([decision(0.2, "bob", "ada")], "ada", id="somebody else, below the threshold"),
    ],
)
def test_a_match_changes_only_where_later_looks_clearly_say_so(later, expected):
    track = subject()
    track.decide(decision(0.5, "ada"), PROBE)
    for next_decision in later:
        track.decide(next_decision, PROBE)
    assert (track.decision.person.label if track.decision.person else None) == expected


def test_an_unknown_becomes_known_at_a_later_point():
    track = subject()
    track.decide(decision(0.2, "ada"), PROBE)
    track.decide(decision(0.35, "ada"), PROBE)
    assert track.decision.person.label == "ada"


def test_who_yielded_is_that_person_again_only_with_a_higher_score():
    track = subject()
    track.decide(decision(0.5, "ada"), PROBE)
    track.yield_to(0.6)
    assert (track.decision.person, track.decision.reasons) == (None, ("same_person_twice",))
    track.renew(decision(0.55, "ada"))
    assert track.decision.person is None
    track.decide(decision(0.65, "ada"), PROBE)
    assert track.decision.person.label == "ada"


def test_a_new_stay_begins_after_an_absence():
    track = subject()
    for timestamp in (0.0, 0.5, 1.0, 4.0, 4.5):
        track.see(np.array([1, 2, 3, 4], np.float32), timestamp, 2.0)
    state = track.state()
    assert (state.track_id, state.started, state.last_seen, state.frames) == (7, 4.0, 4.5, 2)
    assert (state.box, state.decided) == ((1.0, 2.0, 3.0, 4.0), False)
