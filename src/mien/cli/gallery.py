"""``mien gallery``: what concerns a gallery as a whole."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mien.cli import _erasing
from mien.cli._options import Commands, a_path, add_format, add_gallery, add_recogniser, add_workers, open_gallery
from mien.cli._output import count, print_json, print_progress, printable
from mien.errors import InputError

if TYPE_CHECKING:
    from mien.gallery import Moved, Reembedded

__all__ = ["register", "run_reembed"]

EPILOG = """\
A gallery keeps no images. Those that people were enrolled with are found again in the folders by their content, and
must be unchanged; others are passed over. The old collection stays as it is. The exit status is 3 where samples were
left without an original.

example:
  mien gallery reembed --from people/ --recogniser dlib --into main-dlib
  mien identify party.jpg --collection main-dlib
  mien gallery switch main-dlib --keep-as main-sface
"""


def register(commands: Commands) -> None:
    """Add the command and its verb to the parser."""
    parser = commands.add_parser(
        "gallery",
        help="move people to another recogniser, engine or file; erase a collection; make keys",
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
    add_workers(reembed)
    add_gallery(reembed)
    add_format(reembed, "table", "json")
    reembed.set_defaults(run=run_reembed)
    switch = verbs.add_parser(
        "switch",
        help="let another collection take this one's name",
        description=(
            "Let another collection take the name of the one that --collection names, which is kept under a name of "
            "its own: both at once, so that who uses the name needs no change."
        ),
    )
    switch.add_argument("to", metavar="NAME", help="the other collection, such as one that reembed made")
    switch.add_argument("--keep-as", required=True, metavar="NAME", help="the name of this one from then on")
    add_gallery(switch)
    switch.set_defaults(run=run_switch)
    export = verbs.add_parser(
        "export",
        help="write everybody into a Parquet file",
        description=(
            "Write everybody, with consents, samples and templates, into a new Parquet file. It is personal data, and "
            "not sealed."
        ),
    )
    export.add_argument("file", type=a_path, metavar="FILE", help="the file; must not be there yet")
    export.set_defaults(run=run_export)
    bring = verbs.add_parser(
        "import",
        help="bring in everybody of such a file",
        description="Bring in everybody of a file that mien gallery export wrote, all or nothing.",
    )
    bring.add_argument("file", type=a_path, metavar="FILE", help="the file")
    bring.set_defaults(run=run_import)
    for verb in (export, bring):
        add_gallery(verb)
        add_format(verb, "table", "json")
    copy = verbs.add_parser(
        "copy",
        help="copy everybody into another gallery, of any engine",
        description="Copy everybody of a collection into another gallery, as export and import would, all or nothing.",
    )
    copy.add_argument("source", metavar="FROM", help="a path or URL")
    copy.add_argument("target", metavar="TO", help="a path or URL; a path is made where nothing is")
    copy.add_argument("--collection", default="main", metavar="NAME", help="collection in both (default: main)")
    copy.add_argument("--key-file", type=a_path, metavar="FILE", help="the key of FROM, where it is sealed")
    copy.add_argument("--to-key-file", type=a_path, metavar="FILE", help="seal TO with this key")
    add_format(copy, "table", "json")
    copy.set_defaults(run=run_copy)
    for verb in (bring, copy):
        verb.add_argument(
            "--allow-erased", action="store_true", help="bring back people who were erased there (default: refuse them)"
        )
    _erasing.register(verbs)
    spread = verbs.add_parser(
        "spread",
        help="spread a gallery in PostgreSQL over several servers",
        description=(
            "Move what searches read to several servers, keyed by person, once and for all. Every search then asks all "
            "of them at once; the server that --gallery names keeps the rest."
        ),
    )
    spread.add_argument("shards", nargs="+", metavar="URL", help="an empty database with pgvector, without a password")
    add_gallery(spread)
    spread.set_defaults(run=run_spread)
    graph = verbs.add_parser(
        "graph",
        help="make the graph for approximate searches of a gallery in PostgreSQL",
        description=(
            "Make pgvector's HNSW graph of a collection, on every server that holds some of it, so that "
            "Gallery.search(approximate=True) need not compare everybody. Decisions never use it: it may miss people."
        ),
    )
    add_gallery(graph)
    graph.set_defaults(run=run_graph)
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


def run_export(arguments: argparse.Namespace) -> int:
    """Everybody into a file."""
    with open_gallery(arguments, must_exist=True) as gallery:
        return _print_moved(gallery.export(arguments.file), arguments.format)


def run_import(arguments: argparse.Namespace) -> int:
    """Everybody of a file."""
    with open_gallery(arguments) as gallery:
        moved = gallery.import_people(arguments.file, allow_erased=arguments.allow_erased)
    return _print_moved(moved, arguments.format)


def run_copy(arguments: argparse.Namespace) -> int:
    """Everybody of another gallery."""
    from mien.gallery import Gallery

    arguments.gallery = arguments.source
    with (
        open_gallery(arguments, must_exist=True) as source,
        Gallery(arguments.target, collection=arguments.collection, key=arguments.to_key_file) as target,
    ):
        moved = source.copy_to(target, allow_erased=arguments.allow_erased)
    return _print_moved(moved, arguments.format)


def _print_moved(moved: Moved, form: str) -> int:
    if form == "json":
        print_json({"schema": "mien.moved/1", **moved.to_dict()})
    else:
        print(f"{count(moved.people, 'person', 'people')}, {count(moved.samples, 'sample')}")
        for one in moved.refused:
            print(f"  {one.source}: {', '.join(one.reasons)}")
    return InputError.exit_status if moved.refused else 0


def run_switch(arguments: argparse.Namespace) -> int:
    """Another collection takes the name."""
    with open_gallery(arguments, must_exist=True) as gallery:
        gallery.switch_to(arguments.to, keep_as=arguments.keep_as)
    print(f"{printable(arguments.to)} is {printable(gallery.collection)}, and that one {printable(arguments.keep_as)}")
    return 0


def run_spread(arguments: argparse.Namespace) -> int:
    """Over several servers."""
    with open_gallery(arguments, must_exist=True) as gallery:
        gallery.spread(arguments.shards)
    print(f"spread over {len(arguments.shards)} servers")
    return 0


def run_graph(arguments: argparse.Namespace) -> int:
    """What approximate searches need."""
    with open_gallery(arguments, must_exist=True) as gallery:
        gallery.build_graph()
    print("made; mien.Gallery.search(approximate=True) uses it")
    return 0


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
            workers=arguments.workers,
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
