"""Faces cut out of their images."""

from __future__ import annotations

import numpy as np
import pytest

from mien.render import face_square

IMAGE = np.arange(100 * 200 * 3, dtype=np.uint32).reshape(100, 200, 3).astype(np.uint8)

BOXES = [
    ("inside", (80, 30, 120, 70), (50, 50), (75, 25)),
    ("a tall one", (90, 20, 110, 60), (50, 50), (75, 15)),
    ("at a corner", (-20, -20, 20, 20), (25, 25), (0, 0)),
    ("all of it", (0, 0, 200, 100), (100, 200), (0, 0)),
    ("outside", (500, 500, 600, 600), (1, 1), (199, 99)),
    ("no size", (50, 50, 50, 50), (2, 2), (49, 49)),
    ("no number", (float("nan"), float("-inf"), float("inf"), 50), (100, 200), (0, 0)),
]


@pytest.mark.parametrize(("case", "box", "size", "corner"), BOXES, ids=[row[0] for row in BOXES])
def test_a_face_is_cut_out_as_far_as_the_image_reaches(case, box, size, corner):
    square = face_square(IMAGE, box)
    left, top = corner
    assert square.shape[:2] == size
    assert square.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(square, IMAGE[top : top + size[0], left : left + size[1]])
