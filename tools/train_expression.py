"""Train the shipped expression models, export them, and compare ways of training.

    python tools/train_expression.py train fer2013 out/ --model small --seconds 3600
    python tools/train_expression.py gpu fer2013 out/ --seconds 800        large, then small taught by it
    python tools/train_expression.py ship fer2013 out/                     ONNX files and what their cards say
    python tools/train_expression.py ablation fer2013 out/ --epochs 12
    python tools/train_expression.py cmnet fer2013 out/ --seconds 800

Schedules follow the clock, so that a run ends well on any machine, and a run that was stopped goes on. Only the
training part is read here, a tenth of it for selection; bench/expression.py reads PublicTest, once a shipped model.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mien import metrics
from mien.lab import augment
from mien.lab import export as onnx_export
from mien.lab.balanced import distil
from mien.lab.balanced.data import read
from mien.lab.balanced.network import build
from mien.lab.balanced.recipe import ARMS, train_arm
from mien.lab.cmnet.network import CMNet
from mien.lab.cmnet.recipe import VARIANTS, train_variant
from mien.lab.run import Training, device_name, make_fabric, predict, revision
from mien.lab.splits import hold_out

MANY = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("train", "gpu", "ship", "ablation", "cmnet"))
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=800.0)
    parser.add_argument("--model", choices=("small", "accurate", "large"), default="small")
    parser.add_argument("--init", type=Path, help="weights to go on from, .pt or a shipped .onnx")
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--half", action="store_true", help="mixed bfloat16 on a processor that has it")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--sides", type=int, nargs="+", default=[48], help="of the images, one after another")
    parser.add_argument("--epochs", type=int, default=12, help="of each run of the ablation")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--width", type=int, default=16, help="of CMNet")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.backends.cudnn.benchmark = True
    if options.threads:
        torch.set_num_threads(options.threads)
    parts = {"train": train, "gpu": gpu, "ship": ship, "ablation": ablation, "cmnet": cmnet}
    parts[options.part](options)


class Data:
    """Both sides of the training part where training runs."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.fabric = make_fabric(half=options.half or None)
        examples = read(options.data)
        held = hold_out(examples.groups, examples.labels, 0.1)
        images = torch.from_numpy(examples.images)[:, None]
        targets = torch.from_numpy(examples.targets)
        self.images, self.targets = images[~held].to(self.fabric.device), targets[~held].to(self.fabric.device)
        self.held, self.held_targets = images[held].to(self.fabric.device).float() / 255, targets[held]
        self.labels = examples.labels[held]

    def how(self, seconds: float, **changes: Any) -> Training:  # noqa: ANN401 - fields of Training
        batch = min(128, len(self.images))
        steps = len(self.images) // batch
        return Training(epochs=MANY, seconds=seconds, batch=batch, steps=steps, **changes)

    def judged(self, answers: Tensor) -> dict[str, float]:
        """Accuracy and macro-F1 of FER2013's labels, and accuracy of FER+'s where one class of seven leads."""
        ours = answers.cpu().numpy()
        table = metrics.confusion(self.labels, ours[:, :7].argmax(1), 7)
        votes = self.held_targets[:, 7:].numpy()
        best = votes.max(1)
        clear = ((votes == best[:, None]).sum(1) == 1) & (votes.argmax(1) < 7) & (best > 0)
        agreed = (ours[clear, 7:14].argmax(1) == votes[clear].argmax(1)).mean()
        figures = {"accuracy": metrics.accuracy(table), "macro_f1": metrics.macro_f1(table), "ferplus": agreed}
        return {name: round(float(value), 4) for name, value in figures.items()}


def train(options: argparse.Namespace) -> None:
    """One model from labels and votes."""
    data = Data(options)
    one(data, options, options.model, options.seconds)


