"""CMNet against its own trunk: the same data, changes, schedule and seed, once with halves and once without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from mien.datasets import EXPRESSIONS
from mien.lab import augment, losses
from mien.lab.balanced.data import read
from mien.lab.balanced.recipe import epochs_of
from mien.lab.cmnet.network import CMNet
from mien.lab.method import Method
from mien.lab.run import Training, fit

__all__ = ["METHOD", "VARIANTS", "train_variant"]

VARIANTS = {
    "trunk": {"symmetric": False},
    "m5": {"symmetric": True},
    "m5-mirrored": {"symmetric": True, "mirror_right": True},
}

_SHARE = 0.1
_CHANGES = augment.Augmentation(degrees=20, light=0.2, erasing=0.25, noise=0, blur=0)


def train_variant(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    how: Training,
    fabric: Fabric,
    *,
    checkpoint: Path | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> nn.Module:
    """Train one variant on FER2013's labels; the loss is 0.9 cross-entropy + 0.1 alignment of the halves.

    Args:
        network: A `CMNet` with fresh weights.
        images: (n, 1, H, W) uint8, on the device.
        targets: (n, 7 or more) distributions, FER2013's first.
        how: Schedule and seed.
        fabric: Device and precision.
        checkpoint: As `fit`.
        progress: As `fit`.
    """

    def batches(_: int, __: float, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(images), generator=generator, device=images.device)[: how.steps * how.batch]
        return epochs_of(images, targets[:, :7], order, how.batch, lambda x: augment.augment(x, _CHANGES, generator))

    return fit(network, batches, _loss, how, fabric, checkpoint=checkpoint, progress=progress)


def _loss(network: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    logits, left, right = network.with_halves(images)
    told = losses.soft_cross_entropy(logits, targets)
    if not left.shape[1]:
        return told
    return (1 - _SHARE) * told + _SHARE * losses.half_alignment(left, right)


METHOD = Method(
    name="cmnet",
    title="CMNet: whole face and both halves",
    paper="after CMNet's released Model_5; from scratch and narrower",
    classes=EXPRESSIONS,
    read=read,
    build=lambda: CMNet(16, **VARIANTS["m5"]),
    train=train_variant,
    how=Training(epochs=30),
)
