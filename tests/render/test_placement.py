import itertools

import numpy as np
import pytest

from mien.render.placement import Chip, place


def chip(width, height):
    return Chip(np.zeros((1, 1), np.float32), width, height)


def covers(a, b):
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


def corners(*arguments):
    return [spot and spot.corner for spot in place(*arguments)]


def rectangles(chips, places):
    return [(x, y, x + c.width, y + c.height) for c, (x, y) in zip(chips, places, strict=True)]


def test_above_its_face_where_there_is_room():
    assert corners([chip(80, 20)], [(100, 100, 200, 220)], (640, 480)) == [(100, 74)]


def test_below_a_face_at_the_top():
    ((_, y),) = corners([chip(80, 20)], [(100, 2, 200, 120)], (640, 480))
    assert y >= 120


def test_no_chip_no_place():
    assert place([None, chip(10, 10)], [(0, 0, 50, 50), (60, 60, 90, 90)], (100, 100))[0] is None


@pytest.mark.parametrize("box", [(-50, -50, 30, 30), (600, 440, 700, 520), (0, 0, 640, 480), (639, 0, 640, 1)])
def test_within_the_picture(box):
    ((x, y),) = corners([chip(120, 24)], [box], (640, 480))
    assert 0 <= x <= 520
    assert 0 <= y <= 456


def test_a_row_of_close_faces_has_no_labels_on_labels():
    boxes = [(50 + 70 * i, 200, 110 + 70 * i, 280) for i in range(6)]
    chips = [chip(130, 22)] * 6
    placed = rectangles(chips, corners(chips, boxes, (640, 480)))
    assert not any(covers(a, b) for a, b in itertools.combinations(placed, 2))


def test_a_label_stays_on_its_side_unless_another_is_much_better():
    face, size = (100, 40, 200, 160), (640, 480)
    (above,) = place([chip(80, 20)], [face], size)
    slightly_covered = (100, 30, 200, 160)
    (stayed,) = place([chip(80, 20)], [slightly_covered], size, [above.way])
    assert stayed.way == above.way
    (moved,) = place([chip(80, 20)], [(100, 2, 200, 160)], size, [above.way])
    assert moved.corner[1] >= 160
    (back,) = place([chip(80, 20)], [face], size, [moved.way])
    assert back.way == moved.way
