"""How often the stated intervals hold what they are to hold, on simulated populations and on halves of LFW.

    python bench/coverage.py --lfw lfw_dev.zip [--draws 2000] [--halves 200] [--json docs/benchmarks/coverage.json]

Simulated (synthetic): 500 people with two samples each; a score is the sum of what both people bring and of the pair's
own noise, standard normal in all, so that the false match rate at every threshold is known. `effect` is the standard
deviation of what one person brings. Beside Mien's interval stands the bootstrap in which weights multiply, on the
first draws. LFW: on random halves of the people, a threshold is fitted to one half; the prediction interval is to hold
the rate that the other half measures: in all its comparisons, and in searches of one gallery drawn from it for the rest
of its people.
"""

from __future__ import annotations

import argparse
import os
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from report import conditions, save, table
from scipy import stats

from mien import metrics
from mien.datasets import Record
from mien.evaluation import Samples, embed
from mien.recognition import default_pipeline
from mien.types import Array

RATES = (1e-2, 1e-3, 1e-4)
EFFECTS = (0.0, 0.2, 0.4)
SEARCHES = ((100, 1e-1), (100, 1e-2), (500, 1e-1), (500, 1e-2))
PEOPLE = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lfw", type=Path, help="lfw_dev.zip; without it only the simulation runs")
    parser.add_argument("--draws", type=int, default=2000, help="simulated populations of each kind")
    parser.add_argument("--bootstrap-draws", type=int, default=200, help="of which the bootstrap sees so many")
    parser.add_argument("--halves", type=int, default=200, help="random halves of the people of LFW")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    figures: dict[str, Any] = conditions()
    with ProcessPoolExecutor() as pool:
        figures["simulated"] = simulated(pool, options.draws, options.bootstrap_draws)
        if options.lfw:
            figures |= halves(pool, lfw(options.lfw), options.halves)
    if options.json:
        save(options.json, figures)


def simulated(pool: ProcessPoolExecutor, draws: int, bootstrap_draws: int) -> list[dict[str, Any]]:
    rows = []
    for effect in EFFECTS:
        seeds = np.random.SeedSequence([17, int(100 * effect)]).spawn(draws)
        found = np.array(
            list(
                pool.map(
                    one_population,
                    [(effect, seed, at < bootstrap_draws) for at, seed in enumerate(seeds)],
                    chunksize=20,
                )
            )
        )
        for column, rate in enumerate(RATES):
            inside, supported, bootstrap = found[:, column].T
            row: dict[str, Any] = {"effect": effect, "fmr": rate, "supported": float(supported.mean())}
            row |= {"interval": covered(inside), "bootstrap": covered(bootstrap[:bootstrap_draws])}
            rows.append(row)
    print(
        table(
            ("people's sd", "FMR", "supported", "interval covers", "bootstrap covers"),
            [
                (
                    f"{r['effect']:g}",
                    f"{r['fmr']:g}",
                    f"{r['supported']:.1%}",
                    told(r["interval"]),
                    told(r["bootstrap"]),
                )
                for r in rows
            ],
        )
    )
    return rows


def one_population(given: tuple[float, np.random.SeedSequence, bool]) -> list[tuple[bool, bool, bool]]:
    """Whether the interval holds the true rate, whether it is supported, and whether the bootstrap holds it."""
    effect, seed, with_bootstrap = given
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(PEOPLE), 2)
    brought = (rng.normal(size=PEOPLE) * effect)[people]
    noise = np.triu(rng.normal(size=(len(people), len(people))), 1) * np.sqrt(1 - 2 * effect**2)
    pairs = metrics.scored_pairs(brought[:, None] + brought + noise + noise.T, people, reach=0.05)
    rows = []
    for rate in RATES:
        threshold = float(stats.norm.isf(rate))
        stated = metrics.estimate_fmr(pairs, threshold)
        drawn = metrics.bootstrap_fmr(pairs, threshold, replicates=400) if with_bootstrap else stated
        rows.append((stated.low <= rate <= stated.high, stated.supported, drawn.low <= rate <= drawn.high))
    return rows


def lfw(path: Path) -> Samples:
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith("crops/") and name.endswith(".jpg"))
        records = (Record(name.split("/")[1], name, archive.read(name)) for name in names)
        return embed(records, default_pipeline())


def halves(pool: ProcessPoolExecutor, samples: Samples, count: int) -> dict[str, Any]:
    given = [(samples.templates, samples.people, samples.failed, seed) for seed in range(count)]
    found = np.array(list(pool.map(one_half, given, chunksize=5)))
    compared: list[dict[str, Any]] = [
        {"fmr": rate, "covered": covered(found[:, column])} for column, rate in enumerate(RATES)
    ]
    searched: list[dict[str, Any]] = [
        {"gallery": size, "fpir": rate, "covered": covered(found[:, len(RATES) + column])}
        for column, (size, rate) in enumerate(SEARCHES)
    ]
    rows: list[tuple[str, ...]] = [(f"FMR {row['fmr']:g}", told(row["covered"])) for row in compared]
    rows += [(f"FPIR {row['fpir']:g} of {row['gallery']:,} people", told(row["covered"])) for row in searched]
    print(table((f"LFW crops, {count} halves", "prediction covers"), rows))
    return {
        "lfw": {"captures": len(samples.records), "people": len(np.unique(samples.people)), "sha256": samples.sha256},
        "halves": compared,
        "searches": searched,
    }


def one_half(given: tuple[Any, ...]) -> list[bool]:
    templates, people, failed, seed = given
    names = np.unique(people)
    mine = np.isin(people, np.random.default_rng(seed).permutation(names)[: len(names) // 2])
    here, there = (metrics.all_pairs(templates[side], people[side], failed=failed[side]) for side in (mine, ~mine))
    inside = []
    for rate in RATES:
        threshold = metrics.threshold_at_fmr(here.tail, rate, total=here.non_mated_total)
        low, high = metrics.predict_fmr(here, threshold, people=there.subjects)
        inside.append(low <= metrics.estimate_fmr(there, threshold).value <= high)
    searches = metrics.all_searches(templates[mine], people[mine], failed=failed[mine], draws=2, reach=0.1, seed=seed)
    for size, rate in SEARCHES:
        threshold = searches.threshold_at_fpir(size, rate)
        best = search(templates[~mine], people[~mine], size, np.random.default_rng(seed))
        low, high = searches.predict_fpir(size, threshold, strangers=len(best))
        inside.append(low <= float(np.mean(best >= threshold)) <= high)
    return inside


def search(templates: Array, people: NDArray[Any], size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Best score of one search for everybody who is not in a gallery of ``size`` people, one image each."""
    order = rng.permutation(len(people))
    rows = order[np.unique(people[order], return_index=True)[1]]
    rows = rng.permutation(rows)
    return np.asarray((templates[rows[size:]] @ templates[rows[:size]].T).max(axis=1))


def covered(inside: np.ndarray) -> dict[str, float]:
    low, high = metrics.wilson(int(inside.sum()), len(inside))
    return {"value": float(inside.mean()), "low": low, "high": high, "draws": len(inside)}


def told(row: dict[str, float]) -> str:
    return f"{row['value']:.1%} [{row['low']:.1%}, {row['high']:.1%}]"


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()
