"""CMNet against its own trunk: the same data, changes, schedule and seed, once with halves and once without."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from mien.lab import augment, losses
from mien.lab.balanced.recipe import epochs_of
from mien.lab.cmnet.network import CMNet
from mien.lab.run import Training, fit

__all__ = ["VARIANTS", "train_variant"]

VARIANTS = {
    "trunk": {"symmetric": False},
    "m5": {"symmetric": True},
    "m5-mirrored": {"symmetric": True, "mirror_right": True},
}

_SHARE = 0.1
_CHANGES = augment.Augmentation(degrees=20, light=0.2, erasing=0.25, noise=0, blur=0)


def train_variant(
    variant: str,
    images: Tensor,
    targets: Tensor,
    how: Training,
    fabric: Fabric,
    *,
    width: int = 16,
    batch: int = 256,
    progress: Callable[[int, float], None] | None = None,
) -> nn.Module:
    """Train one variant on FER2013's labels; the loss is 0.9 cross-entropy + 0.1 alignment of the halves.

    Args:
        variant: A key of `VARIANTS`.
        images: (n, 1, H, W) uint8, on the device.
        targets: (n, 7 or more) distributions, FER2013's first.
        how: Schedule and seed.
        fabric: Device and precision.
        width: Of the first stage.
        batch: Images a step.
        progress: As `fit`.
    """
    torch.manual_seed(how.seed)
    network = CMNet(width, **VARIANTS[variant])

    def batches(_: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(images), generator=generator, device=images.device)[: how.steps * batch]
        return epochs_of(images, targets[:, :7], order, batch, lambda x: augment.augment(x, _CHANGES, generator))

    def loss(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        logits, left, right = network.with_halves(x)  # type: ignore[operator]
        told = losses.soft_cross_entropy(logits, y)
        if not left.shape[1]:
            return told
        return (1 - _SHARE) * told + _SHARE * losses.half_alignment(left, right)

    return fit(network, batches, loss, how, fabric, progress=progress)
