import dataclasses
import json

import numpy as np
import pytest

from mien.errors import InvalidArgument, NoFace
from mien.quality import COMPONENTS, PORTRAIT, Examination, Measured, examine, portrait_reasons
from mien.recognition import default_pipeline
from mien.recognition import examine as examine_photo
from mien.types import Faces

IMAGE = np.full((160, 200, 3), 120, np.uint8)
FACES = Faces.of([[60, 40, 140, 140]], [0.9], [[[80, 70], [120, 70], [100, 95], [84, 115], [116, 115]]], (200, 160))
GOOD = {
    "single_face": 0, "inter_eye_distance": 110, "head_size": 0.4, "margin_left": 1.8, "margin_right": 1.8,
    "margin_above": 1.6, "margin_below": 1.9, "yaw": 1, "pitch": -2, "roll": 0, "eyes_open": 0.09, "mouth_closed": 0.02,
    "sharpness": 0.2, "over_exposure": 0, "illumination_uniformity": 0.7, "dynamic_range": 7, "natural_colour": 0,
    "background_uniformity": 20, "compression": 0.97,
}  # fmt: skip


def examination(**changes):
    values = {name: value for name, value in (GOOD | changes).items() if value is not None}
    components = {name: Measured(value, COMPONENTS[name].score(value)) for name, value in values.items()}
    return Examination((0, 0, 10, 10), (200, 160), 90.0, components)


@pytest.mark.parametrize(
    ("changes", "reason", "components"),
    [
        ({"single_face": 0.8}, "several_faces", ("single_face",)),
        ({"inter_eye_distance": 60}, "too_small", ("inter_eye_distance",)),
        ({"head_size": 0.1}, "too_far", ("head_size",)),
        ({"head_size": 0.7}, "too_near", ("head_size",)),
        ({"margin_left": 0.8, "margin_above": 1.1}, "close_to_border", ("margin_left", "margin_above")),
        ({"yaw": -20}, "turned", ("yaw",)),
        ({"pitch": 20}, "nodding", ("pitch",)),
        ({"roll": 10}, "tilted", ("roll",)),
        ({"eyes_open": 0.01}, "eyes_closed", ("eyes_open",)),
        ({"mouth_closed": 0.3}, "mouth_open", ("mouth_closed",)),
        ({"sharpness": 0.05}, "blurred", ("sharpness",)),
        ({"over_exposure": 0.3}, "too_bright", ("over_exposure",)),
        ({"illumination_uniformity": 0.1}, "uneven_light", ("illumination_uniformity",)),
        ({"dynamic_range": 2}, "flat", ("dynamic_range",)),
        ({"natural_colour": 30}, "unnatural_colour", ("natural_colour",)),
        ({"background_uniformity": 200}, "uneven_background", ("background_uniformity",)),
        ({"compression": 0.8}, "compressed", ("compression",)),
        ({"background_uniformity": None}, "not_measured", ("background_uniformity",)),
    ],
)
def test_each_fault_has_its_reason(changes, reason, components):
    assert dict(portrait_reasons(examination(**changes))) == {reason: components}


def test_a_good_portrait_has_none():
    assert not portrait_reasons(examination())
    assert {limit.component for limit in PORTRAIT} == set(GOOD)


def test_dark_skin_is_no_fault():
    assert not {"under_exposure", "luminance_mean"} & {limit.component for limit in PORTRAIT}


def test_without_mesh_and_mask_what_rests_on_them_is_missing():
    found = examine(IMAGE, FACES)
    assert set(found.components) == {"sharpness", "single_face"}
    document = found.to_dict()
    assert set(document["components"]) == set(COMPONENTS)
    assert document["components"]["yaw"] is None
    assert json.loads(json.dumps(document, allow_nan=False)) == document


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"index": 1}, "index"),
        ({"mesh": np.zeros((5, 2))}, "mesh"),
        ({"mask": np.zeros((160, 200))}, "mesh"),
        ({"mesh": np.random.default_rng(0).uniform(40, 140, (468, 3)), "mask": np.zeros((9, 9))}, "mask"),
    ],
    ids=["no such face", "mesh", "mask alone", "mask"],
)
def test_what_does_not_belong_together_is_refused(arguments, message):
    with pytest.raises(InvalidArgument, match=message):
        examine(IMAGE, FACES, **arguments)


@pytest.mark.weights
@pytest.mark.samples
def test_a_real_photo(weights, samples):
    image, faces, found = examine_photo(samples / "obama.jpg")
    assert len(faces) == 1
    assert set(found.components) >= set(COMPONENTS) - {"background_uniformity", "compression"}
    assert all(0 <= one.score <= 100 for one in found.components.values())
    assert abs(found.components["roll"].value) < 15
    again = examine_photo(image)[2]
    assert again.components["yaw"].value == pytest.approx(found.components["yaw"].value, abs=0.5)


@pytest.mark.weights
@pytest.mark.samples
def test_a_mirrored_photo_is_turned_the_other_way(weights, samples):
    image, _, found = examine_photo(samples / "obama.jpg")
    other = examine_photo(np.ascontiguousarray(image[:, ::-1]))[2]
    for name in ("yaw", "roll"):
        assert other.components[name].value == pytest.approx(-found.components[name].value, abs=4)
    assert other.components["margin_left"].value == pytest.approx(found.components["margin_right"].value, abs=0.1)


@pytest.mark.weights
@pytest.mark.samples
def test_no_face_is_an_error_and_utility_is_a_column(weights, samples):
    with pytest.raises(NoFace, match="mountain"):
        examine_photo(samples / "free-mountain-vector-01.jpg")
    faces = default_pipeline().find(samples / "multi_face.jpg")
    utility = faces.extra["quality.utility"]
    assert utility.shape == (5,)
    assert ((utility >= 0) & (utility <= 100)).all()
    assert dataclasses.replace(faces).extra["feature_norm"].min() > 0
