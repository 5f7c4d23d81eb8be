"""``mien quality``: how good is this portrait, and what would make it better?"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.cli._batch import annotated_paths
from mien.cli._options import Commands, a_path, add_format, add_images, expand
from mien.cli._output import error_document, print_failures, print_json, print_progress, print_table, printable
from mien.errors import InputError, UnwritableFile

if TYPE_CHECKING:
    from mien.types import Faces, Image

__all__ = ["register", "run"]

EPILOG = """\
The largest face of each photo is measured after ISO/IEC 29794-5 and held against what documents ask for (ISO/IEC
39794-5). A help for photographers: no authority is bound by it. With --save, a folder that was stopped goes on where
it was: photos whose answer lies there already are not examined again. What is measured, and how far it follows the
standard: docs/explanation/quality.md.

example:
  mien quality portraits/ --save checked/
"""


def register(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "quality",
        help="measure portraits, and say what is wrong with them",
        description="Measure the quality of portraits, and say what would make them fit for a document.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_images(parser)
    parser.add_argument(
        "--save", type=a_path, metavar="DIR", help="write annotated copies there, and each answer as JSON beside it"
    )
    add_format(parser, "table", "json")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Examine one photo after the other; a bad one does not stop the rest."""
    sources = expand(arguments.images)
    copies = annotated_paths(arguments.images, sources, arguments.save) if arguments.save else {}
    failures: list[tuple[str, str]] = []
    start = time.monotonic()
    for number, source in enumerate(sources, 1):
        try:
            document = _document(source, copies.get(source))
        except InputError as error:
            failures.append((str(source), error.message))
            if arguments.format == "json":
                print_json(error_document(error, str(source)))
        else:
            _print(document, arguments.format, in_full=len(sources) == 1)
        if len(sources) > 1 and not sys.stdout.isatty():
            print_progress(number, len(sources), "photos", elapsed=time.monotonic() - start)
    print_failures(failures, len(sources))
    return InputError.exit_status if failures else 0


def _document(source: Path, copy: Path | None) -> dict[str, Any]:
    """The answer about a photo: the one that lies there for the same content, or a new one."""
    from mien import media, render
    from mien.media.source import load
    from mien.recognition import examine

    sha256 = hashlib.sha256(load(source, media.MAX_BYTES)).hexdigest()
    if copy is not None and (before := _answered(copy, sha256)) is not None:
        return {**before, "source": str(source)}
    image, face, examination = examine(source)
    document = render.portrait_to_dict(examination, str(source), sha256=sha256)
    if copy is not None:
        _save(copy, image, face, document)
    return document


def _answered(copy: Path, sha256: str) -> dict[str, Any] | None:
    from mien import render

    try:
        document = json.loads(copy.with_suffix(".json").read_bytes())
    except (OSError, ValueError):
        return None
    same = isinstance(document, dict) and document.get("schema") == render.PORTRAIT_SCHEMA
    return document if same and document.get("sha256") == sha256 and copy.exists() else None


def _save(copy: Path, image: Image, face: Faces, document: dict[str, Any]) -> None:
    from mien import media, render

    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"--save {copy.parent}: cannot be made a folder: {error.strerror}; name another"
        raise UnwritableFile(message, path=str(copy.parent)) from error
    media.write(copy, render.annotate_portrait(image, face, document))
    # Last, and whole or not at all: it says that the photo is done.
    with media.replacing(copy.with_suffix(".json")) as file:
        file.write(json.dumps(document, allow_nan=False).encode("ascii") + b"\n")


def _print(document: dict[str, Any], form: str, *, in_full: bool) -> None:
    if form == "json":
        print_json(document)
        return
    from mien.render.portrait import summary

    first, *rest = summary(document)
    print(f"{printable(document['source'])}: {first}")
    for line in rest:
        print(f"  {line}")
    if in_full:
        print()
        print_table(("component", "score", "measured", "unit"), _rows(document))


def _rows(document: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for name, one in document["components"].items():
        words = name.replace("_", " ")
        yield (
            (words, "-", "not measured", "")
            if one is None
            else (
                words,
                str(one["score"]),
                f"{one['value']:.3g}",
                one["unit"],
            )
        )
