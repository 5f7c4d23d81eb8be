"""``mien identify``: who is in these images?"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli._batch import Batch, Result, annotated_paths
from mien.cli._options import (
    Commands,
    a_path,
    add_format,
    add_gallery,
    add_images,
    add_require,
    error_rate,
    expand,
    open_gallery,
)
from mien.cli._output import compared
from mien.errors import UnwritableFile

if TYPE_CHECKING:
    from mien.types import Face

__all__ = ["register", "run"]

EPILOG = """\
Everybody is either one of the gallery's people or unknown. A search by somebody who is not in the gallery names a
person in at most the share of cases that --fpir states. A folder goes on past bad files, lists them at the end on
stderr, and the exit status is then 3. --format json prints one document an image.

example:
  mien identify party.jpg holidays/ --fpir 0.01 --save out/ --report out/report.html
"""


def register(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "identify",
        help="name the people in images",
        description="Find the people of a gallery in images, at a stated false positive identification rate.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_images(parser)
    parser.add_argument(
        "--fpir",
        type=error_rate,
        default=0.01,
        metavar="RATE",
        help="false positive identification rate to decide at, for this gallery (default: 0.01)",
    )
    add_require(parser)
    parser.add_argument("--save", type=a_path, metavar="DIR", help="write annotated copies of the images there")
    parser.add_argument("--report", type=a_path, metavar="FILE.html", help="write a self-contained report")
    add_gallery(parser)
    add_format(parser, "table", "json", "csv")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Identify in constant memory: each image is printed, saved and let go."""
    batch = Batch(expand(arguments.images), arguments.format, describe)
    copies = annotated_paths(arguments.images, batch.sources, arguments.save) if arguments.save else {}
    with open_gallery(arguments, must_exist=True) as gallery:
        results = gallery.identify_all(
            batch.sources, fpir=arguments.fpir, require=arguments.require, on_error=batch.failed
        )
        entries = _save(batch.follow(results), copies)
        if arguments.report:
            from mien.render import write_report

            named = ((str(source), image, faces) for source, image, faces in entries)
            write_report(arguments.report, named, failures=batch.failures)
        else:
            for _ in entries:
                pass
    if arguments.format == "table":
        print(f"decided at a false positive identification rate of {arguments.fpir:g} for this gallery")
    return batch.finish()


def describe(face: Face) -> str:
    """One line about an identified face."""
    decision = face.decision
    if decision is None:
        return f"{face.size:.0f} px"
    reasons = f"  ({', '.join(decision.reasons)})" if decision.reasons else ""
    return f"{face.person or 'unknown':<24}  {compared(decision)}{reasons}"


def _save(entries: Iterator[Result], copies: dict[Path, Path]) -> Iterable[Result]:
    if not copies:
        return entries
    from mien import media, render

    def saving() -> Iterator[Result]:
        for source, image, faces in entries:
            _make_folder(copies[source].parent)
            media.write(copies[source], render.annotate(image, faces))
            yield source, image, faces

    return saving()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"--save {folder}: cannot be made a folder: {error.strerror}; name another"
        raise UnwritableFile(message, path=str(folder)) from error
