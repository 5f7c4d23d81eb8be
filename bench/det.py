"""Time and memory of all comparisons of LFW to a full DET curve with 1,000 draws of people as bands.

    python bench/det.py --lfw lfw_dev.zip [--json docs/benchmarks/det.json]

7 million comparisons are those of the crops; 30 million those of the frames and of so many crops as it takes. Beside
them stands what scikit-learn's `roc_curve` takes for the 7 million scores alone, without bands and without people, and
the product of the templates, which nobody can go below. Each runs in a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import time
import zipfile
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from report import conditions, save, table

from mien import metrics
from mien.datasets import Record
from mien.evaluation import embed
from mien.recognition import default_pipeline
from mien.types import Array

DRAWS = 1000
THIRTY_MILLION = 7_760


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lfw", type=Path, required=True, help="lfw_dev.zip")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    crops, frames = (lfw(options.lfw, part) for part in ("crops/", "frames/"))
    both = tuple(np.concatenate(columns)[:THIRTY_MILLION] for columns in zip(frames, crops, strict=True))
    cases: list[tuple[str, Callable[[Array, NDArray[Any]], int], Any]] = [
        ("DET with bands, crops", det_with_bands, crops),
        ("scikit-learn's ROC, crops", roc, crops),
        ("product of the templates, crops", product, crops),
        ("DET with bands, 30 million", det_with_bands, both),
    ]
    figures = conditions() | {"draws": DRAWS, "runs": []}
    for name, work, given in cases:
        with get_context("spawn").Pool(1) as pool:
            comparisons, seconds, peak = pool.apply(measured, (work, *given))
        figures["runs"].append({"name": name, "comparisons": comparisons, "seconds": seconds, "peak_mb": peak / 1e6})
    print(
        table(
            ("", "comparisons", "seconds", "peak memory"),
            [
                (run["name"], f"{run['comparisons']:,}", f"{run['seconds']:.1f}", f"{run['peak_mb']:.0f} MB")
                for run in figures["runs"]
            ],
        )
    )
    ours, theirs = figures["runs"][0]["seconds"], figures["runs"][1]["seconds"]
    figures["to_scikit_learn"] = ours / theirs
    print(f"with bands {ours / theirs:.2f} times what scikit-learn takes without")
    figures["curve"] = curve(*crops)
    if options.json:
        save(options.json, figures)


def curve(templates: Array, people: NDArray[Any]) -> dict[str, Any]:
    """The trade-off of the crops itself, for a picture of it."""
    pairs = metrics.all_pairs(templates, people, bins=256)
    found = metrics.det_bands(pairs, points=60, replicates=DRAWS)
    shown = found.fmr < 0.5
    columns = {name: getattr(found, name)[shown].round(9).tolist() for name in ("fmr", "fnmr", "low", "high")}
    return {**columns, "supported_from": metrics.lowest_supported_fmr(pairs)}


def lfw(path: Path, part: str) -> tuple[Array, NDArray[np.str_]]:
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith(part) and name.endswith(".jpg"))
        samples = embed((Record(name.split("/")[1], name, archive.read(name)) for name in names), default_pipeline())
    return samples.templates[~samples.failed], samples.people[~samples.failed]


def measured(
    work: Callable[[Array, NDArray[Any]], int], templates: Array, people: NDArray[Any]
) -> tuple[int, float, int]:
    start = time.perf_counter()
    comparisons = work(templates, people)
    return comparisons, time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def det_with_bands(templates: Array, people: NDArray[Any]) -> int:
    pairs = metrics.all_pairs(templates, people, bins=256)
    curve = metrics.det_bands(pairs, replicates=DRAWS)
    assert curve.low is not None
    return pairs.non_mated_total + len(pairs.mated)


def roc(templates: Array, people: NDArray[Any]) -> int:
    from sklearn.metrics import roc_curve

    rows, columns = np.triu_indices(len(templates), 1)
    scores = (templates @ templates.T)[rows, columns]
    roc_curve(people[rows] == people[columns], scores)
    return len(scores)


def product(templates: Array, people: NDArray[Any]) -> int:
    for start in range(0, len(templates), 1024):
        templates[start : start + 1024] @ templates[start:].T
    return len(people) * (len(people) - 1) // 2


if __name__ == "__main__":
    main()
