"""What each way of balancing does, from the answers that ``tools/train_expression.py ablation`` left.

    python bench/balancing.py ablation.json [--json out.json]

Every arm was trained with the same seeds, for as many batches, at reduced width. Differences are from the arm that does
nothing, or from the one that has what the arm adds to, seed by seed; intervals are Student's over seeds: what another
seed would give, on these held-out images.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from report import conditions, save, table
from scipy import stats

from mien import metrics
from mien.datasets import EXPRESSIONS

MEASURES = ("accuracy", "balanced_accuracy", "macro_f1")
# What an arm adds is told by the arm that is otherwise the same.
BESIDE = {"all": "online", "logit-adjustment": "online", "class-balanced": "online"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    given = json.loads(options.runs.read_text())
    truth = np.array(given["truth"])
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for run in given["runs"]:
        confused = metrics.confusion(truth, np.array(run["told"]), len(EXPRESSIONS))
        values: dict[str, Any] = {name: float(getattr(metrics, name)(confused)) for name in MEASURES}
        values["recall"] = metrics.class_recall(confused)
        found.setdefault(run["arm"], {})[run["seed"]] = values
    seeds = sorted(set.intersection(*(set(runs) for runs in found.values())))
    if len(seeds) < 2:
        parser.error(f"expected runs of two seeds or more of every arm, got {len(seeds)}; go on with the ablation")
    figures: dict[str, Any] = {**conditions(), "trained_on": given["device"], "images": len(truth)}
    figures |= {"epochs": given["epochs"], "seeds": len(seeds)}
    figures["arms"] = [summed_up(name, found, seeds) for name in found]
    print(table(("", *MEASURES, "of", "macro-F1 more"), [row_of(row) for row in figures["arms"]]))
    if options.json:
        save(options.json, figures)


def summed_up(name: str, found: dict[str, dict[int, dict[str, Any]]], seeds: list[int]) -> dict[str, Any]:
    beside = BESIDE.get(name, "none")
    row: dict[str, Any] = {"arm": name, "beside": None if name == beside else beside}
    for measure in MEASURES:
        row[measure] = float(np.mean([found[name][seed][measure] for seed in seeds]))
        more = np.array([found[name][seed][measure] - found[beside][seed][measure] for seed in seeds])
        row[f"{measure}_more"] = spread(more)
    recall = np.mean([found[name][seed]["recall"] for seed in seeds], axis=0)
    row["recall"] = dict(zip(EXPRESSIONS, map(float, recall), strict=True))
    return row


def spread(values: np.ndarray) -> dict[str, float]:
    reach = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return {"value": float(values.mean()), "low": float(values.mean()) - reach, "high": float(values.mean()) + reach}


def row_of(row: dict[str, Any]) -> tuple[str, ...]:
    more = row["macro_f1_more"]
    cells = [f"{row[name]:.4f}" for name in MEASURES]
    return (row["arm"], *cells, row["beside"] or "", f"{more['value']:+.4f} [{more['low']:+.4f}, {more['high']:+.4f}]")


if __name__ == "__main__":
    main()
