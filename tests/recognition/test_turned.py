"""Photos that lie on their side or stand on their head and do not say so, through the whole pipeline."""

import io

import numpy as np
import pytest
from PIL import Image

from mien import media, quality
from mien.recognition import default_pipeline, find, find_all

pytestmark = [pytest.mark.weights, pytest.mark.samples]

NAMES = ("obama.jpg", "multi_face.jpg")


def saved(image, orientation=None):
    buffer, options = io.BytesIO(), {}
    if orientation:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG", compress_level=1, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_the_same_people_as_upright(weights, samples, name, turns):
    photo = media.read(samples / name)
    upright, turned = find_all([photo, saved(np.rot90(photo, turns))])
    assert len(turned) == len(upright)
    assert turned.image_size == (photo.shape[1::-1] if turns == 2 else photo.shape[:2])
    assert turned.image_index.tolist() == [1] * len(upright)
    scores = upright.templates @ turned.templates.T
    mates = scores.argmax(1)
    assert sorted(mates) == list(range(len(upright)))
    assert scores.max(1).min() > 0.95
    # Roll is no fault of a face.
    assert [quality.reasons(turned)[mate] for mate in mates] == list(quality.reasons(upright))
    assert np.abs(turned.quality[mates] - upright.quality).max() < 12
    assert turned.extra["face_presence"].min() > 0


def test_only_where_the_file_does_not_say_which_way_is_up(weights, samples):
    photo = media.read(samples / "obama.jpg")
    sideways = np.rot90(photo)
    assert len(find(saved(sideways))) == 1
    assert len(find(saved(sideways, orientation=1))) == 0  # it says that it is upright
    assert len(find(np.ascontiguousarray(sideways))) == 0  # an array is upright by definition
    assert len(find(saved(sideways, orientation=6))) == 1


def test_frames_of_a_video_are_looked_at_upright_only(weights, samples, monkeypatch):
    pipeline = default_pipeline()
    monkeypatch.setattr(pipeline._detector, "retry_turned", lambda *arguments: pytest.fail("turned"))
    sideways = np.ascontiguousarray(np.rot90(media.read(samples / "obama.jpg")))
    assert len(pipeline.locate([sideways])[0]) == 0
    assert len(pipeline.process([sideways])[0]) == 0
