from __future__ import annotations

import zlib

import numpy as np
import pytest

from mien.errors import InvalidArgument
from mien.faces import Looks, Sameness, Tracker
from mien.types import Faces

SAMENESS = Sameness(same=0.5, different=0.2)
RATE = 25


def template(who):
    """So long that strangers are never alike by chance."""
    drawn = np.random.default_rng(zlib.crc32(str(who).encode())).normal(size=1024)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


class Scene:
    """Feeds a tracker frames in which it is known who is where, and counts the looks it takes."""

    def __init__(self, sameness=SAMENESS, **options):
        self.tracker = Tracker(sameness, **options)
        self.looks = 0
        self.frames = 0

    def show(self, timestamp, people, *, cut=False, usable=True, scores=None):
        """``people``: who, middle, size. Returns the track of each, and what became of tracks."""
        boxes = [[x - s / 2, y - s / 2, x + s / 2, y + s / 2] for _, (x, y), s in people]
        scores = scores or [0.9] * len(people)
        faces = Faces.of(np.reshape(boxes, (-1, 4)), scores, np.zeros((len(people), 5, 2)), (640, 360))

        def look(rows):
            self.looks += len(rows)
            return Looks(np.stack([template(people[row][0]) for row in rows]), np.full(len(rows), usable))

        self.frames += 1
        tracked = self.tracker.update(faces, timestamp, look, cut=cut)
        assert len(set(tracked.track_ids[tracked.track_ids >= 0])) == np.count_nonzero(tracked.track_ids >= 0)
        return tracked.track_ids.tolist(), dict(tracked.became)


def still(who, x=100.0, y=100.0, size=60.0):
    return who, (x, y), size


def test_a_face_that_moves_and_grows_is_one_track_and_seldom_looked_at():
    scene = Scene()
    ids = [scene.show(n / RATE, [still("ada", 50 + 4 * n, 100 + n, 40 + n / 2)])[0] for n in range(100)]
    assert ids == [[0]] * 100
    assert scene.looks < 20


def crossing(number):
    along = 100 + 6 * number
    return [("ada", (along, 100.0), 60), ("bob", (500 - 6 * number, 104.0), 60)]


@pytest.mark.parametrize("hidden_for", [0, 8, 25])
def test_identities_do_not_swap_where_two_cross(hidden_for):
    scene, middle = Scene(), 33
    for number in range(70):
        people = crossing(number)
        if abs(number - middle) < hidden_for / 2:
            people = people[:1]
        ids, _ = scene.show(number / RATE, people)
        assert ids == [0, 1][: len(people)], number


def test_who_turns_back_behind_another_is_not_taken_for_them():
    """Both stop where they meet and go back: motion alone would swap them."""
    scene = Scene()
    for number in range(70):
        back = min(number, 66 - number)
        people = crossing(back)
        if 29 <= number <= 37:
            people = people[:1]
        ids, _ = scene.show(number / RATE, people)
        if not 26 <= number <= 42:
            assert ids == [0, 1][: len(people)], number


@pytest.mark.parametrize(
    ("seconds", "remembered"), [(0.2, True), (1.0, True), (30.0, True), (61.0, False)], ids=lambda value: str(value)
)
def test_who_comes_back_elsewhere_gets_their_track_again(seconds, remembered):
    scene = Scene(memory_seconds=60.0)
    for number in range(10):
        scene.show(number / RATE, [still("ada"), still("bob", 300)])
    for number in range(10):
        ids, _ = scene.show(10 / RATE + seconds + number / RATE, [still("ada", 500, 300)])
    assert ids == ([0] if remembered else [2])


def test_a_stranger_where_somebody_was_is_a_new_track():
    scene = Scene()
    for number in range(10):
        scene.show(number / RATE, [still("ada")])
    ids = [scene.show((30 + number) / RATE, [still("eve")])[0] for number in range(5)]
    assert ids == [[1]] * 5


def test_after_a_cut_nobody_goes_on_as_somebody_else():
    scene = Scene()
    for number in range(10):
        scene.show(number / RATE, [still("ada"), still("bob", 300)])
    assert scene.show(10 / RATE, [still("eve"), still("ada", 300)], cut=True)[0] == [2, 0]


def test_a_cut_that_nobody_told_of_is_seen_at_the_next_look():
    scene = Scene()
    for number in range(10):
        scene.show(number / RATE, [still("ada")])
    ids = [scene.show((10 + number) / RATE, [still("eve")])[0] for number in range(100)]
    assert ids[-1] == [1]
    assert ids.index([1]) <= 2 * RATE


