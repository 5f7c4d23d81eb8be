"""``mien gallery erase``, and what it has in common with ``mien people erase``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mien.cli._options import Commands, add_format, add_gallery, open_gallery
from mien.cli._output import count, print_json, printable
from mien.errors import InvalidArgument, StoreUnavailable

if TYPE_CHECKING:
    from mien.gallery import CollectionErasure, Erasure

__all__ = ["answered", "print_proof", "register"]

EPILOG = """\
Who keeps a service on the gallery erases a collection there, on the page or over HTTP: with it go its jobs, cameras,
webhooks and grants, which lie in the service's own file.

example:
  mien gallery erase visitors --proof
"""


def register(verbs: Commands) -> None:
    """Add the verb to those of ``mien gallery``."""
    erase = verbs.add_parser(
        "erase",
        help="remove a collection with everybody in it, and every byte of their templates, for good",
        description=(
            "Remove a collection with everybody in it: people, faces without a name, pictures, edits, and every byte "
            "of their templates, for good. The audit log keeps a line that says how many went."
        ),
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    erase.add_argument("collection", metavar="NAME", help="the collection")
    erase.add_argument("--proof", action="store_true", help="search every file of the gallery for them afterwards")
    erase.add_argument("--yes", action="store_true", help="do not ask for the name again")
    add_gallery(erase, collections=False)
    add_format(erase, "table", "json")
    erase.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Remove a collection, after its name was typed again."""
    name = arguments.collection
    with open_gallery(arguments, must_exist=True) as gallery:
        known = gallery.collections()
        if name not in known:
            there = ", ".join(known) or "there is none"
            raise InvalidArgument(f"collection {name!a}: expected one of the gallery's ({there}); nothing was erased")
        many = count(gallery.size, "person", "people")
        prompt = f"Erase {printable(name)} ({many}) for good? Type its name to go on: "
        if not arguments.yes and answered(prompt, "gallery erase") != name:
            print("mien: nothing was erased", file=sys.stderr)
            return 0
        erasure = gallery.erase_collection(proof=arguments.proof)
    if arguments.format == "json":
        print_json({"schema": "mien.collection_erasure/1", **erasure.to_dict()})
    else:
        went = f"{count(erasure.people, 'person', 'people')} and {count(erasure.faces, 'face')}"
        print(f"erased {printable(name)} with {went}: {erasure.level}")
        print_proof(erasure)
    return StoreUnavailable.exit_status if erasure.proof and erasure.proof.found else 0


def answered(prompt: str, command: str) -> str:
    """What was typed at the terminal, without the end of the line.

    Raises:
        InvalidArgument: There is no terminal.
    """
    if not sys.stdin.isatty():
        raise InvalidArgument(f"{command}: expected --yes, since there is no terminal to ask at; nothing was erased")
    print(prompt, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def print_proof(erasure: Erasure | CollectionErasure) -> None:
    """What a search for what was erased found, where there was one, and where the same images are still."""
    if erasure.proof is not None:
        pieces, found = erasure.proof.pieces, erasure.proof.found
        searched = f"{count(len(erasure.proof.files), 'file')}, {erasure.proof.size:,} bytes"
        print(f"  {pieces} pieces of templates searched for in {searched}: {len(found)} found")
        for place in found:
            print(f"    {printable(place)}")
        print(f"  line {erasure.entry.sequence} of the audit log: {erasure.entry.hash}")
    for name in erasure.elsewhere:
        print(f"  collection {printable(name)} holds the same images: erase them there as well")
