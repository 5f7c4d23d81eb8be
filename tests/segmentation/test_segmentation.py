"""Masks of real people by real networks, and backgrounds put together from known colours."""

from __future__ import annotations

import numpy as np
import pytest

from mien import media
from mien.errors import InvalidArgument, NoFace, SegmentationFailed
from mien.faces import default_detector
from mien.segmentation import (
    SEGMENTERS,
    WHITE,
    blurred_background,
    check_mask,
    estimate_foreground,
    person_mask,
    replace_background,
    replace_backgrounds,
    segmenter,
)
from mien.segmentation.refining import refine
from mien.types import Faces

PORTRAIT = "obama.jpg"


@pytest.fixture(scope="module")
def portrait(weights, samples):
    image = media.read(samples / PORTRAIT)
    (faces,) = default_detector().detect([image])
    return image, faces[:1]


@pytest.mark.weights
@pytest.mark.samples
@pytest.mark.parametrize("name", [*SEGMENTERS])
def test_a_mask_holds_the_face_and_not_the_corners(portrait, name):
    image, faces = portrait
    mask = segmenter(name).segment(image, faces)
    assert (mask.shape, mask.dtype) == (image.shape[:2], np.float32)
    assert 0 <= mask.min() <= mask.max() <= 1
    left, top, right, bottom = faces.boxes[0].astype(int)
    high, wide = bottom - top, right - left
    assert mask[top + high // 3 : bottom - high // 5, left + wide // 4 : right - wide // 4].mean() > 0.98
    assert mask[:8, :8].mean() < 0.05
    check_mask(mask, faces)
    np.testing.assert_array_equal(mask, segmenter(name).segment(image, faces))


@pytest.mark.weights
@pytest.mark.samples
def test_nothing_is_masked_without_a_face(portrait):
    image, faces = portrait
    with pytest.raises(InvalidArgument, match="at least one"):
        segmenter().segment(image, faces[:0])
    with pytest.raises(InvalidArgument, match="were found in one of"):
        segmenter().segment(image[:-2], faces)
    with pytest.raises(NoFace):
        person_mask(np.full((80, 80, 3), 200, np.uint8))
    with pytest.raises(InvalidArgument, match="expected one of selfie"):
        segmenter("elsewhere")


def one_face():
    points = [[[40, 40], [60, 40], [50, 50], [42, 60], [58, 60]]]
    return Faces.of([[30, 25, 70, 75]], [0.9], points, (100, 100))


def disc(radius, size=100):
    y, x = np.mgrid[0:size, 0:size]
    return np.clip(radius - np.hypot(x - size / 2, y - size / 2) + 0.5, 0, 1).astype(np.float32)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.zeros((100, 100), np.float32), "got 0.0%"),
        (np.full((100, 100), np.nan, np.float32), "got nan"),
        (np.roll(disc(25), 40, axis=1), "of one"),
        (disc(30), None),
        (np.ones((100, 100), np.float32), None),
    ],
    ids=["nobody", "no numbers", "beside the face", "sound", "a close-up"],
)
def test_a_mask_that_cannot_be_is_no_mask(mask, said):
    if said is None:
        check_mask(mask, one_face())
    else:
        with pytest.raises(SegmentationFailed, match=said):
            check_mask(mask, one_face())


def test_colours_mixed_at_an_edge_are_told_apart():
    matte = np.asarray(disc(90, 300) * 0.5 + disc(87, 300) * 0.5, np.float32)
    person, wall = np.array([180.0, 90, 60]), np.array([20.0, 200, 40])
    mixed = matte[..., None] * person + (1 - matte[..., None]) * wall
    image = np.round(mixed).astype(np.uint8)
    edge = (matte > 0.2) & (matte < 0.9)
    assert np.abs(estimate_foreground(image, matte)[edge] - person).max() < 12
    white = replace_background(image, matte, WHITE)
    expected = matte[..., None] * person + (1 - matte[..., None]) * 255
    assert np.abs(white.astype(float) - expected).max() < 12
    assert (white[matte == 0] == 255).all()
    np.testing.assert_array_equal(white[matte == 1], image[matte == 1])
    blurred = blurred_background(image, matte)
    assert np.abs(blurred[10, 10].astype(float) - wall).max() < 2, "no halo of the person"


@pytest.mark.parametrize("feather", [0.9, 1.27, 3.0])
def test_a_feathered_edge_leaves_the_person_as_sharp_as_before(feather):
    image = np.random.default_rng(0).integers(0, 256, (150, 150, 3), np.uint8)
    feathered = replace_background(image, disc(50, 150), WHITE, feather=feather)
    inside = disc(35, 150) == 1
    np.testing.assert_array_equal(feathered[inside], image[inside])
    assert (feathered[0] == 255).all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((np.zeros((4, 4), np.uint8), np.zeros((4, 4))), "RGB"),
        ((np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5))), "mask"),
        ((np.zeros((4, 4, 3), np.uint8), np.full((4, 4), np.nan)), "mask"),
        ((np.zeros((4, 4, 3), np.uint8), np.full((4, 4), 1.5)), "mask"),
        ((np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), (0, 0, 256)), "background"),
        ((np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), np.zeros((5, 4, 3), np.uint8)), "background"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, said):
    with pytest.raises(InvalidArgument, match=said):
        replace_background(*arguments)
    with pytest.raises(InvalidArgument, match="feather"):
        replace_background(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), feather=-1)


def test_a_coarse_mask_follows_the_edges_of_the_picture():
    sharp = disc(60, 200) > 0.5
    image = np.where(sharp[..., None], 230, 30).astype(np.uint8).repeat(3, axis=2)
    coarse = np.asarray(disc(60, 200)[::8, ::8], np.float32)
    fine = refine(image, coarse)
    plain = np.kron(coarse, np.ones((8, 8), np.float32))

    def wrong(mask):
        return ((mask > 0.5) != sharp).mean()

    assert wrong(fine) < 0.5 * wrong(plain)


@pytest.mark.weights
@pytest.mark.samples
def test_photos_keep_their_order_and_bad_ones_are_told(samples, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    picture = np.zeros((40, 60, 3), np.uint8)
    sources = [samples / PORTRAIT, broken, picture, samples / "biden.jpg"]
    done = dict(replace_backgrounds(iter(sources), picture + np.uint8(9)))
    assert [*done] == [0, 1, 2, 3]
    assert [type(done[i]).__name__ for i in (1, 2)] == ["UnreadableImage", "NoFace"]
    for position in (0, 3):
        assert done[position].shape == media.read(sources[position]).shape
        assert (done[position][:8, :8] == 9).all()
    (blurred,) = [image for _, image in replace_backgrounds([samples / PORTRAIT], None)]
    assert blurred.shape == done[0].shape
    with pytest.raises(InvalidArgument):
        replace_backgrounds([], by="nobody")
