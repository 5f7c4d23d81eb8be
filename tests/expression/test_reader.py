import numpy as np
import pytest

from mien import media
from mien.errors import UnreadableImage
from mien.expression import CLASSES, ExpressionReader, Timeline
from mien.expression import reader as module
from mien.types import Faces


class FakeRecognizer:
    """Tells class 3 of whatever it is shown, and remembers the crops."""

    def predict(self, crops):
        self.crops = crops
        return np.tile(np.eye(7, dtype=np.float32)[3], (len(crops), 1))


class FakeDetector:
    def __init__(self):
        self.looks = 0

    def detect(self, images, indices):
        self.looks += 1
        return [self._faces(image, index) for image, index in zip(images, indices, strict=True)]

    def follow(self, image, before):
        return before

    def retry_turned(self, image, found, index):
        return found

    def _faces(self, image, index):
        n = int(image[0, 0, 0])
        points = [[[20, 20], [40, 20], [30, 30], [22, 40], [38, 40]]] * n
        return Faces.of(
            [[10 + 50 * i, 10, 50 + 50 * i, 50] for i in range(n)], [0.9] * n, points, (120, 60), image_index=index
        )


class FakeLandmarker:
    def refine(self, images, located):
        return list(located)


@pytest.fixture
def detector(monkeypatch):
    fake = FakeDetector()
    monkeypatch.setattr(module, "_finders", lambda: (fake, FakeLandmarker()))
    return fake


def picture(faces):
    image = np.full((60, 120, 3), 100, np.uint8)
    image[0, 0, 0] = faces
    return image


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_photo_gets_a_row_a_face(detector, count):
    recognizer = FakeRecognizer()
    faces = ExpressionReader(recognizer).read(picture(count))
    assert faces.extra["expression"].shape == (count, len(CLASSES))
    assert recognizer.crops.shape == (count, 48, 48, 3)


def test_many_photos_come_in_order_and_bad_ones_are_told_of(detector):
    told = []
    reader = ExpressionReader(FakeRecognizer())
    sources = [picture(1), b"no image", picture(2)]
    readings = list(reader.read_all(sources, on_error=lambda index, error: told.append((index, error.code))))
    assert [(reading.index, len(reading.faces)) for reading in readings] == [(0, 1), (2, 2)]
    assert told == [(1, "unreadable_image")]
    with pytest.raises(UnreadableImage):
        list(reader.read_all(sources))


def test_faces_of_a_video_have_tracks(detector):
    frames = [media.Frame(picture(2), index / 10, index) for index in range(12)]
    readings = list(ExpressionReader(FakeRecognizer()).watch(frames))
    assert {tuple(reading.faces.track_id) for reading in readings} == {(0, 1)}
    assert [float(reading.faces.timestamp[0]) for reading in readings] == pytest.approx([i / 10 for i in range(12)])
    assert detector.looks == 3


def seen(track, moment, place):
    faces = Faces.of([[0, 0, 9, 9]], [0.9], np.zeros((1, 5, 2)), (10, 10), timestamp=moment)
    object.__setattr__(faces, "track_id", np.array([track]))
    object.__setattr__(faces, "extra", {"expression": np.eye(7, dtype=np.float32)[[place]]})
    return faces


def test_a_timeline_holds_means_over_time():
    timeline = Timeline()
    for moment, place in [(0.0, 0), (0.1, 1), (1.0, 2)]:
        timeline.add(seen(4, moment, place))
    timeline.add(seen(-1, 0.0, 0))
    moments, means = timeline.means(4)
    assert list(timeline.tracks) == [4]
    assert moments == pytest.approx([0.125, 1.125])
    assert means == pytest.approx(np.array([np.eye(7)[:2].mean(0), np.eye(7)[2]]))


def test_a_timeline_of_a_long_video_is_no_larger():
    timeline = Timeline()
    for second in range(0, 4000, 3):
        timeline.add(seen(0, float(second), second % 7))
    for track in range(1, 300):
        timeline.add(seen(track, 4000.0, 0))
    assert timeline.seconds == 8.0
    assert len(timeline.tracks) == 200
    assert timeline.left_out == 100
    assert timeline.tracks[0][:, -1].sum() == 1334
