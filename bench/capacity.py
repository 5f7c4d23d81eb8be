"""What the size of a gallery costs in missed people, at a stated FPIR of 1 %.

    python bench/capacity.py --lfw lfw_dev.zip [--people 10000000] [--json docs/benchmarks/capacity.json]

Strangers are compared with ever more people: the threshold that 1 % of them reach rises. People and strangers are
synthetic, drawn with the second moments of templates of LFW photographs, each on their own; relatives and twins are not
among them. The share of missed people at each threshold is that of real pairs of LFW photographs, one vote a person,
with an interval over people. Beyond what is measured the threshold goes on along a straight line over the logarithm of
the number of people: that is paper, and marked so.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from draws import Draws
from numpy.typing import NDArray
from report import conditions, save, table

from mien.types import Array

FPIR = 0.01
STRANGERS = 2000
SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
DRAWS = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lfw", type=Path, required=True, help="lfw_dev.zip")
    parser.add_argument("--people", type=int, default=10_000_000, help="how far to measure")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    draw = Draws(options.lfw, 128, share=0.0)
    assert draw.anchors is not None
    measured = thresholds(draw, options.people)
    sizes = np.log10([*measured])
    slope, start = np.polyfit(sizes[-3:], [*measured.values()][-3:], 1)
    scores, people = mates(draw.anchors, draw.labels)
    rows = []
    for size in SIZES:
        threshold = measured.get(size, float(start + slope * np.log10(size)))
        rows.append(
            {"people": size, "threshold": threshold, "measured": size in measured, **missed(scores, people, threshold)}
        )
    figures: dict[str, Any] = {
        **conditions(),
        "fpir": FPIR,
        "strangers": STRANGERS,
        "pairs": len(scores),
        "sizes": rows,
    }
    print(
        table(
            ("people", "threshold", "missed", "of"),
            [
                (
                    f"{row['people']:,}",
                    f"{row['threshold']:.3f}",
                    f"{row['fnir']:.2%} [{row['low']:.2%}, {row['high']:.2%}]",
                    "measured" if row["measured"] else "paper",
                )
                for row in rows
            ],
        )
    )
    if options.json:
        save(options.json, figures)


def thresholds(draw: Draws, count: int) -> dict[int, float]:
    """The score that 1 % of strangers reach, by number of people."""
    strangers, _ = draw.probes(count, STRANGERS, mated=False, seed=11)
    best, seen, found = np.full(STRANGERS, -1.0, np.float32), 0, {}
    for part in draw.people(count):
        scores = strangers @ part.T
        for size in SIZES:
            if seen < size <= seen + len(part):
                upto = np.maximum(best, scores[:, : size - seen].max(1))
                found[size] = float(np.quantile(upto, 1 - FPIR))
        best = np.maximum(best, scores.max(1))
        seen += len(part)
    return found


def mates(templates: Array, labels: NDArray[Any]) -> tuple[list[Array], NDArray[Any]]:
    """Scores of all pairs of photographs of each person who has several."""
    names = [name for name in np.unique(labels) if np.count_nonzero(labels == name) > 1]
    scores = []
    for name in names:
        own = templates[labels == name]
        one, other = np.triu_indices(len(own), 1)
        scores.append(np.asarray((own[one] * own[other]).sum(1)))
    return scores, np.array(names)


def missed(scores: list[Array], people: NDArray[Any], threshold: float) -> dict[str, float]:
    """Share of pairs below the threshold, one vote a person, with a 95 % interval over draws of people."""
    votes = np.array([float((own < threshold).mean()) for own in scores])
    random = np.random.default_rng(0)
    means = votes[random.integers(len(people), size=(DRAWS, len(people)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {"fnir": float(votes.mean()), "low": float(low), "high": float(high)}


if __name__ == "__main__":
    main()
