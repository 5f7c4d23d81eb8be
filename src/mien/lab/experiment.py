"""A method from its data to a report: split, seeds, training, selection on what was held out, one test, export."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import nn

from mien import metrics
from mien.errors import InvalidArgument, WrongLayout
from mien.lab import export as onnx_export
from mien.lab.examples import Examples
from mien.lab.method import Method
from mien.lab.report import write_report
from mien.lab.run import device_name, make_fabric, predict, revision, to_device
from mien.lab.splits import hold_out, require_apart

__all__ = ["ROOMS", "evaluate", "export", "find_method", "methods", "train"]

ROOMS = ("balanced", "cmnet")
"""Rooms of the lab; each has a ``recipe`` module with its ``METHOD``."""

_SHARE = 0.1


def methods() -> Mapping[str, Method]:
    """Every method by name."""
    found = [importlib.import_module(f"mien.lab.{room}.recipe").METHOD for room in ROOMS]
    return MappingProxyType({method.name: method for method in found})


def find_method(name: str) -> Method:
    """The method of that name.

    Raises:
        InvalidArgument: There is none.
    """
    known = methods()
    if name not in known:
        raise InvalidArgument(f"method: expected one of {', '.join(known)}, got {name!r}")
    return known[name]


def train(
    method: Method,
    data: Path,
    out: Path,
    *,
    epochs: int | None = None,
    seeds: int = 1,
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Train with several seeds, keep the one that does best on a tenth that is held out by group.

    Args:
        method: What to train.
        data: What its reader takes.
        out: Folder of checkpoints, ``weights.pt``, ``report.json`` and ``report.html``; a run that was stopped goes on.
        epochs: Passes, the method's by default.
        seeds: How many.
        device: As `make_fabric`.
        progress: Told epochs done, and of how many, over all seeds.

    Returns:
        The report.
    """
    examples = method.read(data)
    held = hold_out(examples.groups, examples.labels, _SHARE)
    require_apart(examples.groups, held)
    ours, theirs = examples.take(~held), examples.take(held)
    how = replace(method.how, epochs=epochs or method.how.epochs, batch=min(method.how.batch, len(ours)))
    how = replace(how, steps=max(1, len(ours) // how.batch))
    fabric = make_fabric(device)
    images, targets = to_device(ours, fabric)
    runs: list[dict[str, Any]] = []
    for seed in range(seeds):
        torch.manual_seed(seed)

        def told(done: int, _: float, seed: int = seed) -> None:
            if progress is not None:
                progress(seed * how.epochs + done, seeds * how.epochs)

        start = time.monotonic()
        checkpoint = out / f"seed{seed}.ckpt"
        network = method.train(
            method.build(), images, targets, replace(how, seed=seed), fabric, checkpoint=checkpoint, progress=told
        )
        judged = _judged(method, network, theirs, device)
        if not runs or judged["macro_f1"]["value"] > max(run["macro_f1"]["value"] for run in runs):
            torch.save({name: value.cpu() for name, value in network.state_dict().items()}, out / "weights.pt")
        runs.append({"seed": seed, "seconds": round(time.monotonic() - start, 1), **judged})
    report = {**_conditions(method, device), "data": ours.digest, "held_out": len(theirs)}
    report |= {"trained_on": len(ours), "how": asdict(how), "runs": runs}
    return _written(out, "report", report)


def evaluate(method: Method, data: Path, out: Path, *, device: str = "auto") -> dict[str, Any]:
    """Judge the weights that were kept, on data that neither training nor selection saw.

    Args:
        method: What was trained.
        data: What its reader takes.
        out: As `train` left it; gets ``test.json`` and ``test.html``.
        device: As `make_fabric`.

    Returns:
        The report.
    """
    examples = method.read(data)
    judged = _judged(method, _kept(method, out), examples, device)
    report = {**_conditions(method, device), "data": examples.digest, "images": len(examples), "runs": [judged]}
    return _written(out, "test", report)


def export(method: Method, out: Path, file: Path) -> dict[str, Any]:
    """Write the weights that were kept as ONNX, and compare what it says with what torch says.

    Args:
        method: What was trained.
        out: As `train` left it.
        file: Where to.

    Raises:
        InvalidArgument: They do not agree.
    """
    network = onnx_export.shipped(_kept(method, out))
    data = onnx_export.export(network, file)
    noise = np.random.default_rng(0).integers(0, 256, (16, 48, 48), np.uint8)
    return {"file": str(file), "bytes": len(data), "difference": onnx_export.parity(network, file, noise)}


def _kept(method: Method, out: Path) -> nn.Module:
    path = out / "weights.pt"
    if not path.is_file():
        raise WrongLayout(f"{path}: not there; expected what mien lab train wrote", path=str(path))
    network = method.build()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()


def _judged(method: Method, network: nn.Module, examples: Examples, device: str) -> dict[str, Any]:
    """Figures with intervals that draw groups, by class and by source."""
    fabric = make_fabric(device)
    images, _ = to_device(examples, fabric)
    count = len(method.classes)
    told = predict(network.to(fabric.device), images.float() / 255, fabric)[:, :count].argmax(1).cpu().numpy()
    labelled = examples.labels >= 0
    truth, told, groups = examples.labels[labelled], told[labelled], examples.groups[labelled]
    figures: dict[str, Any] = {}
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        value, low, high = metrics.bootstrap_by_subject(getattr(metrics, name), truth, told, groups, count)
        figures[name] = {"value": round(value, 4), "low": round(low, 4), "high": round(high, 4)}
    recall = metrics.class_recall(metrics.confusion(truth, told, count))
    figures["recall"] = {
        name: None if np.isnan(value) else round(float(value), 4)
        for name, value in zip(method.classes, recall, strict=True)
    }
    sources = examples.source[labelled]
    figures["by_source"] = {
        str(source): round(float((told == truth)[sources == source].mean()), 4) for source in np.unique(sources)
    }
    return figures


def _conditions(method: Method, device: str) -> dict[str, Any]:
    said = {"method": method.name, "paper": method.paper, "revision": revision()}
    return {**said, "device": device_name(make_fabric(device)), "torch": torch.__version__}


def _written(out: Path, name: str, report: dict[str, Any]) -> dict[str, Any]:
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    write_report(out / f"{name}.html", report)
    return report
