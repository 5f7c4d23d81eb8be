"""What a method is to the lab: its data, its network, how it is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from mien.lab.examples import Examples
from mien.lab.losses import soft_cross_entropy
from mien.lab.run import Training, fit

__all__ = ["Method", "Trainer", "train_plain"]


class Trainer(Protocol):
    """Trains a network; what a method adds to plain training is in here."""

    def __call__(
        self,
        network: nn.Module,
        images: Tensor,
        targets: Tensor,
        how: Training,
        fabric: Fabric,
        *,
        checkpoint: Path | None = None,
        progress: Callable[[int, float], None] | None = None,
    ) -> nn.Module:
        """Train on (n, 1, H, W) uint8 images and (n, k) float32 targets, both on the device; returns what is kept."""


def train_plain(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    how: Training,
    fabric: Fabric,
    *,
    checkpoint: Path | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> nn.Module:
    """Cross-entropy on images as they are; see `Trainer`."""

    def batches(_: int, __: float, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(images), generator=generator, device=images.device)
        for rows in order[: how.steps * how.batch].split(how.batch):
            yield images[rows].float() / 255, targets[rows]

    def loss(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return soft_cross_entropy(network(x), y)

    return fit(network, batches, loss, how, fabric, checkpoint=checkpoint, progress=progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A method of the lab.

    Attributes:
        name: What `mien lab` calls it.
        title: A few words.
        paper: What it follows, and how far.
        classes: Names of the first outputs.
        read: Its data from a folder or file.
        build: A network with fresh weights: (n, 1, H, W) grey of 0 to 1 -> logits, ``classes`` first.
        train: Trains it.
        how: The schedule that is used unless told otherwise.
    """

    name: str
    title: str
    paper: str
    classes: tuple[str, ...]
    read: Callable[[Path], Examples]
    build: Callable[[], nn.Module]
    train: Trainer = train_plain
    how: Training = Training()  # noqa: RUF009 - frozen
