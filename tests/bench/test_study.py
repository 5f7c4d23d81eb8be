"""What the study of backgrounds would find in figures that are known beforehand."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import arm_rates
import cv2
import numpy as np
import pytest
import readings
from arm_rates import blanks, detection, quality, recognition
from arms import DOSES, MAIN, ORIGINAL, Arm, corrected
from readings import BONA_FIDE, Case, Detector, Readings, read_arm
from study import one_in, same_settings
from texture import judged_by_others, patterns

from mien import media, metrics
from mien.types import Faces

TOOLS = ("spliced", "seamless")
AS_IT_IS = Detector("planted", lambda *_: np.zeros(1), lambda kept, *_: kept.astype(np.float64))


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch):
    monkeypatch.setattr(arm_rates, "DRAWS", 60)
    monkeypatch.setattr(arm_rates, "REPEATS", 4)


def read(templates, *, missed=None, utility=None, kept=None):
    count = len(templates)
    nobody = np.zeros(count, bool)
    return Readings(
        templates=templates,
        missed=nobody if missed is None else missed,
        refused=nobody.copy(),
        utility=np.full(count, 50, np.float32) if utility is None else utility,
        uniformity=np.full(count, 70, np.float32),
        seconds=1.0,
        kept=kept or {},
    )


def crowd(people=60, samples=3, noise=0.15, seed=0):
    random = np.random.default_rng(seed)
    owners = np.repeat(np.arange(people), samples)
    rows = random.normal(size=(people, 32))[owners] + noise * 6 * random.normal(size=(len(owners), 32))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), owners


def square(side=200, half=50):
    mask = np.zeros((side, side), np.float32)
    mask[side // 2 - half : side // 2 + half, side // 2 - half : side // 2 + half] = 1
    return mask


@pytest.mark.parametrize("arm", DOSES, ids=lambda arm: arm.name)
def test_a_dose_is_what_it_says(arm):
    image, mask = np.full((200, 200, 3), 90, np.uint8), square()
    picture, used = corrected(image, mask, 40.0, arm, seed=1)
    if arm.damage == "dropped":
        gone = 1 - used.sum() / mask.sum()
        assert arm.dose <= gone < arm.dose + 0.1
    else:
        moved = arm.dose * 40 * (-1 if arm.damage == "eroded" else 1)
        assert used[100].sum() == pytest.approx(100 + 2 * moved, abs=2)
    assert (picture[used == 0] == 255).all()
    assert (picture[used == 1] == 90).all()
    again, _ = corrected(image, mask, 40.0, arm, seed=1)
    np.testing.assert_array_equal(again, picture)


def test_edges_are_hard_soft_or_feathered():
    image = np.full((200, 200, 3), 90, np.uint8)
    mask = np.clip(square() * 0.6 + square(half=30) * 0.4, 0, 1)
    used = {arm.edge: corrected(image, mask, 40.0, arm, 0)[1] for arm in MAIN if arm.segmenter == "selfie"}
    np.testing.assert_array_equal(used["soft"], mask)
    assert set(np.unique(used["hard"])) == {0, 1}
    assert len(np.unique(used["feathered"])) > 20


def test_an_arm_like_the_originals_changes_nothing():
    templates, people = crowd()
    same = recognition(read(templates), read(templates), people, 0.01)
    assert same["change"] == same["carried"]["change"] == {"value": 0, "low": 0, "high": 0}
    assert same["tmr"]["value"] == pytest.approx(
        1 - metrics.operating_point(metrics.all_pairs(templates, people), 0.01).fnmr.value
    )
    found = quality(read(templates), read(templates), people, (same["threshold"],) * 2)
    assert [found[name]["change"]["high"] for name in ("utility", "uniformity", "area")] == [0, 0, 0]


def test_a_failure_to_acquire_counts_as_missed_and_the_sound_ones_stand_beside_it():
    templates, people = crowd()
    missed = np.zeros(len(people), bool)
    missed[::3] = True  # one of three of everybody: of three mated pairs one is left
    found = recognition(read(templates), read(templates, missed=missed), people, 0.01)
    assert found["failed"] == 60
    assert found["tmr"]["value"] <= 1 / 3
    assert found["change"]["high"] < 0
    assert found["sound"]["images"] == 120
    assert found["sound"]["change"] == {"value": 0, "low": 0, "high": 0}


def test_where_next_to_nothing_is_left_nothing_is_said_of_it():
    templates, people = crowd()
    found = recognition(read(templates), read(templates, missed=np.arange(len(people)) % 3 < 2), people, 0.01)
    assert found["sound"] == {"images": 60}
    assert found["tmr"]["value"] == 0


def test_what_the_guard_refuses_fails_only_where_it_is_asked():
    templates, people = crowd()
    arm = dataclasses.replace(read(templates), refused=np.arange(len(people)) < 9)
    failures = [recognition(read(templates), arm, people, 0.01, guarded=way)["failed"] for way in (True, False)]
    assert failures == [9, 0]


def test_worse_quality_and_its_area():
    templates, people = crowd(noise=0.25)
    random = np.random.default_rng(1)
    knowing = np.array([templates[i] @ templates[people == people[i]].mean(axis=0) for i in range(len(people))])
    sides = [
        read(templates, utility=u.astype(np.float32)) for u in (100 * knowing, random.uniform(0, 100, len(people)))
    ]
    threshold = recognition(sides[0], sides[0], people, 0.01)["threshold"]
    found = quality(*sides, people, (threshold, threshold))
    assert found["area"]["change"]["low"] > 0, "what is drawn by chance knows less of what fails"
    pairs = np.array([(i, j) for i, j in itertools.combinations(range(len(people)), 2) if people[i] == people[j]])
    scores = (templates[pairs[:, 0]] * templates[pairs[:, 1]]).sum(axis=1)
    worth = metrics.pair_quality(*sides[1].utility[pairs.T])
    assert found["area"]["value"] == pytest.approx(metrics.discard_curve(scores, worth, threshold).area(0.3), abs=1e-6)


def test_blank_masks_take_the_threshold_once_their_pairs_outnumber_the_false_matches_allowed():
    templates, people = crowd(people=200)
    blank = np.zeros(32, np.float32)
    blank[0] = 1
    found = {row["share"]: row for row in blanks(read(templates), people, blank, (1e-3,), seed=0)}
    # 2 % of all images give 0.4 per thousand of all pairs, 5 % two and a half.
    assert found[0.05]["embedded"]["high"] < 0.01
    assert found[0.02]["embedded"]["low"] > 0.9 * found[0.02]["refused"]["low"]
    for share, row in found.items():
        assert row["acquired"]["value"] == pytest.approx(found[0.0]["acquired"]["value"], abs=0.01)
        assert row["refused"]["value"] == pytest.approx((1 - share) ** 2 * row["acquired"]["value"], abs=0.03)
        assert row["carried_fmr"]["value"] == pytest.approx(1e-3 + share**2, rel=0.2)


def lineup(shift=0.0, spread=1.0):
    """Forty people, bona fide, and morphs of neighbours by two tools, with planted scores."""
    random = np.random.default_rng(0)
    nowhere = Path("nowhere")
    cases = [Case(nowhere, (f"{n:02}",), None) for n in range(40)]
    pairs = [(f"{n:02}", f"{(n + 1) % 40:02}") for n in range(40)]
    cases += [Case(nowhere, pair, None, tool) for tool in TOOLS for pair in pairs]
    scores = np.array([random.normal(0 if case.kind == BONA_FIDE else 2.5) for case in cases], np.float32)
    return cases, (spread * scores + shift)[:, None].astype(np.float32)


def detected(shift=0.0, spread=1.0, refused=()):
    cases, before = lineup()
    _, after = lineup(shift, spread)
    nothing = np.zeros((len(cases), 4), np.float32)
    arm = read(nothing, kept={"planted": after})
    arm.refused[list(refused)] = True
    asked = np.ones(len(cases), bool)
    return cases, before, detection(read(nothing, kept={"planted": before}), arm, cases, AS_IT_IS, 0.05, 0, asked)


def test_scores_that_all_move_alike_change_rates_at_the_old_threshold_and_none_at_a_new_one():
    cases, scores, found = detected(shift=1.0)
    kinds = np.array([case.kind for case in cases])
    known = metrics.bona_fide_refused_at(
        scores[kinds == BONA_FIDE, 0], {tool: scores[kinds == tool, 0] for tool in TOOLS}, 0.05
    )
    assert found["original"]["bscer"]["value"] == pytest.approx(known.refused.value)
    assert found["carried"]["threshold"] == known.threshold
    assert found["original"]["macer"]["value"] == pytest.approx(known.worst[1].value)
    assert found["carried"]["change"]["bscer"]["low"] > 0
    assert found["carried"]["change"]["macer"]["high"] <= 0
    assert found["eer"]["arm"] == found["eer"]["original"] > 0
    assert found["reset"]["change"] == {kind: {"value": 0, "low": 0, "high": 0} for kind in ("bscer", "macer")}


def test_intervals_of_detection_draw_people():
    _, _, found = detected(spread=0.5)
    moved = found["reset"]["change"]
    assert moved["macer"]["value"] == 0, "scores that keep their order are told as well as before"
    assert found["original"]["bscer"]["low"] < found["original"]["bscer"]["value"] < found["original"]["bscer"]["high"]
    assert {*found["original"]} == {"bscer", "macer", *TOOLS}
    assert found["documents"] == {BONA_FIDE: 40, "spliced": 40, "seamless": 40}


def test_documents_that_failed_are_counted_and_left_out_on_both_sides():
    _, _, found = detected(refused=(0, 1, 40))
    assert found["unanswered"] == {BONA_FIDE: 2, "spliced": 1, "seamless": 0}
    assert found["carried"]["change"]["bscer"] == {"value": 0, "low": 0, "high": 0}
    _, _, found = detected(refused=range(40, 80))
    assert found["unanswered"] == {BONA_FIDE: 0, "spliced": 40, "seamless": 0}
    assert "carried" not in found, "of a tool without an answer no rate can be told"


def test_people_are_not_learnt_by_heart():
    random = np.random.default_rng(0)
    # Everybody twice, marked for good; whether a mark is an attacker's is a matter of luck.
    names = [f"{n:02}" for n in range(60)] * 2
    rows = np.tile(random.normal(size=(60, 80)), (2, 1)) + 0.1 * random.normal(size=(120, 80))
    luck = np.tile(random.random(60) < 0.5, 2)
    blind = judged_by_others(rows, rows, luck, [(name,) for name in names], seed=0)
    assert metrics.attack_eer(blind[~luck], blind[luck]) > 0.35


def test_a_texture_is_told_by_those_who_know_nobody_in_the_picture():
    random = np.random.default_rng(0)
    names = [f"{n:02}" for n in range(60)]
    people = [(name,) for name in names] + list(itertools.pairwise(names))
    attacks = np.array([len(shown) == 2 for shown in people])
    texture = random.normal(size=(len(people), 80)) + 1.5 * attacks[:, None]
    seen = judged_by_others(texture, texture, attacks, people, seed=0)
    assert metrics.attack_eer(seen[~attacks], seen[attacks]) < 0.05
    missing = texture.copy()
    missing[3] = np.nan
    scores = judged_by_others(missing, texture, attacks, people, seed=0)
    assert np.isnan(scores[3])
    np.testing.assert_allclose(np.delete(scores, 3), np.delete(seen, 3))


def test_patterns_are_histograms_that_light_does_not_change():
    image = np.random.default_rng(0).integers(0, 200, (300, 300, 3), np.uint8)
    face = Faces.of([[40, 40, 250, 260]], [1.0], np.zeros((1, 5, 2)), (300, 300))
    row = patterns(image, face)
    assert row.shape == (16 * 59,)
    assert (row.reshape(16, 59) ** 2).sum(axis=1) == pytest.approx(np.ones(16))
    grey = image[..., :1].repeat(3, axis=2)
    np.testing.assert_allclose(patterns(grey, face), patterns(grey + np.uint8(40), face), atol=0.02)


def test_readings_are_read_once(tmp_path, monkeypatch):
    templates, _ = crowd(people=4)
    rows = [{"refused": False, "template": row, "utility": 5.0} for row in templates]
    rows[2] = {"refused": True}
    monkeypatch.setattr(readings, "_read", lambda case, arm, number, detectors, uniformity: rows[number])
    monkeypatch.setattr(readings, "default_pipeline", lambda: dataclasses.make_dataclass("P", [("dimension", int)])(32))
    cases = [Case(tmp_path, ("a",), None)] * len(rows)
    asked = np.arange(len(rows)) != 5
    first = read_arm(tmp_path / "arm.npz", cases, MAIN[1], asked=asked)
    assert [*np.flatnonzero(first.missed)] == [2, 5]
    assert [*np.flatnonzero(first.refused)] == [2]
    monkeypatch.setattr(readings, "_read", None)
    again = read_arm(tmp_path / "arm.npz", cases, MAIN[1], asked=asked)
    for name in ("templates", "missed", "refused", "utility", "uniformity"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))


def test_a_folder_of_other_settings_is_refused(tmp_path):
    same_settings(tmp_path / "kept", {"people": 10, "seed": 0})
    same_settings(tmp_path / "kept", {"people": 10, "seed": 0})
    with pytest.raises(SystemExit, match="name another folder"):
        same_settings(tmp_path / "kept", {"people": 11, "seed": 0})


def test_arms_of_degraded_masks_have_whole_people_and_whole_pairs():
    cases, _ = lineup()
    some = one_in(cases, 4)
    assert some.sum() == 10 + 2 * 10
    assert {case.people for case, chosen in zip(cases, some, strict=True) if chosen and len(case.people) == 2} == {
        (f"{n:02}", f"{n + 1:02}") for n in range(0, 39, 4)
    }


@pytest.mark.weights
@pytest.mark.samples
def test_a_portrait_is_read_before_white_as_it_was(weights, samples, tmp_path):
    image = media.read(samples / "obama.jpg")
    small = cv2.resize(image, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    media.write(tmp_path / "small.png", small)
    case = Case(tmp_path / "small.png", ("a",), readings.central(small))
    before, after, eaten = (
        readings._read(case, arm, 0, (), True)
        for arm in (ORIGINAL, MAIN[1], Arm("nothing left", "selfie", "hard", "eroded", 3.0))
    )
    assert before["template"] @ after["template"] > 0.9
    assert after["uniformity"] > 90
    assert not after["refused"]
    assert eaten["refused"]
