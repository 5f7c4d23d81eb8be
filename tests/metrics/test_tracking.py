from __future__ import annotations

import math

import numpy as np
import pytest

from mien.errors import InvalidArgument
from mien.metrics import identity_f1
from mien.metrics.tracking import box_overlap

A, B, FAR = [0, 0, 10, 10], [20, 0, 30, 10], [500, 500, 510, 510]


def frames(*rows):
    return [([name for name, _ in row], [box for _, box in row]) for row in rows]


TRUTH = frames(*[[(1, A), (2, B)]] * 4)


@pytest.mark.parametrize(
    ("found", "idf1", "precision", "recall", "switches"),
    [
        pytest.param(TRUTH, 1.0, 1.0, 1.0, 0, id="the truth itself"),
        pytest.param(frames(*[[(7, A), (9, B)]] * 4), 1.0, 1.0, 1.0, 0, id="names do not matter"),
        pytest.param(frames(*[[(7, A)]] * 4), 2 / 3, 1.0, 0.5, 0, id="one missed"),
        pytest.param(frames(*[[(7, A), (9, B), (8, FAR)]] * 4), 0.8, 2 / 3, 1.0, 0, id="one too many"),
        pytest.param(frames(*[[(7, A), (9, B)]] * 3, [(9, A), (7, B)]), 0.75, 0.75, 0.75, 2, id="swapped at the end"),
        pytest.param(frames(*[[(7, A), (9, B)]] * 2, *[[(5, A), (9, B)]] * 2), 0.75, 0.75, 0.75, 1, id="broken once"),
        pytest.param(frames([], [], [], []), 0.0, math.nan, 0.0, 0, id="nothing found"),
    ],
)
def test_hand_worked_cases(found, idf1, precision, recall, switches):
    result = identity_f1(TRUTH, found)
    assert (result.idf1, result.recall, result.switches) == (idf1, recall, switches)
    assert result.precision == pytest.approx(precision, nan_ok=True)


def test_nothing_to_find_and_nothing_found_is_no_error():
    assert identity_f1([], []).idf1 == 1.0
    assert identity_f1(frames([], []), frames([], [])).idf1 == 1.0


def random_tracks(rng, *, people, length):
    starts, speeds = rng.uniform(0, 100, (people, 2)), rng.uniform(-4, 4, (people, 2))
    truth, found = [], []
    names = np.arange(people)
    for time in range(length):
        if rng.random() < 0.1:
            names = rng.permutation(people)
        corners = starts + speeds * time
        boxes = np.hstack([corners, corners + 30])
        there, seen = rng.random(people) < 0.9, rng.random(people) < 0.8
        truth.append((np.arange(people)[there], boxes[there]))
        found.append((names[seen], boxes[seen] + rng.normal(0, 3, (int(seen.sum()), 4))))
    return truth, found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.filterwarnings("ignore")
def test_agrees_with_motmetrics(seed):
    motmetrics = pytest.importorskip("motmetrics")
    truth, found = random_tracks(np.random.default_rng(seed), people=5, length=40)
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for (true_ids, true), (found_ids, boxes) in zip(truth, found, strict=True):
        shared = box_overlap(true, boxes)
        accumulator.update(true_ids, found_ids, np.where(shared >= 0.5, 1 - shared, np.nan))
    wanted = ["idf1", "idp", "idr", "num_switches"]
    expected = motmetrics.metrics.create().compute(accumulator, metrics=wanted).iloc[0]
    result = identity_f1(truth, found)
    assert result.idf1 < 0.9, "the case is too easy to tell anything"
    got = [result.idf1, result.precision, result.recall, result.switches]
    assert got == pytest.approx([expected[name] for name in wanted])


def test_overlap_of_boxes_against_pixels_counted():
    rng = np.random.default_rng(0)
    boxes = rng.integers(0, 12, (12, 4))
    masks = np.zeros((12, 12, 12), bool)
    for mask, (left, top, right, bottom) in zip(masks, boxes, strict=True):
        mask[top:bottom, left:right] = True
    shared = (masks[:, None] & masks[None]).sum((2, 3))
    union = (masks[:, None] | masks[None]).sum((2, 3))
    assert np.allclose(box_overlap(boxes, boxes), shared / np.maximum(union, 1))


@pytest.mark.parametrize(
    ("truth", "found", "options", "message"),
    [
        (TRUTH, TRUTH[:3], {}, "as many frames"),
        (TRUTH, TRUTH, {"overlap": 0.0}, "overlap"),
        (frames([(1, A), (1, B)]), frames([]), {}, "once"),
        ([([1, 2], [A])], frames([]), {}, "n ids"),
        ([([1.5], [A])], frames([]), {}, "whole numbers"),
    ],
)
def test_what_is_no_set_of_tracks_is_refused(truth, found, options, message):
    with pytest.raises(InvalidArgument, match=message):
        identity_f1(truth, found, **options)
