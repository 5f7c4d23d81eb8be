"""Shapes, and what the papers' parts are to do."""

import pytest

torch = pytest.importorskip("torch")

from mien.lab.balanced.network import HEADS, build
from mien.lab.cmnet.network import CMNet, QuadrantChannelGate, SplitSpatialGate

NAMES = ("teacher", "plain", "accurate", "medium", "small", "reduced", "tiny")
LARGEST = {"accurate": 15e6, "small": 2e6}


@pytest.mark.parametrize("name", NAMES)
def test_a_network_says_something_of_both_labellings(name):
    network = build(name).eval()
    logits = network(torch.rand(2, 1, 48, 48))
    assert logits.shape == (2, sum(HEADS.values()))
    size = 2 * sum(value.numel() for value in network.parameters())
    assert size <= LARGEST.get(name, size), "as float16"
    with pytest.raises(ValueError, match="nobody"):
        build("nobody")


@pytest.mark.parametrize("gate", [QuadrantChannelGate(16), SplitSpatialGate()], ids=lambda gate: type(gate).__name__)
def test_gates_weigh_and_keep_shapes(gate):
    maps = torch.rand(3, 16, 7, 6)
    weighed = gate.eval()(maps)
    assert weighed.shape == maps.shape
    shares = weighed / maps.clamp(min=1e-6)
    assert shares.min() > 0
    assert shares.max() < 1


def test_a_quadrant_changes_what_channels_weigh():
    gate = QuadrantChannelGate(8).eval()
    maps = torch.zeros(1, 8, 7, 7)
    moved = maps.clone()
    maps[:, :, :3, :3], moved[:, :, 3:, 3:] = 1, 1
    assert not torch.allclose(gate(maps)[..., 0, 0], gate(moved)[..., 6, 6]), "the same light in another quadrant"


def test_cmnet_has_one_trunk_for_the_face_and_its_halves():
    network = CMNet(8).eval()
    trunk = CMNet(8, symmetric=False)
    extra = sum(p.numel() for p in network.parameters()) - sum(p.numel() for p in trunk.parameters())
    gates = sum(p.numel() for p in network.refine.parameters())
    assert extra == gates, "halves add no weights of their own"
    logits, left, right = network.with_halves(torch.rand(2, 1, 48, 48))
    assert (logits.shape, left.shape, right.shape) == ((2, 7), (2, 32), (2, 32))


def test_mirrored_halves_of_a_symmetric_face_agree():
    half = torch.rand(1, 1, 48, 24)
    face = torch.cat([half, half.flip(3)], 3)
    for mirror, same in ((True, True), (False, False)):
        _, left, right = CMNet(8, mirror_right=mirror).eval().with_halves(face)
        assert torch.allclose(left, right, atol=1e-5) == same
