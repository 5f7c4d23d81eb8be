"""``mien background``: people before another background."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli._batch import annotated_paths
from mien.cli._options import Commands, a_path, add_format, add_images, expand
from mien.cli._output import count, error_document, print_failures, print_json, print_progress, printable
from mien.errors import InputError, MienError, UnwritableFile

if TYPE_CHECKING:
    from mien.segmentation.photos import Background
    from mien.types import Image

__all__ = ["register", "run"]

SEGMENTERS = ("selfie", "grabcut", "hull")
EPILOG = """\
A photo without a face, or with a mask that cannot be of the people in it, is left out and listed: nothing blank is
written. A copy that is there and newer than its photo is kept, so that a run that was stopped goes on; --again makes
them all anew. A corrected photo is no longer what the camera saw: documents may not accept it.

examples:
  mien background portrait.jpg --to white --save out/
  mien background portraits/ --to beach.jpg --save out/
"""


def register(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "background",
        help="put people before another background",
        description="Put the people of photos before another background: a colour, their own out of focus, a picture.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_images(parser)
    parser.add_argument(
        "--to",
        default="white",
        metavar="white|grey|blur|IMAGE",
        help="what comes behind them (default: white); grey is a light one",
    )
    parser.add_argument("--save", type=a_path, required=True, metavar="DIR", help="write the new photos there")
    parser.add_argument("--segmenter", choices=SEGMENTERS, default="selfie", help="who tells people (default: selfie)")
    parser.add_argument("--feather", type=a_width, default=0.0, metavar="PX", help="soften their outline (default: 0)")
    parser.add_argument("--again", action="store_true", help="also make copies anew that are there")
    add_format(parser, "table", "json")
    parser.set_defaults(run=run)


def a_width(text: str) -> float:
    """An argparse type: a number of pixels, from 0 to 100."""
    try:
        width = float(text)
    except ValueError:
        width = -1.0
    if not 0 <= width <= 100:
        raise argparse.ArgumentTypeError(f"expected 0 to 100 pixels, got {text!r}")
    return width


def run(arguments: argparse.Namespace) -> int:
    """Write the copies one by one, past photos that fail."""
    sources = expand(arguments.images)
    copies = annotated_paths(arguments.images, sources, arguments.save, suffix=_suffix)
    asked = [source for source in sources if arguments.again or not _is_newer(copies[source], source)]
    failures: list[tuple[str, str]] = []
    start = time.monotonic()
    for index, result in _results(asked, arguments):
        source = asked[index]
        if isinstance(result, MienError):
            failures.append((str(source), result.message))
            if arguments.format == "json":
                print_json(error_document(result, str(source)))
        else:
            _write(copies[source], result)
            _tell(source, copies[source], arguments)
        print_progress(index + 1, len(asked), "photos", elapsed=time.monotonic() - start)
    if arguments.format == "table":
        kept = len(sources) - len(asked)
        there = f", {count(kept, 'copy', 'copies')} there already" if kept else ""
        print(f"{count(len(asked) - len(failures), 'photo')} written{there}")
    if len(sources) == 1 and failures:
        print(f"mien: error: {printable(failures[0][1])}", file=sys.stderr)
    else:
        print_failures(failures, len(sources))
    return InputError.exit_status if failures else 0


def _results(asked: list[Path], arguments: argparse.Namespace) -> Iterator[tuple[int, Image | MienError]]:
    if not asked:
        return iter(())
    from mien.segmentation import replace_backgrounds

    return replace_backgrounds(asked, _background(arguments.to), by=arguments.segmenter, feather=arguments.feather)


def _background(text: str) -> Background:
    from mien import media
    from mien.segmentation import GREY, WHITE

    if text == "blur":
        return None
    return {"white": WHITE, "grey": GREY}.get(text) or media.read(Path(text))


def _suffix(source: Path) -> str:
    """Copies of PNG files stay without loss."""
    return ".png" if source.suffix.lower() in {".png", ".bmp", ".tif", ".tiff"} else ".jpg"


def _is_newer(copy: Path, source: Path) -> bool:
    try:
        return os.stat(copy).st_mtime_ns > os.stat(source).st_mtime_ns  # noqa: PTH116 - no permission is no answer
    except OSError:
        return False


def _write(path: Path, image: Image) -> None:
    from mien import media

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"--save {path.parent}: cannot be made a folder: {error.strerror}; name another"
        raise UnwritableFile(message, path=str(path.parent)) from error
    media.write(path, image)


def _tell(source: Path, copy: Path, arguments: argparse.Namespace) -> None:
    if arguments.format == "json":
        print_json(
            {
                "schema": "mien.background/1",
                "source": str(source),
                "written": str(copy),
                "background": arguments.to,
                "segmenter": arguments.segmenter,
            }
        )
    elif not sys.stderr.isatty():
        print(f"{printable(source)}: {printable(copy)}")
