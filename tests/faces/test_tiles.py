import numpy as np
import pytest

from mien.faces.tiles import tiles


@pytest.mark.parametrize(
    ("width", "height", "side", "margin"), [(100, 70, 30, 5), (97, 61, 30, 5), (30, 30, 30, 9), (31, 5, 30, 50)]
)
def test_inner_parts_cover_the_picture_once_and_outer_ones_stay_inside(width, height, side, margin):
    covered = np.zeros((height, width), int)
    for tile in tiles(width, height, side, margin):
        left, top, right, bottom = tile.inner
        covered[top:bottom, left:right] += 1
        assert 0 < right - left <= side
        assert 0 < bottom - top <= side
        assert tile.outer == (max(0, left - margin), max(0, top - margin), min(width, right + margin),
                              min(height, bottom + margin))  # fmt: skip
    assert (covered == 1).all()


def test_every_face_has_one_owner_also_beyond_the_border():
    rng = np.random.default_rng(0)
    corners = rng.uniform(-20, 120, (500, 2)).astype(np.float32)
    boxes = np.hstack([corners, corners + 10])
    owners = np.sum([tile.owns(boxes) for tile in tiles(100, 90, 30, 5)], axis=0)
    assert (owners == 1).all()
