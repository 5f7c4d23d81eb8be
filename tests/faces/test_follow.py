import numpy as np
import pytest

from mien import media, models
from mien.faces import Detector
from mien.types import Faces

CLIP = "WolfgangLanger_Pexels.mp4"


@pytest.fixture(scope="module")
def detector(weights):
    return Detector(models.open_session("yunet-2023mar"))


def faces_at(*boxes, size=(640, 360)):
    return Faces.of(np.reshape(boxes, (-1, 4)), np.full(len(boxes), 0.9), np.zeros((len(boxes), 5, 2)), size)


@pytest.mark.weights
@pytest.mark.samples
def test_a_face_followed_for_a_second_is_where_a_full_look_finds_it(detector, samples):
    with media.open_video(samples / CLIP, end=1.0) as video:
        images = [frame.image for frame in video]
    (followed,) = detector.detect(images[:1])
    for image in images[1:]:
        followed = detector.follow(image, followed)
        assert followed is not None
    (full,) = detector.detect(images[-1:])
    size = float(full.sizes[0])
    assert len(followed) == len(full) == 1
    assert np.abs(followed.boxes - full.boxes).max() < 0.1 * size
    assert np.abs(followed.landmarks - full.landmarks).max() < 0.05 * size


@pytest.mark.weights
@pytest.mark.samples
@pytest.mark.parametrize("place", [(0, 0), (250, 120), (520, 240)], ids=["corner", "middle", "far corner"])
def test_a_small_face_is_followed_anywhere_in_the_frame(detector, samples, place):
    portrait = media.read(samples / "obama.jpg")
    (found,) = detector.detect([portrait])
    left, top, right, bottom = np.clip(found.boxes[0] + [-40, -40, 40, 40], 0, None).astype(int)
    head = portrait[top:bottom, left:right]
    step = -(-max(head.shape) // 110)
    head = head[::step, ::step]
    frame = np.full((360, 640, 3), 90, np.uint8)
    x, y = place
    frame[y : y + head.shape[0], x : x + head.shape[1]] = head
    (before,) = detector.detect([frame])
    assert len(before) == 1
    moved = np.roll(frame, 6, axis=1)
    after = detector.follow(moved, before)
    assert after is not None
    np.testing.assert_allclose(after.boxes, before.boxes + np.array([6, 0, 6, 0]), atol=5)


@pytest.mark.weights
@pytest.mark.parametrize(
    "before",
    [
        pytest.param(faces_at(), id="nobody"),
        pytest.param(faces_at([100, 100, 160, 170]), id="who is gone"),
        pytest.param(faces_at([100, 100, 160, 170], [150, 100, 210, 170]), id="two close together"),
        pytest.param(faces_at(*([40 * i, 10, 40 * i + 20, 40] for i in range(16))), id="a crowd"),
        pytest.param(faces_at([900, 900, 960, 970]), id="out of the frame"),
        pytest.param(faces_at([-90, 100, -30, 170]), id="beyond the border"),
    ],
)
def test_a_full_look_is_asked_for(detector, before):
    assert detector.follow(np.full((360, 640, 3), 90, np.uint8), before) is None
