"""Celebrities in Frontal-Profile in the Wild (Sengupta et al., 2016) as published: ``Data`` beside ``Protocol``."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Literal

from mien.datasets import _layout
from mien.datasets.folder import read_folder
from mien.datasets.records import Pair, Record
from mien.errors import InvalidArgument, WrongLayout

__all__ = ["read_cfp", "read_cfp_pairs"]

_IMAGES = "Data/Images"
_LAYOUT = "the published CFP layout: Protocol beside Data/Images/<person>/frontal/01.jpg and profile/01.jpg"
_CONDITIONS = {"F": "frontal", "P": "profile"}


def read_cfp(root: str | os.PathLike[str]) -> Iterator[Record]:
    """All captures, sorted: a person is the number of the folder, a condition ``"frontal"`` or ``"profile"``.

    Args:
        root: The folder that holds ``Data`` and ``Protocol`` (``cfp-dataset``).

    Raises:
        WrongLayout: No folder of images, or an image that is neither frontal nor profile.
    """
    images = Path(root) / _IMAGES
    _layout.require_folder(images, _LAYOUT)
    for record in read_folder(images):
        yield replace(record, condition=_condition(record.capture, str(images / record.capture)))


def read_cfp_pairs(root: str | os.PathLike[str], protocol: Literal["ff", "fp"] = "fp") -> Iterator[Pair]:
    """Pairs of frontal against frontal, or frontal (first) against profile (second), fold by fold, mated first.

    Args:
        root: The folder that holds ``Data`` and ``Protocol`` (``cfp-dataset``).
        protocol: ``"ff"`` or ``"fp"``.

    Raises:
        InvalidArgument: Another protocol.
        WrongLayout: A list or image is missing, a line is not as published, or a pair contradicts its list.
    """
    if protocol not in ("ff", "fp"):
        raise InvalidArgument(f"expected protocol 'ff' or 'fp', got {protocol!r}")
    base = Path(root)
    numbered = {letter: _captures(base, letter) for letter in sorted(set(protocol.upper()))}
    first, second = (numbered[letter] for letter in protocol.upper())
    for fold, folder in enumerate(_folds(base / "Protocol" / "Split" / protocol.upper())):
        mated = _index_pairs(folder / "same.txt")
        non_mated = _index_pairs(folder / "diff.txt")
        if len(mated) != len(non_mated):
            sizes = f"{len(mated)} in same.txt and {len(non_mated)} in diff.txt"
            raise WrongLayout(f"{folder}: expected as many mated pairs as others, got {sizes}", path=str(folder))
        for name, pairs in (("same.txt", mated), ("diff.txt", non_mated)):
            for where, left, right in pairs:
                records = _capture(base, first, left, where), _capture(base, second, right, where)
                yield _pair(*records, where, mated=name == "same.txt", fold=fold)


def _captures(base: Path, letter: str) -> dict[int, str]:
    """What ``Pair_list_F.txt`` or ``Pair_list_P.txt`` numbers: paths from ``Data/Images``, by number."""
    path = base / "Protocol" / f"Pair_list_{letter}.txt"
    captures = dict[int, str]()
    for number, line in _layout.lines(path, _LAYOUT):
        where = f"{path}:{number}"
        cells = line.split(maxsplit=1)
        if len(cells) != 2:
            raise WrongLayout(f"{where}: expected a number and a path, got {line[:80]!r}", path=where)
        index = _layout.whole_number(cells[0], where)
        capture = posixpath.relpath(posixpath.normpath(posixpath.join("/Protocol", cells[1])), f"/{_IMAGES}")
        if capture.startswith("../") or _condition(capture, where) != _CONDITIONS[letter] or index in captures:
            expected = f"a new number and ../{_IMAGES}/<person>/{_CONDITIONS[letter]}/<image>"
            raise WrongLayout(f"{where}: expected {expected}, got {line[:80]!r}", path=where)
        captures[index] = capture
    return captures


def _folds(splits: Path) -> list[Path]:
    """The folders 01, 02, ... of a protocol."""
    _layout.require_folder(splits, _LAYOUT)
    folders = sorted(path for path in splits.iterdir() if path.is_dir() and path.name.isdecimal())
    if not folders or [path.name for path in folders] != [f"{fold:02d}" for fold in range(1, len(folders) + 1)]:
        found = _layout.contents(splits)
        raise WrongLayout(f"{splits}: expected a folder a fold, from 01 without a gap; found {found}", path=str(splits))
    return folders


def _index_pairs(path: Path) -> list[tuple[str, int, int]]:
    pairs = []
    for number, line in _layout.lines(path, _LAYOUT):
        where = f"{path}:{number}"
        cells = line.split(",")
        if len(cells) != 2:
            raise WrongLayout(f"{where}: expected two numbers and a comma, got {line[:80]!r}", path=where)
        left, right = (_layout.whole_number(cell.strip(), where) for cell in cells)
        pairs.append((where, left, right))
    if not pairs:
        raise WrongLayout(f"{path}: expected a pair a line, got none; fetch it again", path=str(path))
    return pairs


def _capture(base: Path, captures: dict[int, str], index: int, where: str) -> Record:
    if index not in captures:
        raise WrongLayout(f"{where}: expected one of {len(captures)} listed captures, got number {index}", path=where)
    capture = captures[index]
    source = _layout.image_below(base / _IMAGES, capture, where)
    return Record(PurePosixPath(capture).parts[0], capture, source, condition=_condition(capture, where))


def _pair(first: Record, second: Record, where: str, *, mated: bool, fold: int) -> Pair:
    if (first.person == second.person) != mated:
        people = "one person" if mated else "two people"
        raise WrongLayout(f"{where}: expected {people}, got {first.capture} and {second.capture}", path=where)
    return Pair(first, second, mated, fold)


def _condition(capture: str, where: str) -> str:
    parts = PurePosixPath(capture).parts
    if len(parts) != 3 or parts[1] not in _CONDITIONS.values():
        raise WrongLayout(f"{where}: expected <person>/frontal or profile/<image>, got {capture[:80]!r}", path=where)
    return parts[1]
