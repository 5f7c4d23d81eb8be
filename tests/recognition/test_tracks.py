import numpy as np
import pytest

from mien.recognition import fuse_track
from mien.recognition.tracks import DECISION_POINTS, LOOKS, Tracks, choose_stills, looks, make_tracks, track_scores
from mien.types import Faces

PEOPLE = ["ada", "bo", "ada", "cy", "bo", "dee", "ada", "eve"]


def portrait(size=200):
    """A bright square on a dark ground, off the middle."""
    image = np.full((size, size, 3), 30, np.uint8)
    image[40:100, 100:160] = 200
    return image


BOX = np.array([100, 40, 160, 100], np.float32)


class FakePipeline:
    """Finds one face a look but where ``blind`` says none; its template tells the look's position."""

    def __init__(self, blind=()):
        self.blind = blind
        self.seen = []

    def find_all_indexed(self, sources):
        for index, image in enumerate(sources):
            self.seen.append(image)
            middle = np.array(image.shape[1::-1]) / 2
            near, far = [*(middle - 9), *(middle + 9)], [0, 0, 5, 5]
            faces = Faces.of([far, near], [1, 1], np.zeros((2, 5, 2)), image.shape[1::-1])
            if index in self.blind:
                yield index, image, faces[:0]
                continue
            angle = index / 100
            templates = np.array([[1, 0], [np.cos(angle), np.sin(angle)]], np.float32)
            yield index, image, replace(faces, templates=templates, space="s", quality=np.array([0, 70], np.float32))


def replace(faces, **columns):
    import dataclasses

    return dataclasses.replace(faces, **columns)


def test_stills_are_one_a_person_those_with_other_images_first():
    rows = choose_stills(PEOPLE, seed=3)
    assert sorted(PEOPLE[row] for row in rows) == ["ada", "bo", "cy", "dee", "eve"]
    assert rows.tolist() == sorted(rows)
    assert {PEOPLE[row] for row in choose_stills(PEOPLE, seed=3, most=2)} == {"ada", "bo"}
    assert choose_stills(PEOPLE, seed=3).tolist() == rows.tolist()
    assert len({tuple(choose_stills(PEOPLE, seed=seed)) for seed in range(9)}) > 1


def test_looks_differ_and_keep_the_face_near_the_middle():
    seen = list(looks(portrait(), BOX, np.random.default_rng(0)))
    assert len(seen) == LOOKS
    for look in seen:
        assert look.dtype == np.uint8
        assert look.shape[0] == look.shape[1]
        bright = np.argwhere(look.mean(2) > look.mean() + 20).mean(0)
        assert np.abs(bright / len(look) - 0.5).max() < 0.1
    assert len({look.tobytes() for look in seen}) == LOOKS
    again = list(looks(portrait(), BOX, np.random.default_rng(0)))
    assert all(np.array_equal(a, b) for a, b in zip(seen, again, strict=True))


@pytest.mark.parametrize("box", [[0, 0, 3000, 2500], [-50, -50, 40, 40], [5, 5, 5, 5], [190, 190, 400, 400]])
def test_looks_of_faces_that_are_large_cut_off_or_of_no_size_stay_small(box):
    for look in looks(portrait(), box, np.random.default_rng(1), count=3):
        assert 32 <= len(look) <= 450


def test_tracks_hold_the_face_nearest_the_middle_of_every_look():
    done = []
    stills = [(7, portrait(), BOX), (2, portrait(), BOX)]
    tracks = make_tracks(iter(stills), FakePipeline(), progress=done.append)
    assert tracks.templates.shape == (2, LOOKS, 2)
    assert tracks.rows.tolist() == [7, 2]
    angles = np.arctan2(tracks.templates[..., 1], tracks.templates[..., 0])
    np.testing.assert_allclose(angles.ravel(), np.arange(2 * LOOKS) / 100, atol=1e-6)
    assert np.all(tracks.quality == 70)
    assert done == [1, 2]


def test_a_stills_looks_do_not_depend_on_the_other_stills():
    alone, among = FakePipeline(), FakePipeline()
    make_tracks([(5, portrait(), BOX)], alone)
    make_tracks([(1, portrait(), BOX), (5, portrait(), BOX)], among)
    assert all(np.array_equal(a, b) for a, b in zip(alone.seen, among.seen[LOOKS:], strict=True))


def test_looks_without_a_face_give_no_sample_and_a_still_without_any_no_track():
    blind = {1, *range(LOOKS, 2 * LOOKS)}
    tracks = make_tracks([(row, portrait(), BOX) for row in (3, 4, 9)], FakePipeline(blind))
    assert tracks.rows.tolist() == [3, 9]
    angles = np.arctan2(tracks.templates[0, :, 1], tracks.templates[0, :, 0])
    np.testing.assert_allclose(angles, [0, *np.arange(2, LOOKS) / 100, 0], atol=1e-6)


def test_no_stills_make_no_tracks():
    assert len(make_tracks([], FakePipeline()).rows) == 0


def test_a_tracks_score_is_the_highest_over_its_decision_points():
    rng = np.random.default_rng(0)
    templates = rng.normal(size=(4, LOOKS, 8)).astype(np.float32)
    templates /= np.linalg.norm(templates, axis=2, keepdims=True)
    quality = rng.uniform(1, 100, (4, LOOKS)).astype(np.float32)
    references = templates[:3, 0]
    scores = track_scores(Tracks(templates, quality, np.arange(4)), references)
    for i in range(4):
        for j in range(3):
            steps = [fuse_track(templates[i, :n], quality[i, :n]) @ references[j] for n in DECISION_POINTS]
            assert scores[i, j] == pytest.approx(max(steps), abs=1e-6)
