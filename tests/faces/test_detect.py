import itertools

import cv2
import numpy as np
import pytest

from mien import media
from mien.faces import Detector, Landmarker
from mien.faces.detect import _levels, _suppress, turn_back
from mien.faces.tiles import tiles
from mien.models import open_session
from mien.types import Faces


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


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turning_back_is_the_inverse_of_turning(turns):
    image = np.zeros((50, 80, 3), np.uint8)
    image[10:20, 60:75] = 255
    (upright,) = Detector(FakeSession(), min_size=4).detect([image])
    points = np.array([[61.0, 11], [74, 11], [67, 14], [62, 18], [73, 18]], np.float32)
    upright = Faces.of(upright.boxes, upright.scores, [points], (80, 50))
    turned, size = np.concatenate([upright.boxes.reshape(2, 2), points]), (80, 50)
    for _ in range(turns):  # a quarter turn anticlockwise takes the right edge to the top
        turned, size = np.stack([turned[:, 1], size[0] - 1 - turned[:, 0]], 1), size[::-1]
    box = np.concatenate([turned[:2].min(0), turned[:2].max(0)])
    back = turn_back(Faces.of([box], [1.0], [turned[2:]], size), turns)
    assert np.rot90(image, turns).shape[1::-1] == size
    assert back.image_size == (80, 50)
    np.testing.assert_allclose(back.boxes, upright.boxes, atol=1e-4)
    np.testing.assert_allclose(back.landmarks, upright.landmarks, atol=1e-4)


@pytest.mark.weights
@pytest.mark.samples
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_photo_on_its_side_or_head_gives_the_same_faces(finder, samples, turns):
    detector, _ = finder
    photo = media.read(samples / "multi_face.jpg")
    (upright,) = detector.detect([photo])
    turned = np.ascontiguousarray(np.rot90(photo, turns))
    found = turn_back(detector.retry_turned(turned, *detector.detect([turned]), index=3), turns)
    assert found.image_index.tolist() == [3] * len(upright)
    assert found.image_size == upright.image_size
    for box, landmarks in zip(found.boxes, found.landmarks, strict=True):
        nearest = int(np.argmin(np.abs(upright.boxes - box).sum(1)))
        size = upright.sizes[nearest]
        assert np.abs(upright.boxes[nearest] - box).max() < 0.2 * size
        assert np.abs(upright.landmarks[nearest] - landmarks).max() < 0.12 * size


@pytest.mark.weights
@pytest.mark.samples
def test_upright_photos_and_pictures_without_faces_are_left_as_they_are(finder, samples, monkeypatch):
    detector, _ = finder
    portrait, scenery = (media.read(samples / name) for name in ("obama.jpg", "free-mountain-vector-01.jpg"))
    (empty,) = detector.detect([scenery])
    assert detector.retry_turned(scenery, empty) is empty
    (found,) = detector.detect([portrait])
    monkeypatch.setattr(detector, "_look", lambda *arguments: pytest.fail("looked again"))
    assert detector.retry_turned(portrait, found) is found


@pytest.mark.weights
@pytest.mark.samples
def test_small_faces_of_a_huge_picture_are_found_once_also_on_seams(finder, samples):
    """A synthetic canvas of 60 megapixels; faces of 24 to 1,500 pixels, on seams, corners of tiles and borders."""
    detector, _ = finder
    portrait = media.read(samples / "obama.jpg")
    (seen,) = detector.detect([portrait])
    box, canvas = seen.largest.box, np.full((6_600, 9_200, 3), 110, np.uint8)
    seams_x = [tile.inner[2] for tile in tiles(9_200, 6_600, 2304, 128)][:3]
    seam_y = tiles(9_200, 6_600, 2304, 128)[0].inner[3]
    wanted = [(24, seams_x[0], 300), (32, 300, seam_y), (60, seams_x[1], seam_y), (100, 20, 1000), (250, 4200, 400)]
    wanted += [(28, seams_x[2] - 9, 500), (30, 9_150, 6_500), (600, seams_x[0], 3500), (1500, 7000, 4000)]
    for size, x, y in sorted(wanted, reverse=True):
        _paste(canvas, portrait, box, size, x, y)
    (faces,) = detector.detect([canvas])
    centres = faces.boxes.reshape(-1, 2, 2).mean(1)
    assert len(faces) == len(wanted)
    for size, x, y in wanted:
        nearest = int(np.argmin(np.abs(centres - (x, y)).sum(1)))
        assert np.abs(centres[nearest] - (x, y)).max() < 0.2 * size, size
        assert faces.sizes[nearest] == pytest.approx(size, rel=0.3)


def _paste(canvas, portrait, box, size, x, y):
    """The portrait, scaled so that its face is ``size`` and lies at ``x``, ``y``; cut off by the border."""
    scale = size / np.sqrt(np.prod(box[2:] - box[:2]))
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    centre = (box[:2] + box[2:]) / 2 * scale
    left, top = round(x - centre[0]), round(y - centre[1])
    part = small[max(0, -top) :, max(0, -left) :]
    place = canvas[max(0, top) : max(0, top) + len(part), max(0, left) : max(0, left) + part.shape[1]]
    place[...] = part[: len(place), : place.shape[1]]