def one(data: Data, options: argparse.Namespace, name: str, seconds: float) -> nn.Module:
    torch.manual_seed(7)
    network = build(name)
    if options.init:
        if options.init.suffix == ".onnx":
            some = data.images[:: max(1, len(data.images) // 2048)].cpu().float() / 255
            onnx_export.unfold(network, options.init, some)
        else:
            network.load_state_dict(torch.load(options.init, map_location="cpu", weights_only=True))

    def say(epoch: int, loss: float) -> None:
        print(f"{name} epoch {epoch}: loss {loss:.4f}", flush=True)

    trained = distil.train_network(
        network,
        data.images,
        data.targets,
        data.how(seconds, seed=7, rate=options.rate),
        distil.Plan(mixing=0.05 if name == "small" else 0.2, sides=tuple(options.sides)),
        data.fabric,
        checkpoint=options.out / f"{name}.ckpt",
        progress=say,
    )
    keep(data, options, name, trained)
    return trained


def keep(data: Data, options: argparse.Namespace, name: str, network: nn.Module) -> None:
    torch.save({key: value.cpu() for key, value in network.state_dict().items()}, options.out / f"{name}.pt")
    judged = data.judged(distil.said_together([network], data.held, data.fabric))
    facts = {"device": device_name(data.fabric), "torch": torch.__version__, "revision": revision(), **judged}
    (options.out / f"{name}.json").write_text(json.dumps(facts, indent=1))
    print(name, facts, flush=True)


def gpu(options: argparse.Namespace) -> None:
    """One network after the other, by the clock: three processes side by side got a quarter of the throughput each."""
    data, plan, until = Data(options), distil.Plan(), time.monotonic() + options.seconds
    large = one(data, options, "large", 0.5 * options.seconds)
    plain = build("plain")
    how = data.how(0.2 * options.seconds, seed=8, rate=options.rate)
    plain = distil.train_network(plain, data.images, data.targets, how, plan, data.fabric)
    bank = distil.make_bank(
        [large, plain], data.images, plan, data.fabric, until=time.monotonic() + 0.08 * options.seconds
    )
    torch.manual_seed(9)
    left = until - time.monotonic() - 10
    small = distil.distil(
        build("small"), bank, data.targets, data.how(left, seed=9, rate=0.1, decay=2e-4), plan, data.fabric
    )
    keep(data, options, "small", small)


def ship(options: argparse.Namespace) -> None:
    """ONNX, parity, and temperatures fitted on what was held out."""
    data = Data(options)
    for name in ("small", "accurate", "large"):
        path = options.out / f"{name}.pt"
        if not path.is_file():
            continue
        network = build(name)
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        ready = onnx_export.shipped(network)
        file = options.out / f"expression-{name}.onnx"
        written = onnx_export.export(ready, file)
        pixels = (data.held[:256, 0].cpu() * 255).round().to(torch.uint8).numpy()
        # The larger ones are shown each face and its mirror image.
        shown = [data.held.cpu()] + ([data.held.cpu().flip(3)] if name != "small" else [])
        views = [predict(ready, images, make_fabric("cpu")) for images in shown]
        facts = {
            "sha256": hashlib.sha256(written).hexdigest(),
            "bytes": len(written),
            "parity": onnx_export.parity(ready, file, pixels),
            "temperatures": [
                round(distil.temperature([view[:, part] for view in views], data.held_targets[:, part]), 4)
                for part in (slice(0, 7), slice(7, 14))
            ],
        }
        print(name, json.dumps(facts), flush=True)


def ablation(options: argparse.Namespace) -> None:
    """Each arm with each seed, for as many epochs as every other; reduced width."""
    data = Data(options)
    rows = begun(options.out / "ablation.json")
    for seed in range(options.seeds):
        for name, arm in ARMS.items():
            if any(row["arm"] == name and row["seed"] == seed for row in rows):
                continue
            torch.manual_seed(seed)
            how = replace(data.how(0, seed=seed), seconds=None, epochs=options.epochs)
            network = train_arm(build("reduced"), data.images, data.targets, how, data.fabric, arm=arm)
            told = predict(network, data.held, data.fabric)[:, :7].argmax(1).cpu().numpy()
            rows.append({"arm": name, "seed": seed, "told": told.tolist()})
            table(data, options, "ablation", rows, epochs=options.epochs)
            print(f"{name} seed {seed}: {(told == data.labels).mean():.4f}", flush=True)


def cmnet(options: argparse.Namespace) -> None:
    """Each variant with five paired seeds, on whole faces and with either half covered."""
    data, seeds = Data(options), 5
    views = {"clean": data.held, **{side: augment.cover_half(data.held, side) for side in ("left", "right")}}
    share = options.seconds / (seeds * len(VARIANTS))
    rows: list[dict[str, Any]] = []
    for seed in range(seeds):
        for name, variant in VARIANTS.items():
            torch.manual_seed(seed)
            network = CMNet(options.width, **variant)
            network = train_variant(network, data.images, data.targets, data.how(share, seed=seed), data.fabric)
            told = {view: predict(network, images, data.fabric).argmax(1).tolist() for view, images in views.items()}
            rows.append({"variant": name, "seed": seed, "told": told})
            table(data, options, "cmnet", rows)
            scores = {view: round(float((np.array(one) == data.labels).mean()), 4) for view, one in told.items()}
            print(f"{name} seed {seed}: {scores}", flush=True)


def begun(path: Path) -> list[dict[str, Any]]:
    """The runs that are done already."""
    return json.loads(path.read_text())["runs"] if path.is_file() else []


def table(data: Data, options: argparse.Namespace, name: str, rows: list[dict[str, Any]], **facts: int) -> None:
    report = {"device": device_name(data.fabric), **facts, "truth": data.labels.tolist(), "runs": rows}
    (options.out / f"{name}.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main()
