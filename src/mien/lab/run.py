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

__all__ = ["Training", "device_name", "fit", "make_fabric", "predict", "revision", "to_device"]

Batches = Callable[[int, float, torch.Generator], Iterator[tuple[Tensor, Tensor]]]
Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]

_CHUNK = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a network is trained: stochastic gradient descent whose rate warms up, then follows a cosine to nothing.

    Attributes:
        seed: Of weights, order and changes.
        epochs: Passes, at most.
        steps: Batches an epoch.
        batch: Images a step.
        rate: Highest learning rate.
        momentum: Nesterov's.
        decay: Of weights.
        warmup: Share of all steps in which the rate rises.
        clip: Largest norm of the gradient.
        average: Decay of the exponential average of the weights, which is what is kept; it begins with a short memory,
            since a long one would still hold the first weights when a short run ends.
        seconds: How long the run takes, where that is what is given: the schedule then follows the clock, so that a
            slower machine trains for fewer epochs and still ends with a rate of nothing.
    """

    seed: int = 0
    epochs: int = 30
    steps: int = 100
    batch: int = 128
    rate: float = 0.1
    momentum: float = 0.9
    decay: float = 5e-4
    warmup: float = 0.05
    clip: float = 5.0
    average: float = 0.997
    seconds: float | None = None


def make_fabric(device: str = "auto", *, half: bool | None = None) -> Fabric:
    """One processor or GPU.

    Args:
        device: ``"cpu"``, ``"cuda"`` or ``"auto"``.
        half: Whether to compute in mixed bfloat16; on a GPU alone by default. Processors without its instructions
            are slower with it.
    """
    accelerator = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    mixed = accelerator == "cuda" if half is None else half
    return Fabric(accelerator=accelerator, devices=1, precision="bf16-mixed" if mixed else "32-true")


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
        network: With fresh weights.
        batches: Gives the images and targets of an epoch, from its number, the share of the run that is over, and the
            source of its draws.
        loss: Of the network on one batch.
        how: Schedule and seed.
        fabric: Device and precision.
        checkpoint: Written after each epoch; where it is there, training goes on from it.
        progress: Told the epochs done and the mean loss of the last.

    Returns:
        The network with averaged weights, on the device, set to evaluate.
    """
    network = _laid_out(network.to(fabric.device), fabric)
    optimizer = torch.optim.SGD(
        _parameter_groups(network, how.decay), lr=how.rate, momentum=how.momentum, nesterov=True, fused=True
    )
    averaged = AveragedModel(network, multi_avg_fn=_averaging(how.average), use_buffers=True)
    generator = torch.Generator(fabric.device)
    state = {"network": network, "optimizer": optimizer, "averaged": averaged, "epoch": 0, "spent": 0.0}
    if checkpoint is not None and checkpoint.is_file():
        state |= fabric.load(checkpoint, {k: v for k, v in state.items() if k not in {"epoch", "spent"}})
    clock = _Clock(how, state)
    while not clock.over:
        network.train()
        # Drawn anew for each epoch, so that a run that was cut off goes on as it would have; dropout draws from torch's
        # own source.
        generator.manual_seed(how.seed * 100_003 + state["epoch"])
        torch.manual_seed(how.seed * 100_003 + state["epoch"])
        total, count = torch.zeros((), device=fabric.device), 0
        for images, targets in batches(state["epoch"], clock.done(0), generator):
            for group in optimizer.param_groups:
                group["lr"] = how.rate * _share_of_rate(clock.done(count), how.warmup)
            with fabric.autocast():
                value = loss(network, images, targets)
            fabric.backward(value)
            nn.utils.clip_grad_norm_(network.parameters(), how.clip)
            optimizer.step()
            optimizer.zero_grad()
            averaged.update_parameters(network)
            total, count = total + value.detach(), count + 1
            if clock.late:
                break
        clock.epoch_ended()
        if checkpoint is not None:
            _save(fabric, checkpoint, state)
        if progress is not None:
            progress(state["epoch"], float(total) / max(1, count))
    return averaged.module.eval()


class _Clock:
    """How far a run is: by batches, or by the time spent on it."""

    def __init__(self, how: Training, state: dict[str, Any]) -> None:
        self._how, self._state = how, state
        self._began = time.monotonic() - float(state["spent"])

    @property
    def late(self) -> bool:
        return self._how.seconds is not None and time.monotonic() - self._began >= self._how.seconds

    @property
    def over(self) -> bool:
        return self.late or int(self._state["epoch"]) >= self._how.epochs

    def done(self, steps: int) -> float:
        """The share of the run that is over after some batches of the epoch."""
        if self._how.seconds is not None:
            return min(1.0, (time.monotonic() - self._began) / self._how.seconds)
        return (int(self._state["epoch"]) * self._how.steps + steps) / (self._how.epochs * self._how.steps)

    def epoch_ended(self) -> None:
        self._state["epoch"] += 1
        self._state["spent"] = time.monotonic() - self._began


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
        return str(torch.cuda.get_device_name(fabric.device))
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors"


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S607  # nosec B607
    return done.stdout.strip()


def _laid_out(network: nn.Module, fabric: Fabric) -> nn.Module:
    """Weights channels last, which is faster on a GPU, and on a processor in bfloat16.

    In float32 on a processor, or over one channel, torch 2.13 ends with a segmentation fault now and then.
    """
    with fabric.autocast():
        half = torch.is_autocast_enabled("cpu")
    if fabric.device.type == "cpu" and not half:
        return network
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and min(module.in_channels, module.out_channels) > 1:
            module.to(memory_format=torch.channels_last)
    return network


def _parameter_groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Biases and scales are not drawn to nothing."""
    vectors = [value for value in network.parameters() if value.ndim < 2]
    matrices = [value for value in network.parameters() if value.ndim >= 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


def _averaging(longest: float) -> Callable[..., None]:
    """An exponential average whose memory grows from a few steps to its longest."""

    def update(averages: list[Tensor], values: list[Tensor], count: Tensor | int) -> None:
        kept = min(longest, (1 + int(count)) / (10 + int(count)))
        get_ema_multi_avg_fn(kept)(averages, values, count)

    return update


def _share_of_rate(done: float, warmup: float) -> float:
    if done < warmup:
        return done / warmup + 1e-3
    return 0.5 * (1 + float(np.cos(np.pi * min(1.0, (done - warmup) / (1 - warmup)))))


def _save(fabric: Fabric, path: Path, state: dict[str, Any]) -> None:
    """Whole or not at all: a kill while it is written leaves the last one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    fabric.save(partial, state)
    partial.replace(path)
