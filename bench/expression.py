"""How often the shipped expression models are right on FER2013's PublicTest, and how fast they are beside ``fer``.

    python bench/expression.py --fer2013 fer2013_train_public.zip [--json out.json]

PublicTest is read here and nowhere else, once a shipped model. Images that also stand in the training part pixel by
pixel are left out (the whole part is given beside). Of FER+, images count whose votes have one winner among the seven
classes. Intervals draw images, copies of one together. For speed all classify the same 48x48 crops on as many
processors, in turns and in processes of their own; resizing and scaling are part of it. ``fer`` lives in an environment
under bench/.envs, made on first use.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from report import conditions, save, table
from throughput import environment

from mien import media, metrics, models
from mien.datasets import EXPRESSIONS, ExpressionRecord, read_fer2013
from mien.expression import MODELS, ExpressionRecognizer
from mien.types import Array, Image

HERE = Path(__file__).resolve().parent
BATCHES = (1, 64)
ROUNDS = 5
REPEATS = 200
PEERS = {"fer, its default (quantised TFLite)": "tflite", "fer, Keras": "keras"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fer2013", type=Path, required=True, help="the set as folders, or a zip archive of them")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--worker", nargs=2, metavar=("MODEL", "BATCH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(np.load(options.fer2013), options.worker[0], int(options.worker[1]), options.threads)
        return
    figures: dict[str, Any] = {**conditions(), "threads": options.threads}
    figures["weights"] |= {name: models.card(name).artefact.sha256 for name in MODELS.values()}
    with tempfile.TemporaryDirectory() as folder:
        public = Public(unpacked(options.fer2013, Path(folder)))
        figures |= {"images": len(public.truth), "identical": int((~public.kept).sum())}
        figures["models"] = {name: judged(name, public, options.threads) for name in MODELS}
        crops = Path(folder) / "crops.npy"
        np.save(crops, public.images[:512])
        figures["speed"] = speed(crops, options)
        if not options.no_peers:
            figures["fer"] = peer_accuracy(public, Path(folder), options.threads)
    show(figures)
    if options.json:
        save(options.json, figures)


def unpacked(source: Path, folder: Path) -> Path:
    if source.is_dir():
        return source
    with zipfile.ZipFile(source) as archive:
        archive.extractall(folder)
    return folder / "fer2013"


class Public:
    """PublicTest: images, labels, the winner of FER+ votes (-1 where there is none), and which images to keep."""

    def __init__(self, root: Path) -> None:
        entries = list(read_fer2013(root))
        public = [entry for entry in entries if entry.subset == "public"]
        training = {digest(pixels(entry)) for entry in entries if entry.subset == "train"}
        self.images: Image = np.stack([pixels(entry) for entry in public])
        digests = [digest(image) for image in self.images]
        self.kept = np.array([one not in training for one in digests])
        self.truth = np.array([EXPRESSIONS.index(entry.expression or "") for entry in public])
        self.winner = np.array([winner(entry.votes) for entry in public])
        # Copies of one image are no new evidence.
        self.groups = np.unique(digests, return_inverse=True)[1]


def pixels(entry: ExpressionRecord) -> Image:
    return np.asarray(cv2.cvtColor(media.read(entry.record.source), cv2.COLOR_RGB2GRAY), np.uint8)


def digest(image: Image) -> str:
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()


def winner(votes: tuple[int, ...] | None) -> int:
    """The class with most votes; -1 for ties, and where contempt, unknown or not-a-face leads."""
    counts = np.array(votes or (0,) * 10)
    best = np.flatnonzero(counts == counts.max())
    return int(best[0]) if len(best) == 1 and best[0] < len(EXPRESSIONS) else -1


def judged(model: str, public: Public, threads: int) -> dict[str, Any]:
    """Figures of one model: FER2013's labels, FER+'s winners, and the same on all images."""
    ours = ExpressionRecognizer(model, threads=threads).predict(public.images)
    voted = ExpressionRecognizer(model, labels="ferplus", threads=threads).predict(public.images)
    clear = public.winner >= 0
    return {
        "bytes": models.fetch(MODELS[model]).path.stat().st_size,
        "fer2013": scores(ours, public.truth, public.groups, public.kept),
        "fer2013_all": scores(ours, public.truth, public.groups, np.ones_like(public.kept)),
        "ferplus": scores(voted, public.winner, public.groups, public.kept & clear),
        "ferplus_all": scores(voted, public.winner, public.groups, clear),
        "ferplus_by_fer2013_output": scores(ours, public.winner, public.groups, public.kept & clear),
    }


def scores(told: Array, truth: NDArray[np.int64], groups: NDArray[np.int64], rows: NDArray[np.bool_]) -> dict[str, Any]:
    answers, labels = told[rows], truth[rows]
    result: dict[str, Any] = {"images": len(labels)}
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        drawn = metrics.bootstrap_by_subject(getattr(metrics, name), labels, answers.argmax(1), groups[rows], 7)
        result[name] = dict(zip(("value", "low", "high"), drawn, strict=True))
    recall = metrics.class_recall(metrics.confusion(labels, answers.argmax(1), 7))
    result["recall"] = dict(zip(EXPRESSIONS, map(float, recall), strict=True))
    result["calibration_error"] = metrics.calibration_error(answers / answers.sum(1, keepdims=True), labels)
    return result


def work(crops: Image, model: str, batch: int, threads: int) -> None:
    """A process of its own: seconds of each run on one batch."""
    recognizer = ExpressionRecognizer(model, threads=threads)
    part = crops[:batch]
    for _ in range(10):
        recognizer.predict(part)
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        recognizer.predict(part)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds}))


def speed(crops: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Milliseconds a crop: median of a process's runs, median over rounds; ratios are of one round."""
    systems = [*MODELS, *([] if options.no_peers else PEERS)]
    rows = []
    for batch in BATCHES:
        times: dict[str, list[float]] = {name: [] for name in systems}
        for _ in range(options.rounds):
            for name in systems:
                seconds = json.loads(
                    subprocess.run(command(name, crops, batch, options), **_CAPTURED).stdout.splitlines()[-1]
                )
                times[name].append(median(seconds["seconds"]) / batch * 1e3)
        for name in systems:
            ratios = [theirs / ours for theirs, ours in zip(times[name], times["small"], strict=True)]
            spread = {"min": min(times[name]), "max": max(times[name])}
            rows.append(
                {"system": name, "batch": batch, "ms": median(times[name]), **spread, "to_small": median(ratios)}
            )
    return rows


