"""From a configuration to a trained network: seeds, resumption after a kill, averaged weights, and where it ran."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mien.lab.examples import Examples

__all__ = ["Training", "device_name", "fit", "make_fabric", "predict", "revision"]

Batches = Callable[[int, torch.Generator], Iterator[tuple[Tensor, Tensor]]]
Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]

_CHUNK = 1024


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
        average: Decay of the exponential average of the weights, which is what is kept.
    """

    seed: int = 0
    epochs: int = 30
    steps: int = 100
    rate: float = 0.1
    momentum: float = 0.9
    decay: float = 5e-4
    warmup: float = 0.05
    average: float = 0.998


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
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, how))
    averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(how.average), use_buffers=True)
    generator = torch.Generator(fabric.device)
    state = {"network": network, "optimizer": optimizer, "schedule": schedule, "averaged": averaged, "epoch": 0}
    if checkpoint is not None and checkpoint.is_file():
        state["epoch"] = fabric.load(checkpoint, {k: v for k, v in state.items() if k != "epoch"})["epoch"]
    for epoch in range(int(state["epoch"]), how.epochs):
        network.train()
        # Drawn anew for each epoch, so that a run that was cut off goes on as it would have.
        generator.manual_seed(how.seed * 100_003 + epoch)
        total, count = torch.zeros((), device=fabric.device), 0
        for images, targets in batches(epoch, generator):
            with fabric.autocast():
                value = loss(network, images, targets)
            fabric.backward(value)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            averaged.update_parameters(network)
            total, count = total + value.detach(), count + 1
        state["epoch"] = epoch + 1
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
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S607
    return done.stdout.strip()


def _parameter_groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Biases and scales are not drawn to nothing."""
    vectors = [value for value in network.parameters() if value.ndim < 2]
    matrices = [value for value in network.parameters() if value.ndim >= 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


def _rate(step: int, how: Training) -> float:
    done = step / max(1, how.epochs * how.steps)
    if done < how.warmup:
        return done / how.warmup + 1e-3
    return 0.5 * (1 + float(np.cos(np.pi * min(1.0, (done - how.warmup) / (1 - how.warmup)))))


def _save(fabric: Fabric, path: Path, state: dict[str, Any]) -> None:
    """Whole or not at all: a kill while it is written leaves the last one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    fabric.save(partial, state)
    partial.replace(path)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What a function gives, and its seconds."""
    start = time.perf_counter()
    return work(), time.perf_counter() - start
