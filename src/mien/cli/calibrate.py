"""``mien calibrate``: fit thresholds on your own images."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from mien.cli._options import Commands, a_path, add_format, add_recogniser, chosen_pipeline
from mien.cli._output import count, print_failures, print_json, print_progress, print_table, printable
from mien.errors import InputError

if TYPE_CHECKING:
    from mien.recognition import Calibration

__all__ = ["register", "run"]

EPILOG = """\
The folder holds a folder per person, each with several images of that person taken as yours will be. A false match
rate is promised only down to where 30 false matches of 30 people stand behind it: the more people, the lower.

With --groups, a CSV table with a header and a row a person (folder name, then a column an attribute), it warns where
the people of a group are taken for one another more often than stated by more than the interval.

examples:
  mien calibrate --from people/
  mien calibrate --from people/ --groups groups.csv
"""


def register(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "calibrate",
        help="fit thresholds on your own images",
        description="Fit the thresholds of every error rate on your own people and cameras.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--from", dest="folder", type=a_path, required=True, metavar="DIR", help="a folder per person")
    parser.add_argument(
        "--output", type=a_path, metavar="FILE", help="where to write it (default: where Mien looks for yours first)"
    )
    parser.add_argument(
        "--groups", type=a_path, metavar="FILE", help="a CSV table of people's groups: stated rates are checked in each"
    )
    add_recogniser(parser)
    add_format(parser, "table", "json")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Fit, save, and print what may now be promised."""
    from mien.datasets import read_groups
    from mien.media import list_images
    from mien.recognition import default_pipeline, refit

    failures: list[tuple[str, str]] = []
    calibration = refit(
        arguments.folder,
        pipeline=chosen_pipeline(arguments) or default_pipeline(),
        groups=None if arguments.groups is None else read_groups(arguments.groups),
        progress=_progress,
        on_error=lambda source, error: failures.append((source, error.message)),
    )
    path = calibration.save(arguments.output)
    if arguments.format == "json":
        print_json(calibration.to_dict())
    else:
        _print(calibration)
        print(f"\nsaved as {printable(path)}")
    print_failures(failures, len(list_images(arguments.folder)))
    return InputError.exit_status if failures else 0


def _progress(done: int, total: int) -> None:
    print_progress(done, total, "images")


def _print(calibration: Calibration) -> None:
    population = calibration.population
    print(f"{printable(calibration.name)}: {count(population.people, 'person', 'people')}, ", end="")
    print(f"{count(population.images, 'image')}; {printable(population.limits)}")
    for kind, comparison in calibration.comparisons.items():
        print(f"\n{kind}: {comparison.mated:,} mated and {comparison.non_mated:,} non-mated comparisons")
        rows = [(f"{p.fmr:g}", p.threshold, p.low, p.high, p.fnmr) for p in comparison.supported]
        _print_points("FMR", "FNMR", rows)
        bounds = [(point.fmr, point.high) for point in comparison.points if not point.supported]
        _print_bound("FMR", bounds)
    if calibration.identification:
        print("\nsearches of a gallery")
    supported = [p for p in calibration.identification if p.supported]
    searches = [(f"{p.fpir:g} of {p.gallery:,} people", p.threshold, p.low, p.high, p.fnir) for p in supported]
    _print_points("FPIR", "FNIR", searches)
    _print_bound("FPIR", [(point.fpir, point.high) for point in calibration.identification if not point.supported])
    _print_groups(calibration)


def _print_groups(calibration: Calibration) -> None:
    """The groups for which a stated rate does not hold, at the highest rate at which it does not."""
    if not calibration.groups:
        return
    worst = {(one.attribute, one.group): one for one in reversed(calibration.groups) if one.exceeds}
    if not worst:
        print("\nno group exceeds a stated rate by more than its interval")
        return
    print("\nWARNING: within these groups the stated false match rate does not hold")
    rows = [
        (
            f"{one.attribute} {one.group}",
            count(one.people, "person", "people"),
            f"{one.stated:g}",
            f"{one.fmr:.2g}",
            f"{one.low:.2g} to {one.high:.2g}",
        )
        for one in worst.values()
    ]
    print_table(["group", "", "stated FMR", "within it", "95 % interval"], rows)
    print("Ask for a lower rate where such people are compared with one another.")


def _print_points(rate: str, missed: str, points: list[tuple[str, float, float, float, float]]) -> None:
    if points:
        rows = [(at, f"{t:.3f}", f"{low:.2g} to {high:.2g}", f"{miss:.2%}") for at, t, low, high, miss in points]
        print_table([rate, "threshold", "95 % interval", missed], rows)


def _print_bound(rate: str, bounds: list[tuple[float, float]]) -> None:
    """The bound the data give at the highest rate that they cannot support."""
    if bounds:
        aimed, bound = max(bounds)
        at_most = f"{bound:.2g}" if math.isfinite(bound) else "unknown"
        print(f"{rate} {aimed:g} and below: unsupported, too few people; the rate there is at most {at_most}")
