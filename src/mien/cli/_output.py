"""What commands print: results on stdout, everything about the run on stderr."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from mien.errors import MienError

if TYPE_CHECKING:
    from mien.types import Decision

__all__ = [
    "compared",
    "count",
    "error_document",
    "print_download",
    "print_error",
    "print_failures",
    "print_json",
    "print_json_list",
    "print_moment",
    "print_progress",
    "print_table",
    "printable",
]

_ROWS = 1000


def printable(text: object) -> str:
    """The text with control characters escaped: labels and file names are not to steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``"1 face"``, ``"2 faces"``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def compared(decision: Decision) -> str:
    """How a score stood against its threshold, where there were both."""
    if not math.isfinite(decision.score):
        return "nothing to compare"
    if not math.isfinite(decision.threshold):
        return f"score {decision.score:.3f}, no threshold"
    sign = ">=" if decision.score >= decision.threshold else "<"
    return f"score {decision.score:.3f} {sign} threshold {decision.threshold:.3f}"


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on one line, ASCII, so that every terminal and every parser takes it."""
    print(json.dumps(document, allow_nan=False))


def print_json_list(schema: str, name: str, items: Iterable[Mapping[str, Any]]) -> None:
    """As `print_json`, a document of one list, printed as it comes: it is never held as a whole."""
    print(f'{{"schema": {json.dumps(schema)}, {json.dumps(name)}: [', end="")
    for number, item in enumerate(items):
        print(", " if number else "", json.dumps(item, allow_nan=False), sep="", end="")
    print("]}")


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns padded to their widest cell; of rows without end, to the widest so far."""
    cells = chain([header], rows)
    widths = [0] * len(header)
    while table := [[printable(cell) for cell in row] for row in islice(cells, _ROWS)]:
        widths = [max(width, *(len(row[column]) for row in table)) for column, width in enumerate(widths)]
        for row in table:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def error_document(error: MienError, source: str | None = None) -> dict[str, Any]:
    """The error as JSON, with the image it is about where it is one of many."""
    document: dict[str, Any] = {"schema": "mien.error/1"}
    if source is not None:
        document["source"] = source
    return {**document, "error": error.to_dict()}


def print_error(error: MienError, *, as_json: bool) -> None:
    """One line on stderr, and the error as a document on stdout where JSON is asked for."""
    if as_json:
        print_json(error_document(error))
    print(f"mien: error: {printable(error.message)}", file=sys.stderr)


def print_failures(failures: Sequence[tuple[str, str]], total: int) -> None:
    """How many of the images failed, and why each did; nothing where none did."""
    if not failures:
        return
    print(f"mien: {len(failures)} of {count(total, 'image')} failed:", file=sys.stderr)
    for source, message in failures:
        line = message if source in message else f"{source}: {message}"
        print(f"  {printable(line)}", file=sys.stderr)


def print_progress(done: int, total: int, what: str, *, elapsed: float | None = None) -> None:
    """A counter that redraws itself on stderr; nothing where stderr is no terminal.

    Args:
        done: How many are done.
        total: Of how many.
        what: Of what.
        elapsed: Seconds it took so far; tells rate and time left.
    """
    if not sys.stderr.isatty():
        return
    pace = ""
    if elapsed is not None and done:
        from mien.render.words import clock

        pace = f", {done / max(elapsed, 1e-9):.1f} a second, {clock(elapsed / done * (total - done))} left "
    end = "\n" if done >= total else ""
    print(f"\r{what} {done:,}/{total:,}{pace}", end=end, file=sys.stderr, flush=True)


def print_moment(moment: float | None, *, start: float = 0.0, end: float = 0.0, elapsed: float = 0.0) -> None:
    """How far into a video a run is, and how long it still takes; redraws itself on stderr where that is a terminal.

    Args:
        moment: Seconds into the video; None wipes the line, for something else to be printed.
        start: Where the run began.
        end: Where it will end.
        elapsed: Seconds it took so far.
    """
    if not sys.stderr.isatty():
        return
    text = ""
    if moment is not None:
        from mien.render.words import clock

        done, whole = moment - start, end - start
        left = f", {clock(round(elapsed * (whole - done) / done))} left" if 0 < done < whole else ""
        text = f"{clock(int(done))} of {clock(round(whole))}{left}"
    print(f"\r{text:<40}\r", end="", file=sys.stderr, flush=True)


def print_download(name: str, done: int, total: int | None) -> None:
    """As `print_progress`, for the bytes of a download."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        size = f"{done / 1e6:.1f}" if total is None else f"{done / 1e6:.1f}/{total / 1e6:.1f}"
        print(f"\r{printable(name)} {size} MB", end=end, file=sys.stderr, flush=True)
