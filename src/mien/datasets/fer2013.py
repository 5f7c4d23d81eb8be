"""FER2013 (Goodfellow et al., 2013) as published, and the votes of FER+ (Barsoum et al., 2016) on the same images."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from mien.datasets import _layout
from mien.datasets.records import Record
from mien.errors import WrongLayout

__all__ = ["EXPRESSIONS", "VOTES", "Usage", "read_fer2013", "read_ferplus"]

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER2013's classes, in the order of its numbers: what a face was labelled to show, not what its person felt."""

VOTES = (
    *("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
    *("contempt", "unknown", "NF"),
)
"""What FER+'s ten people could say; the first seven are `EXPRESSIONS`."""

Usage: TypeAlias = Literal["train", "public", "private"]
"""A part of FER2013, as its folders are called."""

_SIDE = 48
_USAGES: dict[str, Usage] = {"Training": "train", "PublicTest": "public", "PrivateTest": "private"}
_LAYOUT = "fer2013/<train|public|private>/<angry|disgust|...>/<image>, or the original fer2013.csv"


def read_fer2013(root: str | os.PathLike[str], usage: Usage) -> Iterator[Record]:
    """Captures of one part; ``condition`` is the class. Nobody says who is in them.

    Args:
        root: The folder of ``train``, ``public`` and ``private``, or the original csv file.
        usage: Which part.

    Raises:
        WrongLayout: No such folder, an unknown class, or a row that is none.
    """
    base = Path(root)
    return _of_csv(base, usage) if base.suffix.lower() == ".csv" else _of_folders(base, usage)


def read_ferplus(path: str | os.PathLike[str]) -> dict[str, npt.NDArray[np.int64]]:
    """Votes by capture, (10,) in the order of `VOTES`, from a table with a row an image and a column a vote.

    Raises:
        WrongLayout: Not there, a column missing, or a row of no votes.
    """
    source = Path(path)
    expected = f"a CSV file with the columns file and {', '.join(VOTES)}"
    votes: dict[str, npt.NDArray[np.int64]] = {}
    for number, row in _rows(source, expected, {"file", *VOTES}):
        try:
            given = np.array([int(row[name]) for name in VOTES], np.int64)
        except ValueError:
            given = np.full(len(VOTES), -1)
        if given.min() < 0:
            raise WrongLayout(f"{source}:{number}: expected whole numbers of votes, got {row}", path=str(source))
        votes[row["file"]] = given
    return votes


def _of_folders(base: Path, usage: Usage) -> Iterator[Record]:
    folder = base / usage
    _layout.require_folder(folder, _LAYOUT)
    unknown = sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name not in EXPRESSIONS)
    if unknown:
        raise WrongLayout(
            f"{folder}: expected the classes {', '.join(EXPRESSIONS)}, got {unknown[0]}", path=str(folder)
        )
    found = False
    for name in EXPRESSIONS:
        for path in sorted((folder / name).glob("*.png")):
            found = True
            yield Record(None, f"{usage}/{name}/{path.name}", path, condition=name)
    if not found:
        raise WrongLayout(f"{folder}: no images; expected {_LAYOUT}", path=str(folder))


def _of_csv(source: Path, usage: Usage) -> Iterator[Record]:
    expected = "the original fer2013.csv with the columns emotion, pixels and Usage"
    for number, row in _rows(source, expected, {"emotion", "pixels", "Usage"}):
        if _USAGES.get(row["Usage"]) != usage:
            continue
        pixels = np.array(row["pixels"].split(" "))
        if pixels.shape != (_SIDE * _SIDE,) or not all(text.isdigit() and int(text) < 256 for text in pixels):
            raise WrongLayout(f"{source}:{number}: expected {_SIDE * _SIDE} numbers from 0 to 255", path=str(source))
        if row["emotion"] not in {"0", "1", "2", "3", "4", "5", "6"}:
            raise WrongLayout(
                f"{source}:{number}: expected a class from 0 to 6, got {row['emotion']}", path=str(source)
            )
        _, png = cv2.imencode(".png", pixels.astype(np.uint8).reshape(_SIDE, _SIDE))
        label = EXPRESSIONS[int(row["emotion"])]
        # Rows have no names; the folder layout numbers them from 0 in this order.
        yield Record(None, f"{usage}/{label}/{row['Usage']}_{number - 2}.png", png.tobytes(), condition=label)


def _rows(source: Path, expected: str, columns: set[str]) -> Iterator[tuple[int, dict[str, str]]]:
    numbered = _layout.lines(source, expected)
    _, header = next(numbered, (1, ""))
    names = next(csv.reader([header]), [])
    if not columns <= set(names):
        raise WrongLayout(f"{source}: expected {expected}, got {', '.join(names)[:200]}", path=str(source))
    for number, text in numbered:
        cells = next(csv.reader([text]))
        if len(cells) != len(names):
            raise WrongLayout(f"{source}:{number}: expected {len(names)} cells, got {len(cells)}", path=str(source))
        yield number, dict(zip(names, cells, strict=True))
