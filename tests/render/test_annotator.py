import dataclasses

import numpy as np
import pytest

from mien.render import Annotator, annotate

from .conftest import MATCHED, UNKNOWN, faces_at

SIZE = (640, 480)


def tracked(*boxes, ids=None, decisions=None):
    ids = np.arange(len(boxes)) if ids is None else np.asarray(ids)
    return dataclasses.replace(faces_at(boxes, SIZE, decisions or [MATCHED] * len(boxes)), track_id=ids)


def drawn(annotator, grey, faces):
    return (annotator.annotate(grey, faces) != grey).any(axis=-1)


def test_a_first_frame_is_drawn_as_a_picture(grey):
    faces = tracked((60, 120, 160, 250), (300, 120, 400, 250), decisions=[MATCHED, UNKNOWN])
    np.testing.assert_array_equal(Annotator().annotate(grey, faces), annotate(grey, faces))


def test_the_image_is_not_touched(grey):
    before = grey.copy()
    Annotator().annotate(grey, tracked((60, 120, 160, 250)))
    np.testing.assert_array_equal(grey, before)


def test_trembling_is_damped_and_movement_followed(grey):
    annotator, steady = Annotator(), tracked((200, 200, 300, 320))
    first = drawn(annotator, grey, steady)
    trembling = [drawn(annotator, grey, tracked((200 + d, 200, 300 + d, 320))) for d in (1, -1, 1, -1)]
    alone = [(annotate(grey, tracked((200 + d, 200, 300 + d, 320))) != grey).any(axis=-1) for d in (1, -1, 1, -1)]
    assert sum((t != first).sum() for t in trembling) < 0.6 * sum((t != first).sum() for t in alone)
    far = tracked((400, 200, 500, 320))
    np.testing.assert_array_equal(annotator.annotate(grey, far), annotate(grey, far))


def test_letters_keep_their_size_until_the_face_clearly_changes(grey):
    def letters(out):
        rows = np.flatnonzero(out[:195].any(axis=1))
        return len(rows)

    annotator = Annotator()
    heights = [letters(drawn(annotator, grey, tracked((200, 200, 300 + d, 320 + d)))) for d in range(0, 10, 2)]
    assert len(set(heights)) == 1


def test_a_label_does_not_jump_back_and_forth(grey):
    annotator, sides = Annotator(), []
    for top in (30, 24, 20, 16, 20, 24, 30, 24):
        out = drawn(annotator, grey, tracked((200, top, 300, top + 120)))
        sides.append(bool(out[top + 128 :].any()))
    assert np.count_nonzero(np.diff(np.array(sides, int))) <= 1


def test_a_track_that_was_away_is_drawn_where_it_is(grey):
    annotator = Annotator()
    annotator.annotate(grey, tracked((200, 200, 300, 320)))
    annotator.annotate(grey, tracked())
    back = tracked((203, 200, 303, 320))
    np.testing.assert_array_equal(annotator.annotate(grey, back), annotate(grey, back))


@pytest.mark.parametrize("box", [(np.nan, 0, 10, 10), (0, 0, 0, 0), (-50, -50, 5000, 5000)])
def test_odd_boxes(grey, box):
    annotator = Annotator()
    for _ in range(2):
        assert annotator.annotate(grey, tracked(box)).shape == grey.shape


def test_faces_outside_tracks_are_drawn_as_they_are(grey):
    annotator = Annotator()
    for x in (100, 101):
        faces = tracked((x, 200, x + 100, 320), ids=[-1])
        np.testing.assert_array_equal(annotator.annotate(grey, faces), annotate(grey, faces))


def test_memory_is_that_of_the_last_tracks(grey):
    annotator = Annotator()
    for track_id in range(200):
        annotator.annotate(grey, tracked((200, 200, 300, 320), ids=[track_id]))
    assert len(annotator._held) <= 60
