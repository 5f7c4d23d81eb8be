"""What ``identify`` and ``detect`` share: many images in, one result an image out, past the bad ones."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mien.cli._options import is_folder
from mien.cli._output import count, error_document, print_failures, print_json, print_progress, printable
from mien.errors import InputError, InvalidArgument, MienError

if TYPE_CHECKING:
    from mien.types import Face, Faces, Image

__all__ = ["Batch", "Result", "annotated_paths"]

Result: TypeAlias = "tuple[Path, Image, Faces]"


class Batch:
    """The images of one run: prints each result as it comes and remembers what failed.

    Args:
        sources: The images asked for.
        form: ``"table"``, ``"json"`` or ``"csv"``.
        describe: What the table says of one face.

    Attributes:
        failures: Path and message of each image that failed so far.
    """

    def __init__(self, sources: Sequence[Path], form: str, describe: Callable[[Face], str]) -> None:
        self.sources = sources
        self._form = form
        self._describe = describe
        self.failures: list[tuple[str, str]] = []
        self._csv_started = False

    def failed(self, index: int, error: MienError) -> None:
        """Take note of an image that could not be read; the run goes on."""
        source = str(self.sources[index])
        self.failures.append((source, error.message))
        if self._form == "json":
            print_json(error_document(error, source))

    def follow(self, results: Iterable[tuple[int, Image, Faces]]) -> Iterator[Result]:
        """Print results and pass them on, one at a time."""
        for index, image, faces in results:
            source = self.sources[index]
            self._print(source, faces)
            # Where results scroll by on the same terminal, they are the progress.
            if not sys.stdout.isatty():
                print_progress(index + 1, len(self.sources), "images")
            yield source, image, faces

    def finish(self) -> int:
        """Say what failed; returns the exit status, 3 where anything did."""
        if not self.failures:
            return 0
        if len(self.sources) == 1:
            print(f"mien: error: {printable(self.failures[0][1])}", file=sys.stderr)
        else:
            print_failures(self.failures, len(self.sources))
        return InputError.exit_status

    def _print(self, source: Path, faces: Faces) -> None:
        if self._form == "json":
            from mien.render import faces_to_dict

            print_json(faces_to_dict(faces, str(source)))
        elif self._form == "csv":
            self._print_csv(source, faces)
        else:
            print(f"{printable(source)}: {count(len(faces), 'face') if len(faces) else 'no face'}")
            for face in faces:
                print(f"  {face.index + 1}  {printable(self._describe(face))}")

    def _print_csv(self, source: Path, faces: Faces) -> None:
        from mien.render import CSV_COLUMNS, faces_to_rows

        writer = csv.DictWriter(sys.stdout, CSV_COLUMNS, lineterminator="\n")
        if not self._csv_started:
            writer.writeheader()
            self._csv_started = True
        writer.writerows(faces_to_rows(faces, str(source)))


def annotated_paths(
    roots: Sequence[Path], sources: Sequence[Path], folder: Path, suffix: Callable[[Path], str] = lambda _: ".jpg"
) -> dict[Path, Path]:
    """Where each image's copy goes: below ``folder`` as it lies below the folder it was found in.

    Args:
        roots: The images and folders asked for.
        sources: The images found in them.
        folder: Where the copies go.
        suffix: What each copy's name ends with.

    Raises:
        InvalidArgument: Two copies would share a name, or a copy would overwrite an image asked for.
    """
    folders = [root for root in roots if is_folder(root)]
    originals = {_real(source) for source in sources}
    paths: dict[Path, Path] = {}
    taken: dict[Path, Path] = {}
    for source in sources:
        root = next((f for f in folders if source.is_relative_to(f)), source.parent)
        path = (folder / source.relative_to(root)).with_suffix(suffix(source))
        if _real(path) in originals:
            raise InvalidArgument(f"--save {folder}: would overwrite {path}, an image asked for; name another folder")
        if taken.setdefault(path, source) != source:
            raise InvalidArgument(f"--save {folder}: {source} and {taken[path]} would both become {path}")
        paths[source] = path
    return paths


def _real(path: Path) -> str:
    """Where a path leads; as far as can be told for a circle of links, at which `Path.resolve` raises."""
    return os.path.realpath(path)
