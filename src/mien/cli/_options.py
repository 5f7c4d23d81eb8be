"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mien.errors import StoreUnavailable

if TYPE_CHECKING:
    from mien.gallery import Gallery
    from mien.recognition import Pipeline

__all__ = [
    "Commands",
    "a_count",
    "a_number",
    "a_path",
    "add_format",
    "add_gallery",
    "add_images",
    "add_recogniser",
    "add_require",
    "chosen_pipeline",
    "error_rate",
    "expand",
    "is_folder",
    "open_gallery",
]

RECOGNISERS = ("sface", "dlib")

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_gallery(parser: argparse.ArgumentParser, *, collections: bool = True) -> None:
    """``--gallery``, ``--collection`` and ``--key-file``."""
    parser.add_argument(
        "--gallery", metavar="PATH|URL", help="the gallery (default: $MIEN_GALLERY, else one in your data folder)"
    )
    if collections:
        parser.add_argument("--collection", default="main", metavar="NAME", help="collection in it (default: main)")
    parser.add_argument(
        "--key-file",
        type=a_path,
        metavar="FILE",
        help="the key of a sealed collection (default: $MIEN_GALLERY_KEY; make one with mien gallery key)",
    )


def open_gallery(arguments: argparse.Namespace, *, must_exist: bool = False) -> Gallery:
    """The gallery that `add_gallery`'s arguments name.

    Args:
        arguments: What was parsed.
        must_exist: Refuse a named file that is not there: a reading command would find a mistyped one empty.

    Raises:
        StoreUnavailable: The file is not there, or cannot be opened.
    """
    from mien.gallery import Gallery

    if must_exist and arguments.gallery is not None:
        from mien.gallery.locations import locate, server_url

        path = None if server_url(arguments.gallery) else locate(arguments.gallery)
        if path is not None and not path.exists():
            raise StoreUnavailable(f"{path}: there is no gallery; mien enroll makes one", path=str(path))
    return Gallery(
        arguments.gallery, collection=arguments.collection, pipeline=chosen_pipeline(arguments), key=arguments.key_file
    )


def add_recogniser(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """``--recogniser``; its choices are not read from the registry, which would load the networks' library."""
    parser.add_argument(
        "--recogniser",
        choices=RECOGNISERS,
        required=required,
        help="the network that compares faces" + ("" if required else " (default: the collection's, else sface)"),
    )


def add_require(parser: argparse.ArgumentParser) -> None:
    """``--require``."""
    parser.add_argument(
        "--require",
        metavar="quality=LEVEL",
        help="refuse faces below this level: quality=low, quality=medium or quality=high (default: nothing more "
        "than every face is asked)",
    )


def add_workers(parser: argparse.ArgumentParser, where: str = "") -> None:
    """``--workers``."""
    parser.add_argument(
        "--workers",
        type=_workers,
        default=1,
        metavar="N|ray://HOST:PORT",
        help=f"processes that look at images{where} (default: 1, which uses several processors)",
    )


def _workers(text: str) -> int | str:
    return text if text.startswith("ray://") else a_number(text)


def chosen_pipeline(arguments: argparse.Namespace) -> Pipeline | None:
    """The pipeline of the recogniser that `add_recogniser` was given, None where none was."""
    name = getattr(arguments, "recogniser", None)
    if name is None:
        return None
    from mien.recognition import pipeline_for

    return pipeline_for(name)


def add_format(parser: argparse.ArgumentParser, *choices: str) -> None:
    """``--format``; the first choice is the default."""
    parser.add_argument(
        "--format", choices=choices, default=choices[0], help=f"how to print results (default: {choices[0]})"
    )


def add_images(parser: argparse.ArgumentParser) -> None:
    """One or more images or folders."""
    parser.add_argument("images", nargs="+", type=a_path, metavar="IMAGE|FOLDER", help="images, or folders of them")


def a_path(text: str) -> Path:
    """An argparse type: a path. Not an empty one, as of a shell variable that is not set: it would be this folder."""
    if not text:
        raise argparse.ArgumentTypeError("expected a path, got an empty text; '.' is the current folder")
    return Path(text)


def a_number(text: str) -> int:
    """An argparse type: a whole number, at least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, got {text!r}")
    return number


def a_count(text: str) -> int:
    """An argparse type: a whole number, 0 among them."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number of 0 or more, got {text!r}")
    return int(text)


def is_folder(path: Path) -> bool:
    """Whether a path is a folder; False where nobody can tell, unlike `Path.is_dir`: reading it says why."""
    return os.path.isdir(path)  # noqa: PTH112


def error_rate(text: str) -> float:
    """An argparse type: a rate above 0 and below 1."""
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1:
        raise argparse.ArgumentTypeError(f"expected a rate between 0 and 1, such as 1e-3, got {text!r}")
    return rate


def expand(paths: Sequence[Path]) -> list[Path]:
    """The images named: files as they are, folders as the images in them, sorted.

    Raises:
        NoImages: A folder holds none.
    """
    from mien.media import list_images

    return [image for path in paths for image in (list_images(path) if is_folder(path) else [path])]
