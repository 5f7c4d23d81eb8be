import numpy as np
import pytest

from mien.faces import align
from mien.models import card
from mien.recognition import Embedder, default_pipeline, fuse, fuse_track


class FakeSession:
    """Features with a norm that the chip's brightness sets, and a direction that its left edge sets."""

    card = card("sface-2021dec")

    def __init__(self):
        self.sizes = []

    def run(self, chips):
        self.sizes.append(len(chips))
        features = np.zeros((len(chips), 4), np.float32)
        norms = chips[:, 56, 56, 0].astype(np.float32) / 10
        angle = chips[:, 0, 0, 0].astype(np.float32) / 100
        features[:, 0], features[:, 1] = norms * np.cos(angle), norms * np.sin(angle)
        return {"fc1": features}


def chip(norm, left, right):
    image = np.zeros((112, 112, 3), np.uint8)
    image[56, 54:58] = round(norm * 10)
    image[0, 0], image[0, -1] = left, right
    return image


def test_templates_are_centred_and_of_unit_length():
    chips = np.stack([chip(20, 10, 90), chip(15, 60, 0)])
    origin = np.array([1.0, -2.0, 0.5, 0.0], np.float32)
    session = FakeSession()
    templates = Embedder(session, origin).embed(chips)
    expected = FakeSession().run(chips)["fc1"] - origin
    assert np.allclose(templates, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)
    assert session.sizes == [2]


def test_only_hard_faces_are_looked_at_twice():
    chips = np.stack([chip(20, 10, 90), chip(5, 10, 90), chip(13, 10, 90)])
    session = FakeSession()
    templates = Embedder(session, np.zeros(4)).embed(chips)
    assert session.sizes == [3, 1]
    angles = np.arctan2(templates[:, 1], templates[:, 0])
    assert np.allclose(angles, [0.1, 0.5, 0.1], atol=1e-3)


def test_a_recogniser_may_do_without_a_second_look():
    session = FakeSession()
    templates = Embedder(session, np.zeros(4), second_look=None).embed(np.stack([chip(5, 10, 90)]))
    assert session.sizes == [1]
    assert np.arctan2(templates[0, 1], templates[0, 0]) == pytest.approx(0.1, abs=1e-3)


def test_chips_are_as_large_as_the_card_says_and_aligned_to_the_recognisers_reference():
    session = FakeSession()
    session.card = card("dlib-resnet-v1")
    reference = np.array([[50, 50], [100, 50], [75, 75], [55, 100], [95, 100]], np.float32)
    image = np.zeros((300, 300, 3), np.uint8)
    image[98:103, 98:103] = 255
    chips = Embedder(session, np.zeros(4), reference=reference).align(image, [2 * reference])
    assert chips.shape == (1, 150, 150, 3)
    assert chips[0, 50, 50].tolist() == [255, 255, 255]


def test_the_second_look_fades_in_without_a_jump():
    norms = np.linspace(9.0, 11.0, 21)
    templates = Embedder(FakeSession(), np.zeros(4)).embed(np.stack([chip(norm, 0, 100) for norm in norms]))
    neighbours = (templates[1:] * templates[:-1]).sum(1)
    assert neighbours.min() > 0.99
    assert templates[0] @ templates[-1] < 0.9


def test_no_chips_give_no_templates():
    assert Embedder(FakeSession(), np.zeros(4)).embed(np.empty((0, 112, 112, 3), np.uint8)).shape == (0, 4)


def test_fuse_is_the_direction_of_the_mean():
    templates = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    assert np.allclose(fuse(templates), [np.sqrt(0.5), np.sqrt(0.5), 0])
    assert np.allclose(fuse(templates[:1]), templates[0])


@pytest.mark.weights
@pytest.mark.samples
def test_a_face_alone_and_in_a_batch_give_one_template(weights, samples):
    """Chips from sharp to hopeless, so that the second look is taken, half taken and left out."""
    import cv2

    from mien import media

    portrait = media.read(samples / "obama.jpg")
    pipeline = default_pipeline()
    landmarks = pipeline.find(portrait).largest.landmarks
    (base,) = align(portrait, landmarks[None])
    chips = np.stack([cv2.GaussianBlur(base, (0, 0), 0.1 + 0.4 * step) for step in range(16)])
    chips[8:] = chips[8:] // 3
    embedder = pipeline._embedder
    together = embedder.embed(chips)
    alone = np.concatenate([embedder.embed(chips[i : i + 1]) for i in range(len(chips))])
    assert (together * alone).sum(1).min() >= 0.9999
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_track_is_fused_by_quality():
    templates = np.eye(3, dtype=np.float32)
    np.testing.assert_allclose(fuse_track(templates[:2], [75, 25]), np.array([3, 1, 0]) / np.sqrt(10), rtol=1e-6)
    np.testing.assert_allclose(fuse_track(templates[:2], [0, 0]), np.array([1, 1, 0]) / np.sqrt(2), rtol=1e-6)
