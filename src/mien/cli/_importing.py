"""``mien people import``: names that other programs wrote into photos."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from mien.cli._options import Commands, a_path, add_format, add_gallery, expand, open_gallery
from mien.cli._output import error_document, print_failures, print_json, print_progress
from mien.cli.enroll import print_enrolment
from mien.errors import InputError, MienError

__all__ = ["register"]

IMPORT = """\
Reads the names that Lightroom, digiKam, Picasa, Windows Photo Gallery, ACDSee and others wrote into photos, or into
photo.xmp or photo.jpg.xmp beside them, and enrols the very face each name stands on. Faces are checked as by
'mien enroll'; what is refused is listed with its reasons.

example:
  mien people import photos/ --purpose "family album"
"""


def register(verbs: Commands) -> None:
    """Add the verb to the parser."""
    parser = verbs.add_parser(
        "import",
        help="enrol the people whom other programs named in photos",
        description="Enrol the people whom other programs named in photos.",
        epilog=IMPORT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", nargs="+", type=a_path, metavar="PHOTO|FOLDER", help="photos, or folders of them")
    parser.add_argument("--purpose", metavar="TEXT", help="what their faces are kept for")
    parser.add_argument("--until", metavar="YYYY-MM-DD", help="last day on which they are to be identified")
    add_gallery(parser)
    add_format(parser, "table", "json")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """One person after the other, each all or nothing."""
    photos = expand(arguments.photos)
    failures: list[tuple[str, str]] = []

    def failed(index: int, error: MienError) -> None:
        failures.append((str(photos[index]), error.message))
        if arguments.format == "json":
            print_json(error_document(error, str(photos[index])))

    with open_gallery(arguments) as gallery:
        found = gallery.import_names(
            _counted(photos), purpose=arguments.purpose, until=arguments.until, on_error=failed
        )
    for enrolment in found:
        print_enrolment(enrolment, arguments.format)
    if not found and arguments.format != "json":
        print("no names: no photo bears one that another program wrote")
    print_failures(failures, len(photos))
    return InputError.exit_status if failures or any(one.refused for one in found) else 0


def _counted(photos: list[Path]) -> Iterator[Path]:
    for done, photo in enumerate(photos, 1):
        yield photo
        print_progress(done, len(photos), "photos")
