"""What is told of tracks: every rule as a table, and what must hold for any sequence."""

import dataclasses
import datetime as dt
import random
import re

import pytest

from mien.errors import InvalidArgument
from mien.types import Candidate, Decision
from mien.watch import EventLog, EventRules, TrackState

BOX = (10.0, 20.0, 60.0, 80.0)


def decision(person):
    """Decided to be a person, or nobody."""
    candidates = (Candidate(person or "p-ada", person or "Ada", 0.7 if person else 0.1, 2),)
    return Decision(person is not None, candidates[0].score, 0.4, 0.01, "fpir", (0.0, 0.02), "t", candidates=candidates)


UNDECIDED = dataclasses.replace(decision(None), reasons=("undecided",))


def state(track_id, started, last_seen, frames, who="?"):
    """A track's state; who: ``"?"`` before a decision, ``"-"`` nobody, else a person."""
    made = UNDECIDED if who == "?" else decision(None if who == "-" else who)
    return TrackState(track_id, started, last_seen, frames, BOX, made, who != "?")


def told(event):
    return event.kind, event.track_id, event.timestamp, event.person


def play(rules, script, *, end):
    """Run a script of one frame a second through a log.

    Args:
        rules: Of the log.
        script: For each track a text, one character a frame: a space where it is not seen, else who as in `state`.
        end: When the video ends.
    """
    log, events, states = EventLog(rules), [], {}
    for second in range(end):
        for track_id, text in script.items():
            seen = text[second : second + 1].strip()
            before = states.get(track_id)
            if seen and (before is None or second - before.last_seen >= rules.absence_seconds):
                states[track_id] = state(track_id, second, second, 1, seen)
            elif seen:
                states[track_id] = state(track_id, before.started, second, before.frames + 1, seen)
        kept = [s for s in states.values() if second - s.last_seen <= rules.absence_seconds]
        events += log.update(float(second), kept)
    return [told(event) for event in (*events, *log.close(float(end)))]


