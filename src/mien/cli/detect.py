"""``mien detect``: where are the faces, and how far can each be trusted?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mien.cli._batch import Batch
from mien.cli._options import Commands, add_format, add_images, expand

if TYPE_CHECKING:
    from mien.types import Face

__all__ = ["register", "run"]


def register(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "detect",
        help="find faces in images",
        description="Find the faces in images, with landmarks and quality; nobody is recognised and no gallery opened.",
        epilog="A folder goes on past bad files, lists them at the end on stderr, and the exit status is then 3.",
    )
    add_images(parser)
    add_format(parser, "table", "json", "csv")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the faces of each image as they are found."""
    batch = Batch(expand(arguments.images), arguments.format, describe)
    from mien.recognition import default_pipeline

    for _ in batch.follow(default_pipeline().find_all_indexed(batch.sources, on_error=batch.failed)):
        pass
    return batch.finish()


def describe(face: Face) -> str:
    """One line about a detected face."""
    from mien.quality import reasons

    left, top, right, bottom = (round(float(edge)) for edge in face.box)
    quality = "" if face.quality is None else f"  quality {face.quality:.0f}"
    unfit = ", ".join(reasons(face.faces[face.index : face.index + 1])[0])
    return f"{left},{top} to {right},{bottom} px  score {face.score:.2f}{quality}{unfit and f'  ({unfit})'}"
