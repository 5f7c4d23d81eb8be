"""From a configuration to a trained network: seeds, resumption after a kill, averaged weights, and where it ran."""

from __future__ import annotations

import math
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from mien.lab.examples import Examples

__all__ = ["Training", "device_name", "fit", "make_fabric", "predict", "revision"]

Batches = Callable[[int, torch.Generator], Iterator[tuple[Tensor, Tensor]]]
Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]

_CHUNK = 1024
_LONGEST = 5.0
"""Norm to which gradients are cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a network is trained: stochastic gradient descent whose rate warms up, then follows a cosine to nothing.

    Attributes:
        seed: Of weights, order and changes.
        epochs: Passes.
        steps: Batches an epoch.
        rate: Highest learning rate.
        momentum: Nesterov's.
        decay: Of weights.
        warmup: Share of all steps in which the rate rises.
        average: Highest decay of the exponential average of weights and batch statistics, which is what is kept; it
            begins lower, so that the average of a short run does not hold the weights that it began with.
        seconds: Where given, the schedule follows the clock and ends with it, whatever the number of epochs.
    """

    seed: int = 0
    epochs: int = 30
    steps: int = 100
    rate: float = 0.1
    momentum: float = 0.9
    decay: float = 5e-4
    warmup: float = 0.05
    average: float = 0.997
    seconds: float | None = None


def make_fabric(device: str = "auto") -> Fabric:
    """One processor or GPU; mixed bfloat16 on a GPU, float32 elsewhere."""
    accelerator = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    precision = "bf16-mixed" if accelerator == "cuda" else "32-true"
    return Fabric(accelerator=accelerator, devices=1, precision=precision)


def fit(
    network: nn.Module,
    batches: Batches,
    loss: Loss,
    how: Training,
    fabric: Fabric,
    *,
    checkpoint: Path | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> nn.Module:
    """Train a network.

    Args:
        network: With fresh weights; see `seeded`.
        batches: Gives the images and targets of an epoch, from its number and the source of its draws.
        loss: Of the network on one batch.
        how: Schedule and seed.
        fabric: Device and precision.
        checkpoint: Written after each epoch; where it is there, training goes on from it.
        progress: Told the epochs done and the mean loss of the last.

    Returns:
        The network with averaged weights, on the device, set to evaluate.
    """
    # On a processor torch 2.13 ends with a segmentation fault where a convolution of one channel lies channels last.
    layout = torch.channels_last if fabric.device.type == "cuda" else torch.contiguous_format
    network = network.to(fabric.device, memory_format=layout)
    optimizer = torch.optim.SGD(
        _parameter_groups(network, how.decay), lr=how.rate, momentum=how.momentum, nesterov=True, fused=True
    )
    averaged = AveragedModel(network, avg_fn=partial(_average, how.average), use_buffers=True)
    generator = torch.Generator(fabric.device)
    state = {"network": network, "optimizer": optimizer, "averaged": averaged, "epoch": 0, "spent": 0.0}
    if checkpoint is not None and checkpoint.is_file():
        rest = fabric.load(checkpoint, {k: v for k, v in state.items() if k not in {"epoch", "spent"}})
        state |= {name: rest[name] for name in ("epoch", "spent")}
    clock = _Clock(how, float(state["spent"]))
    for epoch in range(int(state["epoch"]), how.epochs):
        if clock.done(epoch * how.steps) >= 1:
            break
        network.train()
        # Drawn anew for each epoch, so that a run that was cut off goes on as it would have.
        generator.manual_seed(how.seed * 100_003 + epoch)
        torch.manual_seed(how.seed * 100_003 + epoch)
        total, count = torch.zeros((), device=fabric.device), 0
        for images, targets in batches(epoch, generator):
            rate = how.rate * _rate(clock.done(epoch * how.steps + count), how.warmup)
            for group in optimizer.param_groups:
                group["lr"] = rate
            with fabric.autocast():
                value = loss(network, images, targets)
            fabric.backward(value)
            nn.utils.clip_grad_norm_(network.parameters(), _LONGEST)
            optimizer.step()
            optimizer.zero_grad()
            averaged.update_parameters(network)
            total, count = total + value.detach(), count + 1
        state |= {"epoch": epoch + 1, "spent": clock.spent}
        if checkpoint is not None:
            _save(fabric, checkpoint, state)
        if progress is not None:
            progress(epoch + 1, float(total) / max(1, count))
    return averaged.module.eval()


def predict(network: nn.Module, images: Tensor, fabric: Fabric) -> Tensor:
    """(n, c) float32 logits of (n, 1, H, W) images, in evaluation."""
    network.eval()
    with torch.inference_mode(), fabric.autocast():
        rows = [network(part).float() for part in images.split(_CHUNK)]
    return torch.cat(rows)


def to_device(examples: Examples, fabric: Fabric) -> tuple[Tensor, Tensor]:
    """(n, 1, H, W) uint8 images and (n, k) float32 targets where training runs."""
    images = torch.from_numpy(np.ascontiguousarray(examples.images))[:, None]
    return images.to(fabric.device), torch.from_numpy(examples.targets).to(fabric.device)


def revision() -> str:
    """The commit of the code, with ``+`` where files were changed since; ``unknown`` outside a checkout."""
    here = Path(__file__).parent
    try:
        commit = _git(here, "rev-parse", "--short", "HEAD")
        return commit + ("+" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def device_name(fabric: Fabric) -> str:
    """What computes, in words."""
    if fabric.device.type == "cuda":
        return torch.cuda.get_device_name(fabric.device)
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors"


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S607  # nosec B607
    return done.stdout.strip()


def _parameter_groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Biases and scales are not drawn to nothing."""
    vectors = [value for value in network.parameters() if value.ndim < 2]
    matrices = [value for value in network.parameters() if value.ndim >= 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


class _Clock:
    """How much of a run is done, by its steps or by the time that it was given."""

    def __init__(self, how: Training, spent: float) -> None:
        self._how, self._before, self._start = how, spent, time.monotonic()

    @property
    def spent(self) -> float:
        return self._before + time.monotonic() - self._start

    def done(self, step: int) -> float:
        if self._how.seconds is not None:
            return min(1.0, self.spent / self._how.seconds)
        return step / max(1, self._how.epochs * self._how.steps)


def _rate(done: float, warmup: float) -> float:
    """Share of the highest learning rate."""
    if done < warmup:
        return done / warmup + 1e-3
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (done - warmup) / (1 - warmup))))


def _average(decay: float, kept: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
    """Exponential average whose decay rises from nothing: of n values it is at most n / (n + 9)."""
    if not kept.is_floating_point():
        return new
    seen = float(count)
    return kept.lerp(new, 1 - min(decay, (1 + seen) / (10 + seen)))


def _save(fabric: Fabric, path: Path, state: dict[str, Any]) -> None:
    """Whole or not at all: a kill while it is written leaves the last one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    fabric.save(partial, state)
    partial.replace(path)