def test_of_two_found_as_one_the_other_does_not_go_on_as_the_first():
    # Bob walks behind Ada, who hides him; then he is found in her place, half a face aside, and she a moment later.
    # Of all moments, just after she was looked at.
    scene, number = Scene(), 100
    for before in range(number):
        scene.show(before / RATE, [still("ada"), still("bob", 160)] if before < 20 else [still("ada")])
    looks = scene.looks
    while scene.looks == looks:
        scene.show(number / RATE, [still("ada")])
        number += 1
    assert scene.show(number / RATE, [still("bob", 118)])[0] == [1]
    assert scene.show((number + 1) / RATE, [still("bob", 118), still("ada")])[0] == [1, 0]


def test_a_jump_is_followed_by_the_template():
    scene = Scene()
    for number in range(10):
        scene.show(number / RATE, [still("ada")])
    assert scene.show(10 / RATE, [still("ada", 500, 300)])[0] == [0]


def test_a_track_that_could_only_be_told_later_takes_its_earlier_id():
    scene = Scene()
    for number in range(10):
        scene.show(number / RATE, [still("ada")])
    assert scene.show(2.0, [still("ada", 500)], usable=False) == ([1], {})
    assert scene.show(2.2, [still("ada", 500)]) == ([0], {1: 0})
    assert scene.tracker.remembered == {0}


def test_two_of_one_frame_are_never_one_track_however_alike():
    scene = Scene()
    for number in range(50):
        ids, became = scene.show(number / RATE, [still("ada"), still("ada", 300)])
        assert (ids, became) == ([0, 1], {})
    # One of the two goes: the other does not become them.
    for number in range(50, 150):
        assert scene.show(number / RATE, [still("ada", 300)]) == ([1], {})


def test_a_duplicate_of_a_face_gets_a_track_of_its_own():
    scene = Scene()
    scene.show(0.0, [still("ada")])
    ids, _ = scene.show(1 / RATE, [still("ada"), still("ada", 110)])
    assert ids == [0, 1]


def test_low_scores_continue_a_track_and_begin_none():
    scene = Scene(start_score=0.7)
    assert scene.show(0.0, [still("ada")], scores=[0.5])[0] == [-1]
    assert scene.show(0.04, [still("ada")], scores=[0.8])[0] == [0]
    for number in range(2, 20):
        assert scene.show(number / RATE, [still("ada", 100 + number)], scores=[0.5])[0] == [0]
    assert not scene.tracker.remembered - {0}


def test_without_a_calibration_tracks_are_kept_by_motion_alone():
    scene = Scene(sameness=None)
    for number in range(10):
        ids, _ = scene.show(number / RATE, [still("ada"), still("bob", 300)])
    assert ids == [0, 1]
    assert scene.show(5.0, [still("ada")])[0] == [2]


def test_faces_nobody_could_look_at_are_tracked_by_motion():
    scene = Scene()
    ids = [scene.show(n / RATE, [still("ada", 50 + 3 * n)], usable=False)[0] for n in range(60)]
    assert ids == [[0]] * 60


@pytest.mark.parametrize("interval", [0.5, 1.0, 1.9])
def test_one_frame_a_second_is_enough_and_every_face_is_looked_at(interval):
    scene = Scene()
    for number in range(20):
        assert scene.show(number * interval, [still("ada")], usable=False)[0] == [0]
    assert scene.looks == 20
    scene = Scene()
    for number in range(20):
        assert scene.show(number * interval, [still("ada" if number < 10 else "eve")])[0] == [number // 10]


@pytest.mark.parametrize("steps", [[0.04] * 30, [0.01, 0.2] * 15, [0.0] * 30, [-1.0] * 30, [0.04, -0.04] * 15])
def test_any_timestamps_are_lived_with(steps):
    scene, time = Scene(), 10.0
    for number, step in enumerate(steps):
        time += step
        assert scene.show(time, [still("ada", 100 + number), still("bob", 400)])[0] == [0, 1]


@pytest.mark.parametrize("timestamp", [float("nan"), float("inf")])
def test_a_timestamp_that_is_no_number_is_refused(timestamp):
    with pytest.raises(InvalidArgument, match="timestamp"):
        Scene().show(timestamp, [])


def test_memory_is_bounded_over_thousands_of_tracks():
    scene = Scene(memory=16)
    for number in range(1000):
        ids, _ = scene.show(number * 0.6, [still(number)])
        assert ids == [number]
        assert len(scene.tracker.remembered) <= 16 + 2


def test_a_crowd_is_kept_apart():
    scene = Scene()
    crowd = [still(f"person {n}", 40 + 50 * (n % 12), 40 + 50 * (n // 12), 40) for n in range(72)]
    for number in range(10):
        moved = [(who, (x + number, y), size) for who, (x, y), size in crowd]
        assert scene.show(number / RATE, moved)[0] == list(range(72))


def test_an_empty_frame_has_no_tracks():
    scene = Scene()
    assert scene.show(0.0, []) == ([], {})
    assert scene.looks == 0
