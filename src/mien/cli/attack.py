"""``mien attack``: is a document's face a morph of two, and morphs to test that with."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli._options import Commands, a_path, add_format, expand
from mien.cli._output import error_document, print_failures, print_json, print_progress, printable
from mien.errors import InputError, InvalidArgument, MienError

if TYPE_CHECKING:
    from mien.attacks import MorphDecision

__all__ = ["register"]

FOUND = 1
TOOLS = ("complete", "spliced", "seamless", "retouched")

MORPH_EPILOG = """\
A morph is a portrait of two people, so that both pass with one document. What is left of the document's face when the
live one is taken out of it should still be the same person. Exit status: 0 no morph, 1 a morph or nothing decided.
How often it errs, and on what that was measured: docs/explanation/morphs.md.

example:
  mien attack morph passport.jpg --live gate.jpg
"""
MAKE_EPILOG = """\
For building test sets. A morph in a document is a forgery: no morph is made without saying who agreed to it, and the
file says what it is (XMP, IPTC's digital source type).

example:
  mien attack make-morph ada.png grace.png --consent "both, for our test set" --save morph.png
"""


def register(commands: Commands) -> None:
    """Add the command and its verbs to the parser."""
    parser = commands.add_parser(
        "attack", help="morphs: find them, and make some to test with", description="Attacks on recognition."
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    raw = argparse.RawDescriptionHelpFormatter
    find = verbs.add_parser(
        "morph", help="is a document's face a morph of two people?", epilog=MORPH_EPILOG, formatter_class=raw
    )
    find.add_argument("documents", nargs="+", type=a_path, metavar="DOCUMENT", help="portraits, or folders of them")
    find.add_argument("--live", type=a_path, required=True, metavar="LIVE", help="a trusted capture of the holder")
    add_format(find, "table", "json")
    find.set_defaults(run=run_morph)
    make = verbs.add_parser(
        "make-morph", help="morph two faces, for a test set", epilog=MAKE_EPILOG, formatter_class=raw
    )
    make.add_argument("first", type=a_path, metavar="FIRST", help="whose hair, clothes and background are kept")
    make.add_argument("second", type=a_path, metavar="SECOND")
    make.add_argument("--consent", required=True, metavar="TEXT", help="who agreed, and to what; written into the file")
    make.add_argument("--tool", choices=TOOLS, default="spliced", help="how (default: spliced)")
    make.add_argument("--share", type=float, default=0.5, metavar="S", help="of the second, 0.1 to 0.9 (default: 0.5)")
    make.add_argument("--save", type=a_path, required=True, metavar="FILE", help="where to: .png, .jpg, .webp or .tif")
    make.set_defaults(run=run_make)


def run_morph(arguments: argparse.Namespace) -> int:
    """Decide on each document, past those that cannot be read."""
    from mien import media
    from mien.attacks import detect_morph

    sources, failures, suspicious = expand(arguments.documents), list[tuple[str, str]](), False
    live = media.read(arguments.live)
    for index, source in enumerate(sources):
        try:
            decision = detect_morph(source, live)
        except MienError as error:
            failures.append((str(source), error.message))
            if arguments.format == "json":
                print_json(error_document(error, str(source)))
        else:
            suspicious = suspicious or decision.morph is not False
            _tell(source, decision, arguments.format)
        if not sys.stdout.isatty():
            print_progress(index + 1, len(sources), "documents")
    if failures and len(sources) == 1:
        print(f"mien: error: {printable(failures[0][1])}", file=sys.stderr)
    else:
        print_failures(failures, len(sources))
    return InputError.exit_status if failures else FOUND * suspicious


def run_make(arguments: argparse.Namespace) -> int:
    """Write the morph with where it comes from."""
    from mien import media
    from mien.attacks import morph

    if arguments.save.resolve() in {arguments.first.resolve(), arguments.second.resolve()}:
        raise InvalidArgument(f"--save {arguments.save}: expected another file than the two faces'")
    made = morph(
        *(media.read(path) for path in (arguments.first, arguments.second)),
        consent=arguments.consent,
        tool=arguments.tool,
        share=arguments.share,
    )
    media.write(arguments.save, made.image, xmp=made.xmp)
    print(f"{printable(arguments.save)}: a morph, and says so")
    return 0


def _tell(source: Path, decision: MorphDecision, form: str) -> None:
    if form == "json":
        print_json({"schema": "mien.morph/1", "source": str(source), **decision.to_dict()})
        return
    said = {True: "a morph", False: "no morph", None: "not decided"}[decision.morph]
    print(f"{printable(source)}: {said}")
    print(f"  score {decision.score:.3f}, a morph from {decision.threshold:.3f} on ({decision.detector})")
    print(f"  fitted to miss {decision.macer:.0%} of morphs of the worst tool")
    if decision.reasons:
        print(f"  reasons: {printable(', '.join(decision.reasons))}")
