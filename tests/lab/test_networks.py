import pytest
import torch

from mien.errors import InvalidArgument
from mien.lab import export
from mien.lab.balanced.network import build
from mien.lab.cmnet.network import CMNet, QuadrantChannelGate, SplitSpatialGate
from mien.lab.cmnet.recipe import VARIANTS
from mien.lab.run import Training, make_fabric

IMAGES = torch.rand((3, 1, 48, 48), generator=torch.Generator().manual_seed(0))


def size(network):
    return sum(value.numel() for value in network.parameters())


@pytest.mark.parametrize("name", ["tiny", "small", "accurate", "reduced", "plain"])
def test_a_network_has_a_logit_a_class_of_both_labellings(name):
    assert build(name).eval()(IMAGES).shape == (3, 17)


def test_shipped_networks_are_as_large_as_promised():
    assert 2 * size(build("small")) < 2_000_000
    assert 2 * size(build("accurate")) < 15_000_000


def test_gates_are_as_large_as_in_the_released_code():
    assert size(QuadrantChannelGate(512)) == 82_464
    assert size(SplitSpatialGate()) == 105


@pytest.mark.parametrize("variant", VARIANTS)
def test_cmnet_sees_halves_where_asked_to(variant):
    network = CMNet(4, **VARIANTS[variant]).eval()
    logits, left, right = network.with_halves(IMAGES)
    assert logits.shape == (3, 7)
    assert left.shape == right.shape == ((3, 16) if variant != "trunk" else (3, 0))


@torch.no_grad()
def test_mirrored_halves_of_a_symmetric_face_are_alike():
    face = torch.cat([IMAGES[..., :24], IMAGES[..., :24].flip(3)], 3)
    _, left, right = CMNet(4, mirror_right=True).eval().with_halves(face)
    assert left == pytest.approx(right, abs=1e-5)
    _, left, right = CMNet(4).eval().with_halves(face)
    assert float((left - right).abs().max()) > 1e-4


@pytest.mark.parametrize("variant", VARIANTS)
def test_cmnet_trains(variant):
    from mien.lab.cmnet.recipe import train_variant

    how = Training(epochs=1, steps=2, batch=8)
    images = torch.randint(0, 256, (16, 1, 48, 48), dtype=torch.uint8)
    targets = torch.eye(7)[torch.arange(16) % 7]
    network = train_variant(CMNet(4, **VARIANTS[variant]), images, targets, how, make_fabric("cpu"))
    assert torch.isfinite(network(IMAGES)).all()


def test_a_shipped_file_is_gone_on_from(tmp_path):
    generator = torch.Generator().manual_seed(1)
    images = torch.rand((64, 1, 48, 48), generator=generator)
    network = build("accurate")
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            module.weight.data.uniform_(0.5, 2, generator=generator)
    export.export(export.shipped(network), tmp_path / "it.onnx")
    with torch.inference_mode():
        expected = network.eval()(images)
        again = export.unfold(build("accurate"), tmp_path / "it.onnx", images).eval()
        assert again(images) == pytest.approx(expected, abs=0.02)
        # Statistics are those of the images, so that a step of training begins where the file ended.
        steady = again.train()
        steady.heads.dropout.eval()
        assert steady(images) == pytest.approx(expected, abs=0.02)
    with pytest.raises(InvalidArgument, match="another"):
        export.unfold(build("small"), tmp_path / "it.onnx", images)
