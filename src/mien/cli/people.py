"""``mien people``: the people of a gallery, those who have no name yet, and what was said of their faces."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mien.cli import _edits, _importing, _naming
from mien.cli._erasing import answered, print_proof
from mien.cli._options import Commands, add_format, add_gallery, open_gallery
from mien.cli._output import count, print_json, print_table, printable
from mien.cli._person import print_person
from mien.errors import StoreUnavailable

if TYPE_CHECKING:
    from mien.gallery import Person

__all__ = ["register"]


def register(commands: Commands) -> None:
    """Add the command and its verbs to the parser."""
    parser = commands.add_parser(
        "people",
        help="list, name, merge, split or erase people",
        description=(
            "The people of a gallery. PERSON is an id, or a label that only one of them bears; FACE is the key of a "
            "face, or its first digits (6 or more)."
        ),
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    listing = verbs.add_parser("list", help="everybody in the gallery")
    listing.set_defaults(run=run_list)
    show = verbs.add_parser("show", help="one person: samples and consent")
    show.add_argument("person", metavar="PERSON")
    show.set_defaults(run=run_show)
    rename = verbs.add_parser("rename", help="give a person another label")
    rename.add_argument("person", metavar="PERSON")
    rename.add_argument("label", metavar="LABEL")
    rename.set_defaults(run=run_rename)
    merge = verbs.add_parser("merge", help="make two entries of one person one; the first keeps id and label")
    merge.add_argument("person", metavar="PERSON")
    merge.add_argument("other", metavar="OTHER")
    merge.add_argument("--force", action="store_true", help="even where they appear in one photo or were split before")
    merge.set_defaults(run=run_merge)
    erase = verbs.add_parser("erase", help="remove a person and every byte of their templates, for good")
    erase.add_argument("person", metavar="PERSON")
    erase.add_argument("--proof", action="store_true", help="search every file of the gallery for them afterwards")
    erase.add_argument("--yes", action="store_true", help="do not ask")
    erase.set_defaults(run=run_erase)
    for verb in (listing, show, rename, merge, erase):
        add_gallery(verb)
        add_format(verb, "table", "json")
    _naming.register(verbs)
    _importing.register(verbs)
    _edits.register(verbs)


def run_list(arguments: argparse.Namespace) -> int:
    """Everybody, one a line."""
    with open_gallery(arguments, must_exist=True) as gallery:
        people = gallery.people()
    if arguments.format == "json":
        print_json({"schema": "mien.people/1", "people": [person.to_dict() for person in people]})
    elif people:
        rows = [[p.person_id, p.label, p.samples, *_consent(p)] for p in people]
        print_table(["id", "label", "samples", "purpose", "until"], rows)
    else:
        print("nobody is enrolled yet: mien enroll LABEL IMAGE...")
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """One person."""
    with open_gallery(arguments, must_exist=True) as gallery:
        print_person(gallery.person(arguments.person), arguments.format)
    return 0


def run_rename(arguments: argparse.Namespace) -> int:
    """Another label; the id stays."""
    with open_gallery(arguments, must_exist=True) as gallery:
        print_person(gallery.rename(arguments.person, arguments.label), arguments.format)
    return 0


def run_merge(arguments: argparse.Namespace) -> int:
    """Two entries become one."""
    with open_gallery(arguments, must_exist=True) as gallery:
        print_person(gallery.merge(arguments.person, arguments.other, force=arguments.force), arguments.format)
    return 0


def run_erase(arguments: argparse.Namespace) -> int:
    """Remove a person, after asking."""
    with open_gallery(arguments, must_exist=True) as gallery:
        person = gallery.person(arguments.person)
        if not (arguments.yes or _confirmed(person)):
            print("mien: nothing was erased", file=sys.stderr)
            return 0
        erasure = gallery.erase(person.person_id, proof=arguments.proof)
    if arguments.format == "json":
        print_json({"schema": "mien.erasure/2", **erasure.to_dict()})
    else:
        print(f"erased {printable(person.label)} and {count(person.samples, 'sample')}: {erasure.level}")
        print_proof(erasure)
    return StoreUnavailable.exit_status if erasure.proof and erasure.proof.found else 0


def _confirmed(person: Person) -> bool:
    samples = count(person.samples, "sample")
    prompt = f"Erase {printable(person.label)} ({person.person_id}, {samples}) for good? [y/N] "
    return answered(prompt, "people erase").lower() in {"y", "yes"}


def _consent(person: Person) -> tuple[object, object]:
    record = person.to_dict()
    until = record["expires"]
    return record["purpose"], f"{until} (past: no longer identified)" if person.expired else until