@pytest.mark.parametrize(
    ("changes", "script", "expected"),
    [
        pytest.param({}, {1: "AA"}, [], id="too few frames"),
        pytest.param({}, {1: "AA      AA"}, [], id="too few frames twice"),
        pytest.param(
            {}, {1: "???"}, [("appeared", 1, 2, None), ("left", 1, 4, None)], id="confirmed, never decided"
        ),
        pytest.param(
            {},
            {1: "????AAAA"},
            [("appeared", 1, 2, None), ("recognised", 1, 4, "A"), ("left", 1, 9, "A")],
            id="recognised once",
        ),
        pytest.param(
            {},
            {1: "AAAA"},
            [("appeared", 1, 2, "A"), ("recognised", 1, 2, "A"), ("left", 1, 5, "A")],
            id="decided before it is confirmed",
        ),
        pytest.param(
            {},
            {1: "??-----"},
            [("appeared", 1, 2, None), ("unknown", 1, 2, None), ("left", 1, 8, None)],
            id="unknown once",
        ),
        pytest.param(
            {},
            {1: "???-----BB"},
            [("appeared", 1, 2, None), ("unknown", 1, 3, None), ("recognised", 1, 8, "B"), ("left", 1, 11, "B")],
            id="an unknown who turns out to be known",
        ),
        pytest.param(
            {},
            {1: "AAAABBBAA"},
            [("appeared", 1, 2, "A"), ("recognised", 1, 2, "A"), ("recognised", 1, 4, "B"), ("recognised", 1, 7, "A"),
             ("left", 1, 10, "A")],
            id="a change to another person",
        ),
        pytest.param(
            {},
            {1: "AAAA---AA---"},
            [("appeared", 1, 2, "A"), ("recognised", 1, 2, "A"), ("unknown", 1, 4, None), ("left", 1, 13, None)],
            id="back and forth is told once each",
        ),
        pytest.param(
            {"absence_seconds": 2.5},
            {1: "??? ??? ?"},
            [("appeared", 1, 2, None), ("left", 1, 11, None)],
            id="a gap below the absence",
        ),
        pytest.param(
            {},
            {1: "AAAA    AAAA"},
            [("appeared", 1, 2, "A"), ("recognised", 1, 2, "A"), ("left", 1, 5, "A")],
            id="back within the cooldown",
        ),
        pytest.param(
            {"cooldown_seconds": 0},
            {1: "AAAA    AAAA"},
            [("appeared", 1, 2, "A"), ("recognised", 1, 2, "A"), ("left", 1, 5, "A"),
             ("appeared", 1, 10, "A"), ("recognised", 1, 10, "A"), ("left", 1, 13, "A")],
            id="no cooldown",
        ),
        pytest.param(
            {"cooldown_seconds": 6},
            {1: "AAA     AAA     AAA"},
            [("appeared", 1, 2, "A"), ("recognised", 1, 2, "A"), ("left", 1, 4, "A")],
            id="the cooldown runs anew from each leaving",
        ),
        pytest.param(
            {"cooldown_seconds": 6},
            {1: "AAA     AAA          AAA"},
            [("appeared", 1, 2, "A"), ("recognised", 1, 2, "A"), ("left", 1, 4, "A"),
             ("appeared", 1, 23, "A"), ("recognised", 1, 23, "A"), ("left", 1, 25, "A")],
            id="back after the cooldown",
        ),
        pytest.param(
            {},
            {1: "AAAA", 2: "        AAAA"},
            [("appeared", 1, 2, "A"), ("recognised", 1, 2, "A"), ("left", 1, 5, "A")],
            id="the person is back as another track, decided at once",
        ),
        pytest.param(
            {},
            {1: "AAAA", 2: "       ????AAA"},
            [("appeared", 1, 2, "A"), ("recognised", 1, 2, "A"), ("left", 1, 5, "A"),
             ("appeared", 2, 9, None), ("left", 2, 15, "A")],
            id="the person is back as another track, decided later",
        ),
        pytest.param(
            {},
            {1: "----", 2: "       ----"},
            [("appeared", 1, 2, None), ("unknown", 1, 2, None), ("left", 1, 5, None),
             ("appeared", 2, 9, None), ("unknown", 2, 9, None), ("left", 2, 12, None)],
            id="unknowns of different tracks are different people",
        ),
        pytest.param(
            {},
            {1: "----    ---"},
            [("appeared", 1, 2, None), ("unknown", 1, 2, None), ("left", 1, 5, None)],
            id="an unknown track is back",
        ),
        pytest.param(
            {},
            {1: "----    ---AAA"},
            [("appeared", 1, 2, None), ("unknown", 1, 2, None), ("left", 1, 5, None),
             ("appeared", 1, 11, "A"), ("recognised", 1, 11, "A"), ("left", 1, 15, "A")],
            id="an unknown track is back and turns out to be known",
        ),
        pytest.param(
            {},
            {1: "AAAAAAAA", 2: "  AAA"},
            [("appeared", 1, 2, "A"), ("recognised", 1, 2, "A"), ("left", 1, 9, "A")],
            id="in view under another track",
        ),
        pytest.param(
            {"emit_unknown": False}, {1: "???----", 2: "?????"}, [], id="strangers are not told of"
        ),
        pytest.param(
            {"emit_unknown": False},
            {1: "???---AA"},
            [("appeared", 1, 6, "A"), ("recognised", 1, 6, "A"), ("left", 1, 9, "A")],
            id="without strangers a person appears when recognised",
        ),
        pytest.param(
            {"confirm_frames": 1}, {1: "A"}, [("appeared", 1, 0, "A"), ("recognised", 1, 0, "A"), ("left", 1, 2, "A")],
            id="one frame is enough",
        ),
        pytest.param(
            {},
            {1: "AAAAA", 2: "  BBBBBB"},
            [("appeared", 1, 2, "A"), ("recognised", 1, 2, "A"), ("appeared", 2, 4, "B"), ("recognised", 2, 4, "B"),
             ("left", 1, 6, "A"), ("left", 2, 9, "B")],
            id="two people",
        ),
    ],
)  # fmt: skip
def test_rules(changes, script, expected):
    end = max(map(len, script.values())) + 4
    assert play(EventRules(**changes), script, end=end) == expected


