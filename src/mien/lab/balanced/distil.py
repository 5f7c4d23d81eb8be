"""The shipped models: several large networks are trained, and small ones learn what those say together."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from mien.lab import augment, losses
from mien.lab.balanced.network import HEADS
from mien.lab.balanced.recipe import epochs_of
from mien.lab.run import Training, fit, predict

__all__ = ["Bank", "Plan", "distil", "make_bank", "said_together", "temperature", "train_network"]

_CHANGES = augment.Augmentation()
_STRONGER = augment.Augmentation(degrees=25, scale=0.2, shift=0.12, light=0.4, erasing=0.4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is trained in which size.

    Attributes:
        mixing: Share of batches whose images are mixed with one another (mixup).
        views: Changed copies of the set that the teachers label.
        trust: Weight of the teachers' answer beside the labels.
        sides: Of the images, each for an equal share of the run. Small images first let a processor see more epochs in
            the same time (progressive learning, Tan and Le, ICML 2021).
    """

    mixing: float = 0.3
    views: int = 40
    trust: float = 0.8
    sides: tuple[int, ...] = (48,)


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """What the teachers say about changed images.

    Attributes:
        images: (v, n, H, W) uint8.
        answers: (v, n, 17) float16 distributions, mean over teachers and mirror images.
    """

    images: Tensor
    answers: Tensor


def both_heads(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of both labellings, each a distribution; those without a label count for nothing."""
    parts = zip(logits.split(list(HEADS.values()), 1), targets.split(list(HEADS.values()), 1), strict=True)
    return torch.stack([losses.soft_cross_entropy(one, two) for one, two in parts]).sum()


def said_together(networks: Sequence[nn.Module], images: Tensor, fabric: Fabric) -> Tensor:
    """(n, 17) mean distributions of some networks over images and their mirror images."""
    total = torch.zeros((len(images), sum(HEADS.values())), device=images.device)
    for network in networks:
        for view in (images, images.flip(3)):
            total += distributions(predict(network, view, fabric))
    return total / (2 * len(networks))


def distributions(logits: Tensor) -> Tensor:
    """(n, 17) logits -> distributions, a softmax a head."""
    return torch.cat([part.softmax(1) for part in logits.split(list(HEADS.values()), 1)], 1)


def train_network(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    how: Training,
    plan: Plan,
    fabric: Fabric,
    *,
    stronger: bool = False,
    checkpoint: Path | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> nn.Module:
    """Train one network on both labellings.

    Args:
        network: With fresh weights, or those to go on from.
        images: (n, 1, H, W) uint8, on the device.
        targets: (n, 17) float32.
        how: Schedule and seed.
        plan: Mixing.
        fabric: Device and precision.
        stronger: Whether images are changed more.
        checkpoint: As `fit`.
        progress: As `fit`.
    """
    changes = _STRONGER if stronger else _CHANGES
    smooth = torch.cat([torch.full((k,), 0.1 / k) for k in HEADS.values()]).to(targets.device)

    def batches(_: int, done: float, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        side = plan.sides[min(int(done * len(plan.sides)), len(plan.sides) - 1)]
        order = torch.randperm(len(images), generator=generator, device=images.device)[: how.steps * how.batch]

        def change(faces: Tensor) -> Tensor:
            return augment.augment(faces, changes, generator, side=side)

        for x, y in epochs_of(images, targets, order, how.batch, change):
            yield _mixed(x, 0.9 * y + smooth * (y.sum(1, keepdim=True) > 0), plan.mixing, generator)

    return fit(
        network,
        batches,
        lambda net, x, y: both_heads(net(x), y),
        how,
        fabric,
        checkpoint=checkpoint,
        progress=progress,
    )


def make_bank(
    teachers: Sequence[nn.Module], images: Tensor, plan: Plan, fabric: Fabric, *, seed: int = 0, until: float = math.inf
) -> Bank:
    """Changed copies of the set, and what the teachers say about each.

    Args:
        teachers: The networks.
        images: (n, 1, H, W) uint8, on the device.
        plan: How many views.
        fabric: Device and precision.
        seed: Of the changes.
        until: Monotonic time after which no further view is made; two are made at least.
    """
    generator = torch.Generator(fabric.device)
    generator.manual_seed(seed)
    changes = replace(_CHANGES, flip=0.0, erasing=0.0)
    seen, answers = [], []
    for _ in range(plan.views):
        changed = torch.cat([augment.augment(part.float() / 255, changes, generator) for part in images.split(4096)])
        seen.append((changed * 255).round().to(torch.uint8)[:, 0])
        answers.append(said_together(teachers, changed, fabric).half())
        if len(seen) >= 2 and time.monotonic() > until:
            break
    return Bank(torch.stack(seen), torch.stack(answers))


def distil(
    network: nn.Module,
    bank: Bank,
    targets: Tensor,
    how: Training,
    plan: Plan,
    fabric: Fabric,
    *,
    progress: Callable[[int, float], None] | None = None,
) -> nn.Module:
    """Train a network to say what the teachers say.

    Args:
        network: With fresh weights.
        bank: What the teachers said.
        targets: (n, 17) float32 labels.
        how: Schedule and seed.
        plan: Mixing and trust.
        fabric: Device and precision.
        progress: As `fit`.
    """
    views, count = bank.images.shape[:2]

    def batches(epoch: int, _: float, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(count, generator=generator, device=targets.device)[: how.steps * how.batch]
        answers = plan.trust * bank.answers[epoch % views].float() + (1 - plan.trust) * targets
        images = bank.images[epoch % views][:, None]
        for x, y in epochs_of(images, answers, order, how.batch, lambda x: _lightly(x, generator)):
            yield _mixed(x, y, plan.mixing, generator)

    return fit(network, batches, lambda net, x, y: both_heads(net(x), y), how, fabric, progress=progress)


def temperature(views: Sequence[Tensor], targets: Tensor) -> float:
    """The temperature by which a head's answers are best calibrated: least cross-entropy, sought on a fine grid.

    Args:
        views: (n, c) logits of the images, and of their mirror images where both answers are averaged.
        targets: (n, c) distributions.
    """
    grid = torch.logspace(-0.6, 0.6, 241)

    def surprise(t: float) -> float:
        told = torch.stack([(logits / t).softmax(1) for logits in views]).mean(0)
        return float(-(targets * told.clamp(min=1e-12).log()).sum(1).mean())

    return float(min(grid.tolist(), key=surprise))


def half_precision(network: nn.Module) -> Mapping[str, Tensor]:
    """The weights as they are shipped: float16, on the processor."""
    state = copy.deepcopy(network).half().state_dict()
    return {name: value.cpu() for name, value in state.items()}


def _mixed(images: Tensor, targets: Tensor, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mixup (Zhang et al., ICLR 2018) of a share of the images, each by its own draw."""
    n = len(images)
    chosen = torch.rand(n, generator=generator, device=images.device) < share
    weight = torch.rand(n, generator=generator, device=images.device)
    weight = torch.where(chosen, weight, torch.ones_like(weight))
    pixels = weight[:, None, None, None] * images + (1 - weight)[:, None, None, None] * images.flip(0)
    return pixels, weight[:, None] * targets + (1 - weight)[:, None] * targets.flip(0)


def _lightly(images: Tensor, generator: torch.Generator) -> Tensor:
    mirrored = torch.rand(len(images), generator=generator, device=images.device) < 0.5
    return augment.erase(torch.where(mirrored[:, None, None, None], images.flip(3), images), 0.25, generator)
