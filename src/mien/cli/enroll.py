"""``mien enroll``: add people, or samples of people, to a gallery."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli._options import (
    Commands,
    a_path,
    add_format,
    add_gallery,
    add_recogniser,
    add_require,
    add_workers,
    expand,
    is_folder,
    open_gallery,
)
from mien.cli._output import count, print_json, print_progress, printable
from mien.errors import InputError, InvalidArgument, NoImages, UnwritableFile

if TYPE_CHECKING:
    from mien.gallery import Enrolment, Gallery

__all__ = ["print_enrolment", "register", "run"]

EPILOG = """\
examples:
  mien enroll "Ada Lovelace" ada1.jpg ada2.jpg --purpose "front door" --until 2027-01-01
  mien enroll --from people/      a folder per person, its name the label
  mien enroll --from people/ --workers 8 --report refused.jsonl
  mien enroll --retry refused.jsonl

Images that do not serve (no face, several faces, blurred, somebody else's face...) are refused with the reason and
the rest is enrolled; the exit status is then 3. Enrolling the same image twice changes nothing, so that a run that was
stopped is started again with the same command.
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
    parser.add_argument(
        "--retry", type=a_path, metavar="FILE", help="enrol only the images that a report of --report names"
    )
    add_workers(parser, ", with --from or --retry")
    parser.add_argument("--report", type=a_path, metavar="FILE", help="write the refused images there, as JSON lines")
    parser.add_argument("--purpose", metavar="TEXT", help="what their faces are kept for")
    parser.add_argument("--until", metavar="YYYY-MM-DD", help="last day on which they are to be identified")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="REASON",
        help="a reason not to refuse an image for, such as matches_other_person for twins (may be given again)",
    )
    add_require(parser)
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
    refused: list[dict[str, object]] = []
    start = time.monotonic()
    with open_gallery(arguments) as gallery:
        for number, enrolment in enumerate(_enrolments(gallery, people, arguments), 1):
            refused += [{"label": enrolment.label, **one} for one in enrolment.to_dict()["refused"]]  # type: ignore[dict-item,union-attr]
            if len(people) > 1:
                print_progress(number, len(people), "people", elapsed=time.monotonic() - start)
            print_enrolment(enrolment, arguments.format)
    if arguments.report is not None:
        _write_report(arguments.report, refused)
    return InputError.exit_status if refused else 0


def _enrolments(
    gallery: Gallery, people: list[tuple[str, list[Path]]], arguments: argparse.Namespace
) -> Iterator[Enrolment]:
    options = {
        "purpose": arguments.purpose,
        "until": arguments.until,
        "allow": arguments.allow,
        "require": arguments.require,
    }
    if arguments.folder is not None or arguments.retry is not None:
        yield from gallery.enroll_all(people, workers=arguments.workers, new=arguments.new, **options)
        return
    for label, sources in people:
        yield gallery.enroll(label, sources, new=arguments.new, person_id=arguments.person_id, **options)


def _write_report(path: Path, refused: list[dict[str, object]]) -> None:
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in refused)
    try:
        path.write_text(lines, encoding="utf-8")
    except OSError as error:
        raise UnwritableFile(f"{path}: the report cannot be written ({error.strerror})") from error
    if refused:
        message = f"{count(len(refused), 'image')} refused; when they are better: mien enroll --retry {path}"
        print(f"mien: {printable(message)}", file=sys.stderr)


def _reported(path: Path) -> list[tuple[str, list[Path]]]:
    """Labels and images of a report."""
    people: dict[str, list[Path]] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            people.setdefault(one["label"], []).append(Path(one["source"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidArgument(f"--retry {path}: expected a report that --report wrote ({error})") from error
    return list(people.items())


def _people(arguments: argparse.Namespace) -> list[tuple[str, list[Path]]]:
    """Labels and images to enrol."""
    if arguments.retry is not None:
        if arguments.folder is not None or arguments.label is not None or arguments.person_id is not None:
            raise InvalidArgument("enroll: --retry takes labels and images from the report; give nothing else")
        return _reported(arguments.retry)
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
