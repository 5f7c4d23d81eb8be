"""Train the shipped expression models, and compare ways of training, side by side on one GPU in a given time.

    python tools/train_expression.py pack fer2013/ fer2013.npz
    python tools/train_expression.py all fer2013.npz out/ --seconds 540

``pack`` writes the training part only: PublicTest is read by bench/expression.py, once a shipped model.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien import metrics
from mien.lab import augment
from mien.lab.balanced import distil
from mien.lab.balanced.data import load, split
from mien.lab.balanced.network import HEADS, build
from mien.lab.balanced.recipe import ARMS, train_arm
from mien.lab.cmnet.recipe import VARIANTS, train_variant
from mien.lab.run import Training, device_name, make_fabric, predict

TEACHERS = ("teacher", "plain", "teacher", "plain", "teacher")
STUDENTS = {"small": 0.16, "medium": 0.16, "accurate": 0.6}
BATCH = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("pack", "all", "ship", "ablation", "cmnet"))
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=540.0)
    parser.add_argument("--images", type=int, help="only so many, and small networks: for a rehearsal")
    parser.add_argument("--epochs", type=int, default=20, help="of an arm and of a variant")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--width", type=int, default=16, help="of CMNet")
    options = parser.parse_args()
    if options.part == "pack":
        pack(options.data, options.out)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    options.until = time.monotonic() + options.seconds
    torch.backends.cudnn.benchmark = True
    if options.part == "all":
        side_by_side(options)
    else:
        {"ship": ship, "ablation": ablation, "cmnet": cmnet}[options.part](options)


def pack(root: Path, out: Path) -> None:
    """Images, targets and the held-out tenth in one file, for a machine that has nothing else."""
    examples = load(root, "train", progress=lambda done: print(f"\r{done:,} images", end="", file=sys.stderr))
    np.savez_compressed(
        out, images=examples.images, targets=examples.targets, labels=examples.labels, held=split(examples)
    )
    print(f"{len(examples):,} images, {len(np.unique(examples.groups)):,} of them no copies; sha256 {examples.digest}")


def side_by_side(options: argparse.Namespace) -> None:
    """Each part as a process of its own: what one leaves idle another uses."""
    rest = ["--seconds", str(options.seconds - 5), "--epochs", str(options.epochs), "--seeds", str(options.seeds)]
    rest += ["--width", str(options.width), *(["--images", str(options.images)] if options.images else [])]
    parts = {}
    for part in ("ship", "ablation", "cmnet"):
        command = [sys.executable, __file__, part, str(options.data), str(options.out), *rest]
        parts[part] = subprocess.Popen(command)
    for part, process in parts.items():
        try:
            print(part, "ended with", process.wait(max(1.0, options.until - time.monotonic())), flush=True)
        except subprocess.TimeoutExpired:
            process.kill()
            print(part, "ran out of time", flush=True)


class Data:
    """Both sides of the training part where training runs."""

    def __init__(self, path: Path, images: int | None, device: torch.device) -> None:
        with np.load(path) as packed:
            rows = np.sort(np.random.default_rng(0).permutation(len(packed["held"]))[:images])
            held = packed["held"][rows]
            pixels, targets = packed["images"][rows], packed["targets"][rows]
            self.labels: NDArray[np.int64] = packed["labels"][rows][held]
        self.images = torch.from_numpy(pixels[~held])[:, None].to(device)
        self.targets = torch.from_numpy(targets[~held]).to(device)
        self.held_images = torch.from_numpy(pixels[held])[:, None].to(device)
        self.held_targets = torch.from_numpy(targets[held]).to(device)

    @property
    def steps(self) -> int:
        return max(1, len(self.images) // BATCH)

    def held(self) -> Tensor:
        return self.held_images.float() / 255


def judged(answers: Tensor, data: Data) -> dict[str, float]:
    """Accuracy and macro-F1 on the held-out tenth: FER2013's labels, and FER+'s where one class of seven leads."""
    ours = answers.cpu().numpy()
    table = metrics.confusion(data.labels, ours[:, :7].argmax(1), 7)
    votes = data.held_targets[:, 7:].cpu().numpy()
    best = votes.max(1)
    clear = ((votes == best[:, None]).sum(1) == 1) & (votes.argmax(1) < 7) & (best > 0)
    agreed = (ours[clear, 7:14].argmax(1) == votes[clear].argmax(1)).mean()
    return {
        "accuracy": round(float(metrics.accuracy(table)), 4),
        "macro_f1": round(float(metrics.macro_f1(table)), 4),
        "ferplus": round(float(agreed), 4),
        "ferplus_images": int(clear.sum()),
    }


def ship(options: argparse.Namespace) -> None:
    fabric = make_fabric()
    data = Data(options.data, options.images, fabric.device)
    plan = distil.Plan(batch=min(BATCH, len(data.images)))
    report: dict[str, Any] = {"device": device_name(fabric), "torch": torch.__version__, "models": {}}
    report["plan"] = asdict(plan)

    def sized(name: str) -> str:
        return "tiny" if options.images else name

    def left() -> float:
        return float(options.until - time.monotonic())

    def say(name: str, facts: dict[str, Any]) -> None:
        report["models"][name] = facts
        (options.out / "ship.json").write_text(json.dumps(report, indent=1))
        print(f"{options.seconds - left():6.0f} s  {name}: {json.dumps(facts)}", flush=True)

    teachers, share = [], left() * 0.45 / len(TEACHERS)
    for number, name in enumerate(TEACHERS):
        start = time.monotonic()
        epoch = distil.seconds_an_epoch(sized(name), data.images, data.targets, plan, data.steps, fabric)
        epochs = int(np.clip((share - (time.monotonic() - start)) / epoch, 1, 80))
        how = Training(seed=number, epochs=epochs, steps=data.steps, rate=0.1 if name == "teacher" else 0.05)
        teachers.append(
            distil.train_teacher(sized(name), data.images, data.targets, how, plan, fabric, stronger=number % 4 >= 2)
        )
        alone = distil.said_together(teachers[-1:], data.held(), fabric)
        seconds = round(time.monotonic() - start, 1)
        say(f"teacher {number} ({name})", {**judged(alone, data), "epochs": epochs, "seconds": seconds})
    held = distil.said_together(teachers, data.held(), fabric)
    say("teachers together", judged(held, data))
    start = time.monotonic()
    bank = distil.make_bank(teachers, data.images, plan, fabric, until=time.monotonic() + left() * 0.2)
    say("bank", {"views": len(bank.images), "seconds": round(time.monotonic() - start, 1)})
    answers = {"teachers": held.cpu().numpy()}
    whole = left() - 8
    for name, part in STUDENTS.items():
        start = time.monotonic()
        given = min(whole * part, left() - 6) if name != "accurate" else left() - 8
        epoch = distil.seconds_an_epoch(sized(name), data.images, data.targets, plan, data.steps, fabric)
        epochs = int(np.clip((given - (time.monotonic() - start)) / epoch * 0.95, 1, 400))
        torch.manual_seed(100)
        how = Training(seed=100, epochs=epochs, steps=data.steps, rate=0.1, decay=2e-4)
        network = distil.distil(build(sized(name)), bank, data.targets, how, plan, fabric)
        torch.save(distil.half_precision(network), options.out / f"{name}.pt")
        logits = predict(network, data.held(), fabric)
        answers[name] = logits.cpu().numpy()
        np.savez(options.out / "held.npz", **answers)
        once = judged(distil.distributions(logits), data)
        twice = judged(distil.said_together([network], data.held(), fabric), data)
        facts: dict[str, Any] = {
            **once,
            "mirrored_too": twice,
            "epochs": epochs,
            "seconds": round(time.monotonic() - start, 1),
        }
        say(name, facts)


def ablation(options: argparse.Namespace) -> None:
    fabric = make_fabric()
    data = Data(options.data, options.images, fabric.device)
    rows: list[dict[str, Any]] = []
    for seed in range(options.seeds):
        for name, arm in ARMS.items():
            if time.monotonic() > options.until - 5:
                return
            start = time.monotonic()
            torch.manual_seed(seed)
            how = Training(seed=seed, epochs=options.epochs, steps=data.steps)
            size, batch = ("tiny" if options.images else "reduced"), min(BATCH, len(data.images))
            network = train_arm(build(size), data.images, data.targets, arm, how, fabric, batch=batch)
            told = predict(network, data.held(), fabric)[:, :7].argmax(1).cpu().numpy()
            rows.append({"arm": name, "seed": seed, "epochs": options.epochs, "told": told.tolist()})
            rows[-1]["seconds"] = round(time.monotonic() - start, 2)
            report = {"device": device_name(fabric), "truth": data.labels.tolist(), "runs": rows}
            (options.out / "ablation.json").write_text(json.dumps(report))
            score = float((told == data.labels).mean())
            print(f"ablation {name} seed {seed}: {score:.4f} in {rows[-1]['seconds']} s", flush=True)


def cmnet(options: argparse.Namespace) -> None:
    fabric = make_fabric()
    data = Data(options.data, options.images, fabric.device)
    views = {"clean": data.held(), **{side: augment.cover_half(data.held(), side) for side in ("left", "right")}}
    rows: list[dict[str, Any]] = []
    for seed in range(5 if options.seeds >= 3 else options.seeds):
        for name in VARIANTS:
            if time.monotonic() > options.until - 5:
                return
            start = time.monotonic()
            how = Training(seed=seed, epochs=options.epochs, steps=data.steps)
            network = train_variant(
                name, data.images, data.targets, how, fabric, width=options.width, batch=min(BATCH, len(data.images))
            )
            told = {view: predict(network, images, fabric).argmax(1).tolist() for view, images in views.items()}
            seconds = round(time.monotonic() - start, 2)
            rows.append({"variant": name, "seed": seed, "epochs": options.epochs, "told": told, "seconds": seconds})
            report = {"device": device_name(fabric), "truth": data.labels.tolist(), "runs": rows, "heads": HEADS}
            (options.out / "cmnet.json").write_text(json.dumps(report))
            scores = {view: round(float((np.array(values) == data.labels).mean()), 4) for view, values in told.items()}
            print(f"cmnet {name} seed {seed}: {scores} in {seconds} s", flush=True)


if __name__ == "__main__":
    main()