_CAPTURED: dict[str, Any] = {"check": True, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}


def command(name: str, crops: Path, batch: int, options: argparse.Namespace) -> list[str]:
    threads = str(options.threads)
    if name in PEERS:
        return [*peer(crops, threads, PEERS[name]), str(batch), str(REPEATS), "-"]
    own = [sys.executable, __file__, "--fer2013", str(crops), "--threads", threads]
    return [*own, "--worker", name, str(batch)]


def peer(crops: Path, threads: str, way: str) -> list[str]:
    python = environment("fer", ["fer", "setuptools<81", "tensorflow-cpu"])
    return [str(python), str(HERE / "peers" / "run_fer.py"), str(crops), threads, way]


def peer_accuracy(public: Public, folder: Path, threads: int) -> dict[str, Any]:
    """The peer's own two ways on the same images."""
    every, results = folder / "public.npy", {}
    np.save(every, public.images)
    for name, way in PEERS.items():
        out = folder / f"{way}.npy"
        subprocess.run([*peer(every, str(threads), way), "1", "1", str(out)], **_CAPTURED)
        results[name] = scores(np.load(out), public.truth, public.groups, public.kept)
    return results


def show(figures: dict[str, Any]) -> None:
    rows: list[tuple[str, ...]] = []
    for name, model in figures["models"].items():
        for part in ("fer2013", "fer2013_all", "ferplus", "ferplus_all", "ferplus_by_fer2013_output"):
            found = model[part]
            cells = [f"{found[key]['value']:.4f}" for key in ("accuracy", "balanced_accuracy", "macro_f1")]
            rows.append((f"{name}, {part}", f"{found['images']:,}", *cells, f"{found['calibration_error']:.4f}"))
    for name, found in figures.get("fer", {}).items():
        cells = [f"{found[key]['value']:.4f}" for key in ("accuracy", "balanced_accuracy", "macro_f1")]
        rows.append((name, f"{found['images']:,}", *cells, f"{found['calibration_error']:.4f}"))
    print(table(("", "images", "accuracy", "balanced", "macro-F1", "ECE"), rows))
    fast: list[tuple[str, ...]] = [
        (
            f"{row['system']}, batch {row['batch']}",
            f"{row['ms']:.3f}",
            f"{row['min']:.3f}-{row['max']:.3f}",
            f"{row['to_small']:.2f}",
        )
        for row in figures["speed"]
    ]
    print(table(("ms a crop", "median", "min-max", "to small"), fast))
    print(f"mien {metadata.version('mien')}, load average {figures['load_average'][0]:.1f}")


if __name__ == "__main__":
    main()
