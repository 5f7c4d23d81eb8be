from __future__ import annotations

import numpy as np
import pytest

from mien.errors import InvalidArgument, RuntimeUnavailable
from mien.models import BATCH_AGREEMENT, equivalence, equivalent, open_session


def rotated(degrees):
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], 1)


def test_median_and_first_percentile_of_the_cosines():
    degrees = np.linspace(0, 10, 101)
    a, b = rotated(np.zeros(101)), rotated(degrees) * np.linspace(1, 9, 101)[:, None]
    median, p1 = equivalence(a, b)
    assert median == pytest.approx(np.cos(np.radians(5)))
    assert p1 == pytest.approx(np.cos(np.radians(9.9)))


@pytest.mark.parametrize(
    ("degrees", "passes"),
    [
        pytest.param([0.0] * 100, True, id="same"),
        pytest.param([3.6] * 100, True, id="just inside the median"),
        pytest.param([3.7] * 100, False, id="just outside the median"),
        pytest.param([0.0] * 98 + [8.0] * 2, True, id="tail inside"),
        pytest.param([0.0] * 98 + [8.2] * 2, False, id="tail outside"),
    ],
)
def test_the_rule(degrees, passes):
    assert equivalent(rotated(np.zeros(100)), rotated(np.array(degrees))) is passes


@pytest.mark.parametrize(
    ("a", "b"),
    [
        pytest.param(np.ones((2, 3)), np.ones((3, 3)), id="rows"),
        pytest.param(np.ones((2, 3)), np.ones((2, 4)), id="dimensions"),
        pytest.param(np.ones((0, 3)), np.ones((0, 3)), id="none"),
        pytest.param(np.ones(3), np.ones(3), id="flat"),
        pytest.param(np.zeros((2, 3)), np.ones((2, 3)), id="zero"),
        pytest.param(np.full((2, 3), np.nan), np.ones((2, 3)), id="nan"),
    ],
)
def test_what_cannot_be_compared_is_refused(a, b):
    with pytest.raises(InvalidArgument):
        equivalence(a, b)


@pytest.fixture(scope="module")
def chips():
    """Smooth random pictures: no faces, but as varied in contrast and brightness as photos are."""
    rng = np.random.default_rng(7)
    coarse = rng.normal(128, 60, (24, 8, 8, 3)).repeat(14, 1).repeat(14, 2)
    return np.clip(coarse + rng.normal(0, 12, coarse.shape), 0, 255).astype(np.uint8)


@pytest.mark.weights
@pytest.mark.parametrize(
    ("backend", "precision"),
    [("openvino", "bf16"), ("onnxruntime", "f32"), ("opencv", "f32")],
)
def test_artefacts_that_share_the_space_of_sface_pass(weights, chips, backend, precision):
    try:
        other = open_session("sface-2021dec", backend=backend, precision=precision)
    except RuntimeUnavailable as error:
        pytest.skip(error.message)
    reference = open_session("sface-2021dec", backend="openvino", precision="f32")
    assert equivalent(reference.run(chips)["fc1"], other.run(chips)["fc1"])


@pytest.mark.weights
def test_a_template_alone_and_in_a_batch_agree(weights, chips):
    session = open_session("sface-2021dec")
    together = session.run(chips)["fc1"]
    alone = np.concatenate([session.run(chips[i : i + 1])["fc1"] for i in range(len(chips))])
    cosines = (together * alone).sum(1) / np.linalg.norm(together, axis=1) / np.linalg.norm(alone, axis=1)
    assert cosines.min() >= BATCH_AGREEMENT
