import numpy as np
import pytest

from mien.quality import COMPONENTS, PORTRAIT, Examination, Measured
from mien.render import annotate_portrait, portrait_to_dict
from mien.render.portrait import summary
from mien.render.words import advice, reason_words
from mien.types import Faces

IMAGE = np.full((120, 160, 3), 90, np.uint8)
FACES = Faces.of([[40, 20, 100, 100]], [0.9], np.full((1, 5, 2), 60), (160, 120))


def examination(**values):
    components = {name: Measured(value, COMPONENTS[name].score(value)) for name, value in values.items()}
    return Examination((40, 20, 100, 100), (160, 120), 80.0, components)


@pytest.mark.parametrize("reason", sorted({limit.reason for limit in PORTRAIT}))
def test_every_reason_has_words_and_advice(reason):
    assert "_" not in reason_words(reason)
    assert len(advice(reason)) > 10


def test_nothing_of_the_picture_is_covered():
    document = portrait_to_dict(examination(yaw=40, pitch=0), "a.jpg")
    drawn = annotate_portrait(IMAGE, FACES, document)
    assert drawn.shape[1:] == (160, 3)
    assert drawn.shape[0] > 120 + 12 * len(summary(document))
    assert np.array_equal(drawn[:10], IMAGE[:10])
    assert drawn[130:].min() < 80 < 240 < drawn[130:].max()


def test_a_narrow_picture_takes_it_too():
    image, faces = IMAGE[:, :20], Faces.of([[2, 2, 18, 18]], [0.9], np.full((1, 5, 2), 9), (20, 120))
    document = portrait_to_dict(examination(yaw=40), "a.jpg")
    assert annotate_portrait(np.ascontiguousarray(image), faces, document).shape[1] == 20


def test_what_was_not_measured_is_no_fitness():
    assert portrait_to_dict(examination(yaw=0), "a.jpg")["fit"] is None
    assert portrait_to_dict(examination(yaw=30), "a.jpg")["fit"] is False