def test_whoever_is_in_view_at_the_end_leaves_then():
    log = EventLog(EventRules(confirm_frames=1))
    log.update(0.0, [state(1, 0.0, 0.0, 1, "A"), state(2, 0.0, 0.0, 1)])
    assert [told(event) for event in log.close(0.5)] == [("left", 1, 0.5, "A"), ("left", 2, 0.5, None)]
    assert log.close(9.0) == ()


def test_a_closed_log_begins_anew():
    log = EventLog(EventRules(confirm_frames=1))
    for _ in range(2):
        assert [e.kind for e in log.update(5.0, [state(1, 5.0, 5.0, 1, "A")])] == ["appeared", "recognised"]
        assert [e.kind for e in log.close(6.0)] == ["left"]


def test_an_event_says_what_the_track_was():
    log = EventLog()
    moment = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
    (appeared,) = log.update(7.5, [state(4, 6.25, 7.5, 3)], moment)
    assert (appeared.started, appeared.ended, appeared.frames) == (6.25, 7.5, 3)
    assert (appeared.box, appeared.time, appeared.decision) == (BOX, moment, None)
    (recognised,) = log.update(8.0, [state(4, 6.25, 7.75, 4, "A")])
    assert recognised.decision == decision("A")
    assert (recognised.ended, recognised.time) == (7.75, None)


def test_those_who_left_come_first():
    log = EventLog(EventRules(confirm_frames=1))
    log.update(0.0, [state(2, 0.0, 0.0, 1)])
    events = log.update(2.0, [state(1, 2.0, 2.0, 1, "A"), state(2, 0.0, 0.0, 1)])
    assert [event.kind for event in events] == ["left", "appeared", "recognised"]


def test_a_stay_that_starts_anew_ends_the_one_before():
    log = EventLog(EventRules(confirm_frames=2))
    log.update(0.0, [state(1, 0.0, 0.0, 2, "A")])
    assert [told(event) for event in log.update(9.0, [state(1, 9.0, 9.0, 1)])] == [("left", 1, 9.0, "A")]


def test_a_track_that_has_left_is_not_told_of_for_being_reported_still():
    log = EventLog(EventRules(confirm_frames=1, cooldown_seconds=0))
    gone = state(1, 0.0, 0.0, 1)
    log.update(0.0, [gone])
    assert [event.kind for event in log.update(2.0, [gone])] == ["left"]
    assert log.update(2.1, [gone]) == ()


def test_a_sampling_slower_than_the_absence_loses_nobody():
    log, events = EventLog(EventRules(absence_seconds=1.0)), []
    for index in range(5):
        events += log.update(10.0 * index, [state(1, 0.0, 10.0 * index, index + 1, "A")])
    assert [event.kind for event in events] == ["appeared", "recognised"]


