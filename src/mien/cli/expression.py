"""``mien expression``: what do faces in photos, folders and videos seem to express?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mien.cli._options import Commands, a_path, add_format
from mien.cli._output import count, error_document, print_failures, print_json, print_table, printable
from mien.errors import InputError, MienError

if TYPE_CHECKING:
    from mien.expression import ExpressionReader, Reading, Timeline
    from mien.media import Video
    from mien.types import Faces

__all__ = ["register"]

EPILOG = """\
A class is what people shown such a photo chose from a list: an apparent expression, not what somebody feels. How far
it goes, and for what it must not be used: docs/explanation/expressions.md.
"""


def register(commands: Commands) -> None:
    """Add the command and its three verbs to the parser."""
    parser = commands.add_parser(
        "expression",
        help="what faces in photos and videos seem to express",
        description="Tell the apparent expression of each face: seven classes, with calibrated probabilities.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    photo = verbs.add_parser("photo", help="the faces of photos")
    photo.add_argument("images", nargs="+", type=a_path, metavar="IMAGE")
    photo.set_defaults(run=run_photos)
    folder = verbs.add_parser("folder", help="the faces of every photo below a folder; bad files are listed at the end")
    folder.add_argument("images", nargs=1, type=a_path, metavar="FOLDER")
    folder.set_defaults(run=run_photos)
    video = verbs.add_parser("video", help="each track of a video over time")
    video.add_argument("video", type=a_path, metavar="VIDEO")
    video.add_argument("--fps", type=float, metavar="N", help="look at no more than N frames a second (default: all)")
    video.add_argument("--plot", type=a_path, metavar="FILE.svg", help="draw the tracks' probabilities over time")
    video.set_defaults(run=run_video)
    for verb in (photo, folder, video):
        verb.add_argument(
            "--model",
            choices=("small", "accurate"),
            default="small",
            help="accurate takes many times as long a face (default: small)",
        )
        verb.add_argument(
            "--labels",
            choices=("fer2013", "ferplus"),
            default="fer2013",
            help="whose labels are foretold (default: fer2013)",
        )
        add_format(verb, "table", "json")


def run_photos(arguments: argparse.Namespace) -> int:
    """Print the faces of each photo as they are read."""
    from mien.cli._options import expand

    sources = expand(arguments.images)
    failures: list[tuple[str, str]] = []

    def failed(index: int, error: MienError) -> None:
        failures.append((str(sources[index]), error.message))
        if arguments.format == "json":
            print_json(error_document(error, str(sources[index])))

    for reading in _reader(arguments).read_all(sources, on_error=failed):
        _print_photo(arguments.format, str(sources[reading.index]), reading.faces)
    if failures and len(sources) == 1:
        print(f"mien: error: {printable(failures[0][1])}", file=sys.stderr)
    else:
        print_failures(failures, len(sources))
    return InputError.exit_status if failures else 0


def run_video(arguments: argparse.Namespace) -> int:
    """Follow each track to the end, then print what it seemed to express."""
    from mien import media, render
    from mien.expression import Timeline

    timeline, reader = Timeline(), _reader(arguments)
    with media.open_video(arguments.video, fps=arguments.fps) as video:
        for reading in _seen(reader, video):
            timeline.add(reading.faces)
        damaged = video.damaged
    if arguments.plot:
        media.write_bytes(arguments.plot, render.expression_timeline(timeline).encode())
    _print_tracks(arguments.format, timeline, str(arguments.video))
    if damaged:
        print(f"mien: error: {printable(arguments.video)}: {printable(damaged)}", file=sys.stderr)
    return InputError.exit_status if damaged else 0


def _reader(arguments: argparse.Namespace) -> ExpressionReader:
    from mien.expression import ExpressionReader, ExpressionRecognizer

    return ExpressionReader(ExpressionRecognizer(arguments.model, labels=arguments.labels))


def _seen(reader: ExpressionReader, video: Video) -> Iterator[Reading]:
    from mien.cli._output import print_moment

    for reading in reader.watch(video):
        if len(reading.faces):
            print_moment(float(reading.faces.timestamp[0]))
        yield reading
    print_moment(None)


def _print_photo(form: str, source: str, faces: Faces) -> None:
    from mien import render

    if form == "json":
        print_json(render.expressions_to_dict(faces, source))
        return
    print(f"{printable(source)}: {count(len(faces), 'face') if len(faces) else 'no face'}")
    for entry in render.expressions_to_dict(faces, source)["faces"]:
        left, top, right, bottom = (round(edge) for edge in entry["box"].values())
        print(f"  {entry['index'] + 1}  {left},{top} to {right},{bottom} px  {_words(entry['probabilities'])}")


def _print_tracks(form: str, timeline: Timeline, source: str) -> None:
    from mien import render

    documents = list(render.track_dicts(timeline, source))
    if form == "json":
        for document in documents:
            print_json(document)
        return
    print(f"{printable(source)}: {count(len(documents), 'track')}")
    rows = [
        (entry["track_id"], f"{entry['start']:.1f} s", f"{entry['end']:.1f} s", _words(entry["probabilities"]))
        for entry in documents
    ]
    if rows:
        print_table(["track", "from", "to", "seems"], rows)
    if timeline.left_out:
        print(f"mien: {count(timeline.left_out, 'more track')} left out", file=sys.stderr)


def _words(probabilities: dict[str, float]) -> str:
    """The likelier classes, best first; always the first."""
    ranked = sorted(probabilities.items(), key=lambda entry: -entry[1])
    return ", ".join(f"{name} {value:.2f}" for name, value in ranked[:3] if value >= 0.1 or name == ranked[0][0])
