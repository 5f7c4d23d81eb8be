"""Balanced training: which images an epoch holds, how they are changed, and what the loss makes of rare classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from mien.datasets import EXPRESSIONS
from mien.lab import augment, losses
from mien.lab.balanced.data import read
from mien.lab.balanced.network import HEADS, build
from mien.lab.method import Method
from mien.lab.run import Training, fit

__all__ = ["ARMS", "METHOD", "Arm", "epochs_of", "train_arm"]

CLASSES = HEADS["fer2013"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way of training.

    Attributes:
        sampler: Exponent b of the weighted sampler, which draws class y as often as n_y^-b; 0 draws none.
        copies: Most changed copies that are made of an image of a rare class before training; 0 makes none.
        online: Whether every image is changed anew each time: RandAugment, mirror, random erasing.
        adjustment: Logit adjustment's tau; 0 is off.
        class_balanced: Whether classes weigh by their effective number.
    """

    sampler: float = 0.0
    copies: int = 0
    online: bool = False
    adjustment: float = 0.0
    class_balanced: bool = False


ARMS = {
    "none": Arm(),
    "sampler": Arm(sampler=1.0),
    "sampler-half": Arm(sampler=0.5),
    "offline": Arm(copies=15),
    "online": Arm(online=True),
    "all": Arm(sampler=1.0, copies=15, online=True),
    "logit-adjustment": Arm(online=True, adjustment=1.0),
    "class-balanced": Arm(online=True, class_balanced=True),
}


def train_arm(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    how: Training,
    fabric: Fabric,
    *,
    arm: Arm,
    checkpoint: Path | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> nn.Module:
    """Train one arm on FER2013's labels.

    Args:
        network: With fresh weights, (n, 1, H, W) -> (n, 7 or more) logits, FER2013's first.
        images: (n, 1, H, W) uint8, on the device.
        targets: (n, 7 or more) distributions, FER2013's first.
        how: Schedule and seed; its ``steps`` are those of the set without copies, so that arms see as many batches.
        fabric: Device and precision.
        arm: What is done for rare classes.
        checkpoint: As `fit`.
        progress: As `fit`.
    """
    images, targets, labels = _with_copies(images, targets[:, :CLASSES], arm.copies, how.seed)
    counts = targets.sum(0)
    weights = losses.class_balanced_weights(counts) if arm.class_balanced else None

    def batches(_: int, __: float, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        order = _draw(labels, how.steps * how.batch, arm.sampler, generator)
        return epochs_of(images, targets, order, how.batch, lambda x: _online(x, generator) if arm.online else x)

    def loss(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        logits = network(x)[:, :CLASSES]
        if arm.adjustment:
            logits = losses.adjusted(logits, counts, arm.adjustment)
        return losses.soft_cross_entropy(logits, 0.9 * y + 0.1 / CLASSES, weights)

    return fit(network, batches, loss, how, fabric, checkpoint=checkpoint, progress=progress)


def epochs_of(
    images: Tensor, targets: Tensor, order: Tensor, batch: int, change: Callable[[Tensor], Tensor], *, chunk: int = 4096
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches in an order: (b, 1, H, W) float32 of 0 to 1, changed many at once, and their targets; a rest is left."""
    chunk = max(batch, chunk // batch * batch)
    for rows in order.split(chunk):
        changed = change(images[rows].float() / 255)
        answers = targets[rows]
        for start in range(0, len(rows) - batch + 1, batch):
            yield changed[start : start + batch], answers[start : start + batch]


def _online(images: Tensor, generator: torch.Generator) -> Tensor:
    flipped = torch.where(
        (torch.rand(len(images), generator=generator, device=images.device) < 0.5)[:, None, None, None],
        images.flip(3),
        images,
    )
    return augment.erase(augment.rand_augment(flipped, generator), 0.25, generator)


def _draw(labels: Tensor, count: int, exponent: float, generator: torch.Generator) -> Tensor:
    """Rows of an epoch: a shuffle, again where it is not enough, or drawn with weights."""
    if exponent:
        occurrences = torch.bincount(labels, minlength=CLASSES).float()
        weights = occurrences[labels].pow(-exponent)
        return torch.multinomial(weights, count, replacement=True, generator=generator)
    rounds = -(-count // len(labels))
    order = [torch.randperm(len(labels), generator=generator, device=labels.device) for _ in range(rounds)]
    return torch.cat(order)[:count]


def _with_copies(images: Tensor, targets: Tensor, most: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """The set with k_c = min(most, ceil(n_max / n_c) - 1) changed copies of each image of class c."""
    labels = targets.argmax(1)
    if not most:
        return images, targets, labels
    generator = torch.Generator(images.device)
    generator.manual_seed(seed)
    counts = torch.bincount(labels, minlength=CLASSES)
    copies = (torch.ceil(counts.max() / counts.clamp(min=1)).long() - 1).clamp(0, most)[labels]
    rows = torch.arange(len(labels), device=labels.device).repeat_interleave(copies)
    if not len(rows):
        return images, targets, labels
    how = augment.Augmentation(degrees=15, scale=0.08, shift=0.04, shear=0, light=0.2, erasing=0, noise=0, blur=0.2)
    changed = [augment.augment(images[part].float() / 255, how, generator) for part in rows.split(4096)]
    added = (torch.cat(changed) * 255).round().to(torch.uint8)
    return torch.cat([images, added]), torch.cat([targets, targets[rows]]), torch.cat([labels, labels[rows]])


METHOD = Method(
    name="balanced",
    title="Balanced expression training",
    paper="after Kirbiz, highlights of the paper; details ours",
    classes=EXPRESSIONS,
    read=read,
    build=lambda: build("small"),
    train=partial(train_arm, arm=ARMS["all"]),
    how=Training(epochs=30),
)
