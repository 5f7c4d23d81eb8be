"""Morphs of two officials' portraits: they are of both, say so, and are made of nobody who did not agree."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

import mien
from mien import media
from mien.attacks import MORPHING_TOOLS, morph
from mien.attacks.warping import frame_points, warp_field, warp_triangles
from mien.errors import InvalidArgument, NoFace
from mien.media import xmp

NOISE = np.random.default_rng(0).integers(0, 256, (120, 90, 3)).astype(np.uint8)
SMOOTH = np.asarray(Image.fromarray(NOISE).resize((9, 12)).resize((90, 120), Image.Resampling.BICUBIC))


def mesh(seed=0):
    random = np.random.default_rng(seed)
    return random.normal((45, 60), 12, (468, 2)).clip(8, 80).astype(np.float32)


@pytest.mark.parametrize("warp", [warp_triangles, warp_field])
def test_points_that_stay_change_nothing(warp):
    points = frame_points(mesh(), 120, 90)
    np.testing.assert_allclose(warp(SMOOTH, points, points), SMOOTH, atol=1.0)


@pytest.mark.parametrize("warp", [warp_triangles, warp_field])
def test_what_lies_at_a_point_moves_with_it(warp):
    grid = np.stack(np.meshgrid(np.linspace(0, 89, 7), np.linspace(0, 119, 7)), -1).reshape(-1, 2)
    source, target = grid.copy(), grid.copy()
    inner = (grid > 0).all(1) & (grid < (89, 119)).all(1)
    target[inner] += (4, -3)
    source, target = source.astype(np.float32), target.astype(np.float32)
    image = np.repeat(np.mgrid[:120, :90].sum(0).astype(np.uint8)[..., None], 3, 2)
    moved = warp(image, source, target)
    # The picture is its own coordinates' sum, so that what moved by (4, -3) is one less where it came to.
    assert moved[60, 45, 0] == pytest.approx(104, abs=0.6)
    assert moved[0, 0, 0] == pytest.approx(0, abs=0.6)


@pytest.fixture(scope="module")
def parents(samples):
    return media.read(samples / "obama.jpg"), media.read(samples / "biden.jpg")


@pytest.mark.weights
@pytest.mark.samples
@pytest.mark.parametrize("tool", MORPHING_TOOLS)
def test_a_morph_is_like_both_and_like_neither(tool, parents):
    made = morph(*parents, consent="official portraits, for this test", tool=tool)
    assert made.image.shape == parents[0].shape
    own, first, second = (mien.find(image)[0].template for image in (made.image, *parents))
    apart = float(first @ second)
    assert apart + 0.1 < float(own @ first) < 0.98
    assert apart + 0.1 < float(own @ second) < 0.98
    if tool != "complete":
        # The background is the first one's.
        corner, *others = (np.asarray(one[:60, :60], np.float32) for one in (made.image, *parents))
        to_first, to_second = (float(np.abs(corner - other).mean()) for other in others)
        assert to_first < to_second / 3


@pytest.mark.weights
@pytest.mark.samples
def test_it_is_said_in_the_file(parents, tmp_path):
    made = morph(*parents, consent="B. & J. <agreed>")
    media.write(tmp_path / "morph.png", made.image, xmp=made.xmp)
    with Image.open(tmp_path / "morph.png") as image:
        (packet,) = xmp.embedded(image)
    assert "B. & J. <agreed>" in "".join(ET.fromstring(packet).itertext())
    assert b"digitalsourcetype/compositeCapture" in packet
    assert all(parent in packet.decode() for parent in made.parents)


@pytest.mark.weights
@pytest.mark.samples
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"consent": " "}, InvalidArgument, "who agreed"),
        ({"tool": "gan"}, InvalidArgument, "one of complete"),
        ({"share": 0.95}, InvalidArgument, "0.1 to 0.9"),
        ({"second": np.zeros((64, 64), np.uint8)}, InvalidArgument, "second"),
        ({"second": np.zeros((64, 64, 3), np.uint8)}, NoFace, "second: expected one face, got 0"),
    ],
)
def test_what_is_no_pair_is_refused(parents, change, error, message):
    asked = {"first": parents[0], "second": parents[1], "consent": "both", **change}
    with pytest.raises(error, match=message):
        morph(**asked)
