"""FER2013 (Goodfellow et al., ICONIP 2013), as folders or as its csv, and the votes of FER+ (Barsoum et al., 2016)."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from mien.datasets import _layout
from mien.datasets.expressions import EXPRESSIONS, ExpressionRecord
from mien.datasets.records import Record
from mien.errors import WrongLayout

__all__ = ["VOTES", "read_fer2013"]

VOTES = (*EXPRESSIONS, "contempt", "unknown", "not a face")
"""What the columns of votes count, in order."""

_LAYOUT = "FER2013 as folders (train/angry/*.png, and public, private or test beside train) or as fer2013.csv"
_USAGES = {"Training": "train", "PublicTest": "public", "PrivateTest": "private"}
_SUBSETS = ("train", "public", "private", "test")
_SIDE = 48
# What FER+ calls the columns, in the order of `VOTES`.
_VOTED = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "contempt", "unknown", "NF")


def read_fer2013(root: str | os.PathLike[str]) -> Iterator[ExpressionRecord]:
    """All images with their labels, and with the votes of FER+ where these lie beside them.

    Folders come subset by subset, class by class, sorted, and votes from ``ferplus.csv``, whose first column names a
    file. The csv comes row by row, each image as a PNG in memory, and votes from ``fer2013new.csv``, row for row.

    Args:
        root: The folder, or the csv.

    Raises:
        WrongLayout: Neither layout, a row that is none, or votes that do not fit.
    """
    base = Path(root)
    if base.is_file() or (base / "fer2013.csv").is_file():
        return _from_csv(base if base.is_file() else base / "fer2013.csv")
    return _from_folders(base)


def _from_folders(base: Path) -> Iterator[ExpressionRecord]:
    _layout.require_folder(base, _LAYOUT)
    found = [subset for subset in _SUBSETS if (base / subset).is_dir()]
    if not found:
        raise WrongLayout(f"{base}: expected {_LAYOUT}. Found: {_layout.contents(base)}", path=str(base))
    votes = _named_votes(base / "ferplus.csv") if (base / "ferplus.csv").is_file() else {}
    for subset in found:
        for expression in EXPRESSIONS:
            folder = base / subset / expression
            _layout.require_folder(folder, _LAYOUT)
            for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in {".png", ".jpg"}):
                capture = path.relative_to(base).as_posix()
                yield ExpressionRecord(Record(None, capture, path), expression, subset, votes.get(capture))


def _from_csv(path: Path) -> Iterator[ExpressionRecord]:
    beside = path.with_name("fer2013new.csv")
    votes = _rows(beside, ["Usage", *_VOTED]) if beside.is_file() else None
    for number, row in enumerate(_rows(path, ["emotion", "pixels", "Usage"]), 2):
        where = f"{path}:{number}"
        emotion, subset = row["emotion"], _USAGES.get(row["Usage"])
        if emotion not in {str(place) for place in range(len(EXPRESSIONS))} or subset is None:
            raise WrongLayout(f"{where}: expected a class from 0 to 6 and a usage, got {emotion!r}", path=where)
        counted = None
        if votes is not None:
            entry = next(votes, None)
            if entry is None or entry["Usage"] != row["Usage"]:
                raise WrongLayout(f"{beside}: expected a row for each of {path.name}, in its order", path=str(beside))
            counted = _votes(entry, where)
        record = Record(None, f"{row['Usage']}_{number - 2}", _png(row["pixels"], where))
        yield ExpressionRecord(record, EXPRESSIONS[int(emotion)], subset, counted)


def _rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(text for _, text in _layout.lines(path, _LAYOUT))
    missing = [name for name in columns if name not in (reader.fieldnames or [])]
    if missing:
        raise WrongLayout(
            f"{path}: expected the columns {', '.join(columns)}; {', '.join(missing)} missing", path=str(path)
        )
    for number, row in enumerate(reader, 2):
        if any(row.get(name) is None for name in columns):
            raise WrongLayout(f"{path}:{number}: expected {len(columns)} cells or more", path=f"{path}:{number}")
        yield row


def _named_votes(path: Path) -> dict[str, tuple[int, ...]]:
    counted = {row["file"]: _votes(row, row["file"]) for row in _rows(path, ["file", *_VOTED])}
    return {name: votes for name, votes in counted.items() if votes is not None}


def _votes(row: Mapping[str, str], where: str) -> tuple[int, ...] | None:
    cells = [row[name] for name in _VOTED]
    if set(cells) == {"-1"}:
        return None  # FER+ left a few images out
    if not all(cell.isascii() and cell.isdigit() for cell in cells):
        raise WrongLayout(f"{where}: expected ten counts of votes, got {', '.join(cells)}", path=where)
    return tuple(int(cell) for cell in cells)


def _png(pixels: str, where: str) -> bytes:
    try:
        values = np.array(pixels.split(), np.uint8)
    except (ValueError, OverflowError):
        values = np.empty(0, np.uint8)
    if values.size != _SIDE * _SIDE:
        raise WrongLayout(f"{where}: expected {_SIDE * _SIDE} pixels of 0 to 255, got {values.size}", path=where)
    return bytes(cv2.imencode(".png", values.reshape(_SIDE, _SIDE))[1])
