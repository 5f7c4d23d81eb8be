"""Whether a stated FPIR holds for people the calibration has never seen: galleries of 100, 1,000 and 3,000, open set.

    python bench/open_set.py --lfw lfw_dev.zip [--splits 40] [--json docs/benchmarks/open_set.json]

People of LFW are split at random, many times. At 100 and 1,000 people the calibration is fitted to one half, gallery
and strangers are drawn from the other: nobody is on both sides. At 3,000 people there are too few for that: the gallery
is drawn from those the calibration was fitted to, and only the strangers are new. Beside the stated rate stands what
1 - (1 - FMR)^N would have chosen. A photograph that stands in the set under two names is left out.
"""

from __future__ import annotations

import argparse
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from report import conditions, save, table

from mien import metrics
from mien.datasets import Record, duplicate_groups
from mien.evaluation import Samples, embed
from mien.recognition import default_pipeline
from mien.types import Array

STATED = 0.01
SIZES = (100, 1000, 3000)
STRANGERS = 280


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lfw", type=Path, required=True, help="lfw_dev.zip")
    parser.add_argument("--splits", type=int, default=40, help="random splits of the people")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    samples = lfw(options.lfw)
    given = [(samples.templates, samples.people, samples.failed, seed) for seed in range(options.splits)]
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(one_split, given))
    figures = conditions() | {"stated": STATED, "splits": options.splits, "captures": len(samples.records)}
    figures |= {"people": len(np.unique(samples.people)), "sha256": samples.sha256, "galleries": []}
    for column, size in enumerate(SIZES):
        rows = np.array([split[column] for split in found])
        measured, inside, naive, strangers = rows.T
        low, high = metrics.wilson(int(inside.sum()), len(inside))
        figures["galleries"].append(
            {
                "people": size,
                "strangers": int(strangers[0]),
                "measured": float(measured.mean()),
                "spread": np.quantile(measured, [0.025, 0.975]).tolist(),
                "inside": {"value": float(inside.mean()), "low": low, "high": high},
                "independent": float(naive.mean()),
            }
        )
    print(
        table(
            ("gallery", "strangers", "stated", "measured", "of 95 % of splits", "in its interval", "1-(1-FMR)^N gives"),
            [
                (
                    f"{row['people']:,}",
                    f"{row['strangers']:,}",
                    f"{STATED:g}",
                    f"{row['measured']:.4f}",
                    f"{row['spread'][0]:.4f} to {row['spread'][1]:.4f}",
                    f"{row['inside']['value']:.0%}",
                    f"{row['independent']:.4f}",
                )
                for row in figures["galleries"]
            ],
        )
    )
    if options.json:
        save(options.json, figures)


def lfw(path: Path) -> Samples:
    """Crops, and the frames of people who have none; photographs under two names left out."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        closely = {name.split("/")[1] for name in names if name.startswith("crops/")}
        chosen = [name for name in names if name.startswith("crops/") or name.split("/")[1] not in closely]
        frames = [name for name in names if name.startswith("frames/")]
        groups = duplicate_groups(Record(name.split("/")[1], name, archive.read(name)) for name in frames)
        named_twice = (group for group in groups if len({record.person for record in group}) > 1)
        twice = {Path(record.capture).name for group in named_twice for record in group}
        print(f"{len(twice)} captures left out: their photograph stands in the set under two names")
        known = [name for name in chosen if Path(name).name not in twice]
        return embed((Record(name.split("/")[1], name, archive.read(name)) for name in known), default_pipeline())


def one_split(given: tuple[Array, NDArray[Any], NDArray[np.bool_], int]) -> list[tuple[float, bool, float, int]]:
    """By size: measured FPIR, whether it lies in its interval, what independence would have given, and strangers."""
    templates, people, failed, seed = given
    rng = np.random.default_rng(seed)
    names = rng.permutation(np.unique(people))
    rows = []
    for size in SIZES:
        new = names[: len(names) // 2] if size < 3000 else names[:STRANGERS]
        there = np.isin(people, new)
        fitted = metrics.all_searches(templates[~there], people[~there], failed=failed[~there], draws=5, reach=0.1)
        threshold = fitted.threshold_at_fpir(size, STATED)
        independent = fitted.threshold_at_fpir(1, 1 - (1 - STATED) ** (1 / size))
        others, gallery_people = (new, new) if size < 3000 else (new, names[STRANGERS:])
        best = searched(templates, people, others, gallery_people, size, rng)
        low, high = fitted.predict_fpir(size, threshold, strangers=len(best))
        measured = float(np.mean(best >= threshold))
        rows.append((measured, low <= measured <= high, float(np.mean(best >= independent)), len(best)))
    return rows


def searched(
    templates: Array,
    people: NDArray[Any],
    strangers: NDArray[Any],
    enrolled: NDArray[Any],
    size: int,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Best score of one search for each stranger, in a gallery of ``size`` of the others, one image each."""
    order = rng.permutation(len(people))
    first = dict(zip(people[order][::-1], order[::-1], strict=True))
    gallery = rng.choice(enrolled, size, replace=False)
    outside = np.setdiff1d(strangers, gallery)
    scores = templates[[first[name] for name in outside]] @ templates[[first[name] for name in gallery]].T
    return np.asarray(scores.max(axis=1))


if __name__ == "__main__":
    main()
