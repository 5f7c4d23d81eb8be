import cv2
import numpy as np
import pytest

from mien.faces import CHIP_SIZE, REFERENCE_LANDMARKS, align, similarity_transforms, warp


def transformed(points, angle, scale, shift):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points @ turn.T) * scale + shift


@pytest.mark.parametrize("angle", [0.0, 0.3, -2.9])
@pytest.mark.parametrize("scale", [0.1, 1.0, 7.0])
def test_a_known_similarity_is_undone_exactly(angle, scale):
    moved = transformed(REFERENCE_LANDMARKS, angle, scale, [30.0, -12.0])
    (matrix,) = similarity_transforms(moved[None], REFERENCE_LANDMARKS)
    assert np.allclose(moved @ matrix[:, :2].T + matrix[:, 2], REFERENCE_LANDMARKS, atol=1e-3)


def test_least_squares_agrees_with_a_general_solver():
    rng = np.random.default_rng(0)
    source = rng.normal(size=(20, 5, 2)) * 40
    for points, matrix in zip(source, similarity_transforms(source, REFERENCE_LANDMARKS), strict=True):
        x, y = points.T
        ones, zeros = np.ones(5), np.zeros(5)
        design = np.concatenate([np.column_stack([x, -y, ones, zeros]), np.column_stack([y, x, zeros, ones])])
        target = np.concatenate(REFERENCE_LANDMARKS.T)
        a, b, tx, ty = np.linalg.lstsq(design, target, rcond=None)[0]
        assert np.allclose(matrix, [[a, -b, tx], [b, a, ty]], atol=1e-4)


def test_a_face_in_place_is_copied_unchanged():
    image = np.random.default_rng(1).integers(0, 256, (CHIP_SIZE, CHIP_SIZE, 3), np.uint8)
    (chip,) = align(image, REFERENCE_LANDMARKS[None])
    assert np.abs(chip.astype(int) - image).max() <= 1


def test_chips_of_several_faces_are_independent():
    image = np.random.default_rng(2).integers(0, 256, (300, 400, 3), np.uint8)
    landmarks = np.stack([REFERENCE_LANDMARKS, REFERENCE_LANDMARKS * 1.5 + 40])
    both = align(image, landmarks)
    assert both.shape == (2, CHIP_SIZE, CHIP_SIZE, 3)
    assert np.array_equal(both[1], align(image, landmarks[1:])[0])


def test_a_large_face_does_not_alias():
    # A checkerboard finer than a chip's pixels has to come out grey; sampled without averaging it keeps its contrast.
    board = (np.indices((1200, 1200)).sum(0) % 2 * 255).astype(np.uint8)
    image = np.repeat(board[..., None], 3, axis=2)
    (chip,) = align(image, (REFERENCE_LANDMARKS * 10)[None])
    assert np.abs(chip[1:-1, 1:-1].astype(int) - 127).max() <= 3


@pytest.mark.parametrize("scale", [0.45, 0.2, 0.05])
def test_shrinking_keeps_places(scale):
    """A bright dot lands where the matrix sends it, also on the path that averages first."""
    image = np.zeros((1000, 1000, 3), np.uint8)
    cv2.circle(image, (700, 400), int(4 / scale), (255, 255, 255), -1)
    matrix = np.array([[scale, 0, 56 - 700 * scale], [0, scale, 30 - 400 * scale]])
    out = warp(image, matrix, CHIP_SIZE)[..., 0].astype(float)
    rows, columns = np.indices(out.shape)
    centre = (columns * out).sum() / out.sum(), (rows * out).sum() / out.sum()
    assert np.allclose(centre, (56, 30), atol=0.5)


def test_beyond_the_image_is_black():
    image = np.full((50, 50, 3), 200, np.uint8)
    (chip,) = align(image, (REFERENCE_LANDMARKS + 500)[None])
    assert not chip.any()
