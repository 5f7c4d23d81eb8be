"""``mien enroll``: add people, or samples of people, to a gallery."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli._options import Commands, a_path, add_format, add_gallery, add_recogniser, expand, is_folder, open_gallery
from mien.cli._output import count, print_json, print_progress, printable
from mien.errors import InputError, InvalidArgument, NoImages

if TYPE_CHECKING:
    from mien.gallery import Enrolment

__all__ = ["print_enrolment", "register", "run"]

EPILOG = """\
examples:
  mien enroll "Ada Lovelace" ada1.jpg ada2.jpg --purpose "front door" --until 2027-01-01
  mien enroll --from people/      a folder per person, its name the label

Images that do not serve (no face, several faces, blurred, somebody else's face...) are refused with the reason and
the rest is enrolled; the exit status is then 3. Enrolling the same image twice changes nothing.
"""


def register(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "enroll",
        help="add people to a gallery",
        description="Add people, or further samples of people, to a gallery.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("label", nargs="?", metavar="LABEL", help="what people call the person")
    parser.add_argument("images", nargs="*", type=a_path, metavar="IMAGE|FOLDER", help="images of this one person")
    parser.add_argument(
        "--from", dest="folder", type=a_path, metavar="DIR", help="enrol everybody: a folder per person"
    )
    parser.add_argument("--purpose", metavar="TEXT", help="what their faces are kept for")
    parser.add_argument("--until", metavar="YYYY-MM-DD", help="last day on which they are to be identified")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="REASON",
        help="a reason not to refuse an image for, such as matches_other_person for twins (may be given again)",
    )
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--new", action="store_true", help="somebody new, even where the label is taken")
    who.add_argument("--person-id", metavar="ID", help="the person of this id, where several bear the label")
    add_recogniser(parser)
    add_gallery(parser)
    add_format(parser, "table", "json")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Enrol one person after the other, each all or nothing."""
    people = _people(arguments)
    refused = False
    with open_gallery(arguments) as gallery:
        for number, (label, sources) in enumerate(people, 1):
            enrolment = gallery.enroll(
                label,
                sources,
                purpose=arguments.purpose,
                until=arguments.until,
                new=arguments.new,
                person_id=arguments.person_id,
                allow=arguments.allow,
            )
            refused |= bool(enrolment.refused)
            if len(people) > 1:
                print_progress(number, len(people), "people")
            print_enrolment(enrolment, arguments.format)
    return InputError.exit_status if refused else 0


def _people(arguments: argparse.Namespace) -> list[tuple[str, list[Path]]]:
    """Labels and images to enrol."""
    if arguments.folder is None:
        if arguments.label is None or not arguments.images:
            raise InvalidArgument("enroll: expected LABEL IMAGE..., or --from DIR with a folder per person")
        return [(arguments.label, expand(arguments.images))]
    if arguments.label is not None or arguments.person_id is not None:
        raise InvalidArgument("enroll: --from takes labels from the folders' names; give no LABEL and no --person-id")
    try:
        folders = sorted(f for f in arguments.folder.iterdir() if is_folder(f) and not f.name.startswith("."))
    except OSError as error:
        message = f"{arguments.folder}: expected a folder with a folder per person: {error.strerror}"
        raise NoImages(message) from error
    if not folders:
        raise NoImages(f"{arguments.folder}: expected a folder per person in it, found none")
    return [(folder.name, expand([folder])) for folder in folders]


def print_enrolment(enrolment: Enrolment, form: str) -> None:
    """What was added and what was refused, and why; or one JSON document."""
    if form == "json":
        print_json({"schema": "mien.enrolment/1", **enrolment.to_dict()})
        return
    counts = f"{len(enrolment.added)} added"
    if enrolment.already:
        counts += f", {len(enrolment.already)} there before"
    if enrolment.refused:
        counts += f", {count(len(enrolment.refused), 'image')} refused"
    who = f"{enrolment.label} ({enrolment.person_id})" if enrolment.person_id else enrolment.label
    unchecked = "" if enrolment.checked else "; not checked against others: no calibration fits"
    print(f"{printable(who)}: {counts}{unchecked}")
    for refusal in enrolment.refused:
        print(f"  {printable(refusal.source)}: {', '.join(refusal.reasons)}")
        if refusal.message:
            print(f"    {printable(refusal.message)}")