@pytest.mark.parametrize("timestamp", [4.99, -1.0, float("nan"), float("inf"), float("-inf")])
def test_timestamps_that_go_back_or_are_none_change_nothing(timestamp):
    log = EventLog(EventRules(confirm_frames=1))
    log.update(5.0, [state(1, 5.0, 5.0, 1, "A")])
    with pytest.raises(InvalidArgument, match=r"timestamp: expected seconds, 5 or later, got"):
        log.update(timestamp, [])
    with pytest.raises(InvalidArgument):
        log.close(timestamp)
    assert log.update(5.0, []) == ()
    assert [event.kind for event in log.close(5.0)] == ["left"]


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("confirm_frames", 0),
        ("confirm_frames", -3),
        ("confirm_frames", 2.5),
        ("confirm_frames", True),
        ("absence_seconds", 0),
        ("absence_seconds", -1.0),
        ("absence_seconds", float("nan")),
        ("absence_seconds", float("inf")),
        ("cooldown_seconds", -0.1),
        ("cooldown_seconds", float("nan")),
        ("cooldown_seconds", float("inf")),
    ],
)
def test_rules_that_cannot_be(rule, value):
    with pytest.raises(InvalidArgument, match=rule):
        EventRules(**{rule: value})


def walk(seed, changing=0.1):
    """A random run: rules, and for each frame its time and tracks, which come, hide, leave, come back, and change."""
    chance = random.Random(seed)
    rules = EventRules(
        confirm_frames=chance.randint(1, 4),
        absence_seconds=chance.choice([0.5, 1.0, 2.5]),
        cooldown_seconds=chance.choice([0, 2, 6]),
        emit_unknown=chance.random() < 0.7,
    )
    now, states, frames = 0.0, {}, []
    for _ in range(120):
        now += chance.choice([0.0, 0.1, 0.4, 1.0])
        for track_id in range(5):
            before = states.get(track_id)
            if chance.random() < 0.5:
                continue
            who = (
                chance.choice("???-AB") if before is None or not before.decided or chance.random() < changing else None
            )
            if before is None or now - before.last_seen >= rules.absence_seconds:
                states[track_id] = state(track_id, now, now, 1, who or "?")
            else:
                changed = before if who is None else state(track_id, 0, 0, 0, who)
                seen = {"last_seen": now, "frames": before.frames + 1}
                made = {"decision": changed.decision, "decided": changed.decided}
                states[track_id] = dataclasses.replace(before, **seen, **made)
        frames.append((now, [s for s in states.values() if now - s.last_seen <= rules.absence_seconds]))
    return rules, frames


@pytest.mark.parametrize("seed", range(200))
def test_what_holds_for_any_run(seed):
    rules, frames = walk(seed)
    log, events = EventLog(rules), []
    most = {}
    for now, tracks in frames:
        events += log.update(now, tracks)
        for track in tracks:
            key = track.track_id, track.started
            most[key] = max(most.get(key, 0), track.frames)
    events += log.close(frames[-1][0])
    assert [event.timestamp for event in events] == sorted(event.timestamp for event in events)
    for track_id in range(5):
        kinds = "".join(event.kind[0] for event in events if event.track_id == track_id)
        assert re.fullmatch("(ar*u?r*l)*", kinds), kinds
    assert all(most[event.track_id, event.started] >= rules.confirm_frames for event in events)
    assert all(event.person for event in events if event.kind == "recognised")
    assert all(event.decision is not None and not event.person for event in events if event.kind == "unknown")
    assert rules.emit_unknown or not any(event.kind == "unknown" for event in events)


@pytest.mark.parametrize("seed", range(50))
def test_nobody_is_told_of_again_within_the_cooldown(seed):
    rules, frames = walk(seed, changing=0)
    log, present, left = EventLog(rules), {}, {}
    for now, tracks in frames:
        for event in log.update(now, tracks):
            if event.kind == "recognised":
                assert event.person not in present.values()
                assert now >= left.get(event.person, -99) + rules.cooldown_seconds
                present[event.track_id] = event.person
            elif event.kind == "left" and event.track_id in present:
                left[present.pop(event.track_id)] = now


def test_memory_does_not_grow_with_the_stream():
    log = EventLog(EventRules(confirm_frames=1, absence_seconds=1.0, cooldown_seconds=5.0))
    for second in range(2000):
        log.update(float(second), [state(second, second, second, 1, f"p-{second}")])
        assert len(log._stays) <= 2
        assert len(log._cooling) <= 2 * 6
