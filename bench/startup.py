"""How long `mien --help` takes beside importing NumPy, and `mien detect` until its first result.

    python bench/startup.py [--photo photo.jpg] [--json out.json]

The commands take turns. The bar is `mien --help` in less than three times `python -c "import numpy"`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from report import conditions, save, table

BAR = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, help="time `mien detect` on this photo as well")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    figures: dict[str, Any] = {**conditions(), "repeats": options.repeats}
    mien = [sys.executable, "-m", "mien"]
    commands = {
        'python -c "import numpy"': [sys.executable, "-c", "import numpy"],
        "mien --help": [*mien, "--help"],
        "mien --version": [*mien, "--version"],
    }
    if options.photo:
        commands["mien detect PHOTO"] = [*mien, "detect", str(options.photo)]
    seconds = measure(commands, options.repeats)
    baseline = seconds['python -c "import numpy"']
    figures["commands"] = {
        name: {
            "seconds": median(times),
            "min": min(times),
            "max": max(times),
            "to_numpy": median([mine / theirs for mine, theirs in zip(times, baseline, strict=True)]),
        }
        for name, times in seconds.items()
    }
    show(figures)
    if options.json:
        save(options.json, figures)


def measure(commands: dict[str, list[str]], repeats: int) -> dict[str, list[float]]:
    """Wall time of each command, in turns, after a run that fills the caches and is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(repeats + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if number:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def show(figures: dict[str, Any]) -> None:
    rows: list[tuple[str, ...]] = [
        (name, f"{f['seconds'] * 1e3:.0f}", f"{f['min'] * 1e3:.0f}-{f['max'] * 1e3:.0f}", f"{f['to_numpy']:.2f}")
        for name, f in figures["commands"].items()
    ]
    print(table(("command", "ms", "min-max", "to numpy"), rows))
    ratio = figures["commands"]["mien --help"]["to_numpy"]
    verdict = "met" if ratio < BAR else "MISSED"
    print(f"mien --help to importing numpy: {ratio:.2f} (bar: under {BAR:g}, {verdict})")
    print(f"load average {figures['load_average'][0]:.1f}")


if __name__ == "__main__":
    main()
