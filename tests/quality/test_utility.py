import dataclasses

import numpy as np
import pytest

from mien.errors import InvalidArgument
from mien.quality import Utility, fit_utility, load_utility
from mien.quality.utility import MEASURES
from mien.types import Faces


def population(people=40, images=5, seed=0):
    """People whose images vary the more the less sharp they are."""
    rng = np.random.default_rng(seed)
    n = people * images
    keys = np.repeat(np.arange(people), images)
    sharpness = rng.uniform(0, 1, n)
    noise = rng.normal(size=(n, 16)) * (1.2 - sharpness)[:, None] * 0.5
    templates = rng.normal(size=(people, 16))[keys] / 4 + noise
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    extra = {name: rng.normal(10, 1, n) for name in MEASURES if name != "score"} | {"quality.sharpness": sharpness}
    faces = Faces.of(np.tile([0, 0, 9, 9], (n, 1)), np.full(n, 0.9), np.zeros((n, 5, 2)), (10, 10), extra=extra)
    quality = np.full(n, 95, np.float32)
    return dataclasses.replace(faces, templates=templates.astype(np.float32), space="toy", quality=quality), keys


def test_it_learns_what_makes_images_fail_and_carries_over_to_other_people():
    model = fit_utility(*population(seed=1))
    others, _ = population(seed=2)
    assert np.corrcoef(model.predict(others), others.extra["quality.sharpness"])[0, 1] > 0.6
    scores = model.score(others)
    assert ((scores >= 0) & (scores <= 100)).all()
    assert np.array_equal(
        np.argsort(scores, kind="stable"), np.argsort(model.predict(others).astype(np.float32), kind="stable")
    )


def test_faults_count_though_nobody_in_training_had_them():
    faces, people = population()
    model = fit_utility(faces, people)
    assert model.say >= 0
    spoilt = dataclasses.replace(faces, quality=np.full(len(faces), 10, np.float32))
    assert (
        dataclasses.replace(model, say=0.01).predict(spoilt) < dataclasses.replace(model, say=0.01).predict(faces)
    ).all()


def test_a_model_travels_as_json():
    model = fit_utility(*population(), fitted_to="toys")
    assert Utility.from_dict(model.to_dict()) == model


def test_a_measure_that_is_not_known_gives_no_utility():
    faces, people = population()
    model = fit_utility(faces, people)
    pitch = np.array(faces.extra["quality.pitch"])
    pitch[3] = np.nan
    scores = model.score(dataclasses.replace(faces, extra={**faces.extra, "quality.pitch": pitch}))
    assert np.flatnonzero(np.isnan(scores)).tolist() == [3]


def test_what_it_was_not_made_for_is_refused():
    faces, people = population()
    model = fit_utility(faces, people)
    with pytest.raises(InvalidArgument, match="toy"):
        model.predict(dataclasses.replace(faces, space="other"))
    with pytest.raises(InvalidArgument, match="missing"):
        model.predict(dataclasses.replace(faces, extra={}))
    with pytest.raises(InvalidArgument, match="ten"):
        fit_utility(faces, np.arange(len(faces)))
    with pytest.raises(InvalidArgument, match="rows"):
        fit_utility(faces, people[1:])


def test_the_model_that_ships_is_of_the_default_space():
    model = load_utility("sface-2021dec-centred")
    assert model is not None
    assert len(model.mean) == len(model.spread) == len(MEASURES) + 128
    assert len(model.weights) == 2 * len(MEASURES) + 128 + 1
    assert load_utility("no-such-space") is None
