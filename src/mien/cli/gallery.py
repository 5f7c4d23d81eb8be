"""``mien gallery``: what concerns a gallery as a whole."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mien.cli._options import Commands, a_path, add_format, add_gallery, add_recogniser, open_gallery
from mien.cli._output import count, print_json, print_progress, printable
from mien.errors import InputError

if TYPE_CHECKING:
    from mien.gallery import Reembedded

__all__ = ["register", "run_reembed"]

EPILOG = """\
A gallery keeps no images. Those that people were enrolled with are found again in the folders by their content, and
must be unchanged; others are passed over. The old collection stays as it is. The exit status is 3 where samples were
left without an original.

example:
  mien gallery reembed --from people/ --recogniser dlib --into main-dlib
  mien identify party.jpg --collection main-dlib
"""


def register(commands: Commands) -> None:
    """Add the command and its verb to the parser."""
    parser = commands.add_parser(
        "gallery",
        help="move people to another recogniser, make keys",
        description="What concerns a gallery as a whole.",
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    reembed = verbs.add_parser(
        "reembed",
        help="a new collection of the same people, for another recogniser",
        description="Make a new collection of the same people with templates of another recogniser.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    reembed.add_argument(
        "--from",
        dest="sources",
        nargs="+",
        type=a_path,
        required=True,
        metavar="IMAGE|FOLDER",
        help="where the images are that people were enrolled with",
    )
    reembed.add_argument("--into", required=True, metavar="NAME", help="the new collection")
    add_recogniser(reembed, required=True)
    add_gallery(reembed)
    add_format(reembed, "table", "json")
    reembed.set_defaults(run=run_reembed)
    key = verbs.add_parser(
        "key",
        help="make a key that seals the templates of a new collection",
        description=(
            "Make a key, and write it into a file that only you may read. A collection whose first face is enrolled "
            "with --key-file is sealed with it (AES-256-GCM) from then on. Without the key nobody can use its "
            "templates, you included: keep a copy, apart from the gallery."
        ),
    )
    key.add_argument("file", type=a_path, metavar="FILE", help="where to write it; must not be there yet")
    key.set_defaults(run=run_key)


def run_key(arguments: argparse.Namespace) -> int:
    """A new key."""
    from mien.gallery.sealing import make_key

    make_key(arguments.file)
    print(f"{printable(str(arguments.file))}: a new key")
    return 0


def run_reembed(arguments: argparse.Namespace) -> int:
    """Embed everybody anew."""
    from mien.recognition import pipeline_for

    recogniser, arguments.recogniser = arguments.recogniser, None
    with open_gallery(arguments, must_exist=True) as gallery:
        samples = sum(person.samples for person in gallery.people())
        done = gallery.reembed(
            arguments.sources,
            into=arguments.into,
            pipeline=pipeline_for(recogniser),
            progress=lambda finished: print_progress(finished, samples, "images"),
        )
    if arguments.format == "json":
        print_json({"schema": "mien.reembedding/1", **done.to_dict()})
    else:
        _print(done)
    return InputError.exit_status if done.lost else 0


def _print(done: Reembedded) -> None:
    copied = f"{count(len(done.people), 'person', 'people')}, {count(done.samples, 'sample')}"
    print(f"{printable(done.collection)}: {copied} ({done.space})")
    for person in done.left_out:
        print(f"  {printable(person.label)} ({person.person_id}): no sample could be embedded again")
    for entry in done.lost:
        print(f"  {printable(entry.label)}: {printable(entry.source)}: {entry.reason}")
