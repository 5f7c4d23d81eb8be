import itertools

import cv2
import numpy as np
import pytest

from mien import media
from mien.faces import Detector, Landmarker
from mien.faces.detect import _levels, _suppress
from mien.models import open_session


class FakeSession:
    """Finds a face wherever it sees white: enough to follow coordinates through every scale and margin."""

    def __init__(self):
        self.canvases = []

    def run(self, images):
        self.canvases.append(images.shape[1:3])
        outputs = {}
        for stride in (8, 16, 32):
            cells = (images.shape[1] // stride) * (images.shape[2] // stride)
            outputs |= {f"{k}_{stride}": np.zeros((len(images), cells, 1), np.float32) for k in ("cls", "obj")}
            outputs[f"bbox_{stride}"] = np.zeros((len(images), cells, 4), np.float32)
            outputs[f"kps_{stride}"] = np.zeros((len(images), cells, 10), np.float32)
        for row, image in enumerate(images):
            ys, xs = np.nonzero(image[..., 0] > 128)
            if not len(xs):
                continue
            columns = images.shape[2] // 8
            x, y = xs.mean(), ys.mean()
            cell = int(y // 8) * columns + int(x // 8)
            width, height = np.ptp(xs) + 1, np.ptp(ys) + 1
            outputs["cls_8"][row, cell] = outputs["obj_8"][row, cell] = 1
            outputs["bbox_8"][row, cell] = [x / 8 - x // 8, y / 8 - y // 8, np.log(width / 8), np.log(height / 8)]
            outputs["kps_8"][row, cell] = np.tile([x / 8 - x // 8, y / 8 - y // 8], 5)
        return outputs


@pytest.mark.parametrize(
    ("width", "height"), [(60, 60), (150, 150), (320, 200), (640, 480), (480, 640), (3000, 1000), (5000, 4000)]
)
def test_coordinates_come_back_to_the_image(width, height):
    image = np.zeros((height, width, 3), np.uint8)
    side = min(width, height) // 3
    left, top = width // 2, height // 3
    image[top : top + side, left : left + side] = 255
    session = FakeSession()
    (faces,) = Detector(session).detect([image])
    assert len(faces) == 1
    tolerance = 0.02 * side + 1.5 * max(1, max(width, height) / 2560)
    assert np.allclose(faces.boxes[0], [left - 0.5, top - 0.5, left + side - 0.5, top + side - 0.5], atol=tolerance)
    assert np.allclose(faces.landmarks[0], [left + side / 2 - 0.5, top + side / 2 - 0.5], atol=tolerance)
    assert all(h % 32 == 0 and w % 32 == 0 for h, w in session.canvases)


def test_every_image_keeps_its_own_faces_in_a_batch_of_mixed_sizes():
    small, large, empty = (np.zeros(shape, np.uint8) for shape in ((150, 150, 3), (480, 640, 3), (150, 150, 3)))
    small[50:100, 20:70] = 255
    large[100:300, 300:500] = 255
    found = Detector(FakeSession()).detect([small, empty, large], [7, 8, 9])
    assert [len(faces) for faces in found] == [1, 0, 1]
    assert found[0].image_index.tolist() == [7]
    assert found[2].image_index.tolist() == [9]
    assert [faces.image_size for faces in found] == [(150, 150), (150, 150), (640, 480)]


def test_faces_below_the_least_size_are_left_out():
    image = np.zeros((480, 640, 3), np.uint8)
    image[100:112, 100:112] = 255
    assert not len(Detector(FakeSession()).detect([image])[0])
    assert len(Detector(FakeSession(), min_size=8).detect([image])[0])


@pytest.mark.parametrize("side", [48, 150, 320, 640, 1600, 4000, 20_000])
def test_looks_cover_all_sizes_of_faces(side):
    levels = _levels(side, side // 2, 2560)
    scales = sorted((level.scale for level in levels), reverse=True)
    assert scales[0] * side <= max(2560, 320)
    assert scales[-1] * side <= 320
    assert all(big / small <= 13 for big, small in itertools.pairwise(scales))
    assert levels[-1].left >= 16
    assert levels[-1].top >= 16


def test_suppression_agrees_with_opencv():
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 200, (200, 2))
    sides = rng.uniform(10, 80, (200, 2))
    boxes = np.hstack([corners, corners + sides]).astype(np.float32)
    scores = rng.permutation(np.linspace(0.1, 1, 200)).astype(np.float32)
    expected = cv2.dnn.NMSBoxes(np.hstack([corners, sides]).tolist(), scores.tolist(), 0.0, 0.3)
    assert _suppress(boxes, scores, 0.3).tolist() == np.asarray(expected).ravel().tolist()


@pytest.fixture(scope="module")
def finder(weights):
    return Detector(open_session("yunet-2023mar")), Landmarker(open_session("face-mesh-468"))


@pytest.mark.weights
@pytest.mark.samples
def test_from_a_face_that_fills_the_frame_to_one_of_24_pixels(finder, samples):
    detector, _ = finder
    portrait = media.read(samples / "obama.jpg")
    (found,) = detector.detect([portrait])
    left, top, right, bottom = found.largest.box.round().astype(int)
    tight = np.ascontiguousarray(portrait[top:bottom, left:right])
    for size in (24, 32, 60, 120, 300):
        scale = size / found.largest.size
        small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        canvas = np.full((480, 640, 3), 90, np.uint8)
        part = small[: min(480, len(small)), : min(640, small.shape[1])]
        canvas[: part.shape[0], 20 : 20 + part.shape[1]] = part[:, : 640 - 20]
        (faces,) = detector.detect([canvas])
        assert len(faces) >= 1, size
        assert faces.largest.size == pytest.approx(size, rel=0.25)
    for side in (100, 400, 1500):
        (faces,) = detector.detect([cv2.resize(tight, (side, side))])
        assert len(faces) == 1, side
        assert faces.largest.size == pytest.approx(side, rel=0.25)


@pytest.mark.weights
@pytest.mark.samples
def test_the_mesh_steadies_landmarks(finder, samples):
    """Landmarks of one face seen at several sizes agree better after refinement."""
    detector, landmarker = finder
    portrait = media.read(samples / "obama.jpg")
    shapes = {"detector": [], "refined": []}
    for factor in (0.25, 0.3, 0.37, 0.45, 0.6):
        image = cv2.resize(portrait, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        (faces,) = detector.detect([image])
        (refined,) = landmarker.refine([image], [faces])
        scale = faces.largest.size
        shapes["detector"].append(faces.largest.landmarks / image.shape[1])
        shapes["refined"].append(refined.largest.landmarks / image.shape[1])
        assert np.abs(refined.largest.landmarks - faces.largest.landmarks).max() < 0.15 * scale
        assert refined.largest.extra["face_presence"] > 0
    spread = {name: np.std(values, axis=0).mean() for name, values in shapes.items()}
    assert spread["refined"] < spread["detector"]


def test_no_faces_pass_through_refinement_untouched():
    class Never:
        def run(self, images):
            raise AssertionError("nothing to run")

    image = np.zeros((200, 200, 3), np.uint8)
    found = Detector(FakeSession()).detect([image])
    assert len(Landmarker(Never()).refine([image], found)[0]) == 0
