"""CMNet's Model 5 against its own trunk, from the answers that ``tools/train_expression.py cmnet`` left.

    python bench/cmnet.py cmnet.json [--json out.json]

Both were trained on the same images in the same order from the same seed, so the difference is taken seed by seed. Its
interval is Student's over seeds: what another seed would give, on these held-out images.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from report import conditions, save, table
from scipy import stats

VIEWS = ("clean", "left", "right")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    given = json.loads(options.runs.read_text())
    truth = np.array(given["truth"])
    figures: dict[str, Any] = {**conditions(), "trained_on": given["device"], "images": len(truth)}
    figures["epochs"] = given["runs"][0].get("epochs")
    right = {
        (run["variant"], run["seed"], view): float((np.array(run["told"][view]) == truth).mean())
        for run in given["runs"]
        for view in VIEWS
    }
    seeds = sorted({seed for variant, seed, _ in right if variant == "trunk"})
    figures["seeds"] = len(seeds)
    figures["rows"] = [
        {"variant": variant, "view": view, **compared(right, variant, view, seeds)}
        for variant in ("m5", "m5-mirrored")
        for view in (*VIEWS, "half")
    ]
    print(table(("", "trunk", "it", "difference", "95 %"), [row_of(row) for row in figures["rows"]]))
    if options.json:
        save(options.json, figures)


def compared(right: dict[tuple[str, int, str], float], variant: str, view: str, seeds: list[int]) -> dict[str, Any]:
    """Accuracies and their paired difference; ``half`` is the mean of both covered halves."""
    views = ("left", "right") if view == "half" else (view,)
    ours, trunk = (
        np.array([np.mean([right[name, seed, one] for one in views]) for seed in seeds]) for name in (variant, "trunk")
    )
    difference = ours - trunk
    reach = float(stats.t.ppf(0.975, len(seeds) - 1) * difference.std(ddof=1) / np.sqrt(len(seeds)))
    middle = float(difference.mean())
    return {
        "trunk": float(trunk.mean()),
        "accuracy": float(ours.mean()),
        "difference": {"value": middle, "low": middle - reach, "high": middle + reach},
    }


def row_of(row: dict[str, Any]) -> tuple[str, ...]:
    found = row["difference"]
    cells = [f"{value:+.4f}" for value in (found["value"], found["low"], found["high"])]
    accuracies = [f"{row[key]:.4f}" for key in ("trunk", "accuracy")]
    return (f"{row['variant']}, {row['view']}", *accuracies, cells[0], f"{cells[1]} to {cells[2]}")


if __name__ == "__main__":
    main()
