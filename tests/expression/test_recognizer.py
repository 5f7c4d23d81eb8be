import numpy as np
import pytest

import mien
from mien.errors import InvalidArgument
from mien.expression import CLASSES, MODELS, ExpressionRecognizer
from mien.models import card


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.fixture(scope="module", params=sorted(MODELS))
def recognizer(request):
    return ExpressionRecognizer(request.param)


@pytest.mark.parametrize(
    "crops",
    [
        pytest.param(noise(3, 48, 48), id="grey of the network's size"),
        pytest.param(noise(2, 48, 48, 3), id="colour"),
        pytest.param(noise(2, 112, 96), id="larger, not square"),
        pytest.param(noise(1, 7, 5, 3), id="tiny"),
        pytest.param(noise(300, 48, 48), id="more than one batch"),
        pytest.param(noise(0, 48, 48), id="none"),
        pytest.param(noise(2, 64, 64, 3)[:, ::2, ::2], id="not contiguous"),
    ],
)
def test_crops_of_any_size_get_distributions(recognizer, crops):
    told = recognizer.predict(crops)
    assert told.shape == (len(crops), 7)
    assert told.dtype == np.float32
    assert (told >= 0).all()
    assert told.sum(1) == pytest.approx(np.ones(len(crops)), abs=1e-5)


@pytest.mark.parametrize(
    "crops",
    [
        pytest.param(noise(48, 48), id="one image"),
        pytest.param(noise(2, 48, 48, 4), id="four channels"),
        pytest.param(noise(2, 48, 48).astype(np.float32), id="floats"),
        pytest.param([noise(48, 48)], id="a list"),
        pytest.param(noise(2, 0, 48), id="no height"),
    ],
)
def test_other_shapes_and_types_are_refused(recognizer, crops):
    with pytest.raises(InvalidArgument, match=r"expected uint8 \(n, H, W, 3\)"):
        recognizer.predict(crops)


def test_an_image_is_told_alike_alone_and_in_a_batch(recognizer):
    crops = noise(9, 48, 48)
    alone = np.concatenate([recognizer.predict(one[None]) for one in crops])
    assert recognizer.predict(crops) == pytest.approx(alone, abs=1e-4)


def test_grey_is_told_as_the_same_grey_in_colour(recognizer):
    crops = noise(4, 60, 60)
    assert recognizer.predict(np.repeat(crops[..., None], 3, 3)) == pytest.approx(recognizer.predict(crops), abs=1e-5)


def test_labellings_differ():
    crops = noise(4, 48, 48)
    first, second = (ExpressionRecognizer(labels=labels).predict(crops) for labels in ("fer2013", "ferplus"))
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize("options", [{"model": "large"}, {"labels": "kdef"}])
def test_unknown_names_are_refused(options):
    with pytest.raises(InvalidArgument, match="expected one of"):
        ExpressionRecognizer(**options)


def test_it_says_once_that_commercial_use_is_unclear(caplog):
    from mien.expression import recognizer

    recognizer._say_once.cache_clear()
    for _ in range(2):
        ExpressionRecognizer("small")
    assert [record.getMessage() for record in caplog.records if "commercial use is unclear" in record.getMessage()]
    assert len(caplog.records) == 1


def test_it_is_there_under_its_short_name():
    assert mien.ExpressionRecognizer is ExpressionRecognizer
    assert CLASSES == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert all(card(name).classes.names == CLASSES for name in MODELS.values())
