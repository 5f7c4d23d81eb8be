"""How numbers stand in the pages, and where the files are that they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "docs" / "benchmarks"


def table(rows: list[list[str]]) -> str:
    """Rows as a Markdown table."""
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def conditions(results: dict[str, Any], how: str) -> str:
    """Where, when and how a run was made, as its file says."""
    day = results["date"].partition("T")[0]
    return f"\nMeasured {day} with `{results['command']}`: {how}, {results['cpus']} CPUs ({results['cpu']}).\n"


def small(rate: float, digits: int = 1) -> str:
    """A rate in powers of ten: ``1.2e-4``."""
    return f"{rate:.{digits}e}".replace("e-0", "e-")


def counted(number: int, noun: str) -> str:
    """``1 face``, ``2 faces``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def share(rate: dict[str, float]) -> str:
    """A share of many draws with its interval."""
    return f"{rate['value']:.1%} [{rate['low']:.1%}, {rate['high']:.1%}]"


def percent(rate: dict[str, float]) -> str:
    """A rate with its interval."""
    return f"{rate['value']:.2%} [{rate['low']:.2%}, {rate['high']:.2%}]"


def points(difference: dict[str, float]) -> str:
    """A difference of rates, in percentage points."""
    value, low, high = (100 * difference[key] for key in ("value", "low", "high"))
    return f"{value:+.2f} points [{low:+.2f}, {high:+.2f}]"


def thousandths(difference: dict[str, float] | None) -> str:
    if difference is None:
        return ""
    value, low, high = (1e3 * difference[key] for key in ("value", "low", "high"))
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"
