"""Labeled Faces in the Wild (Huang et al., 2007) as published: pairs.txt beside ``lfw/<person>/<person>_0001.jpg``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from mien.datasets import _layout
from mien.datasets.folder import read_folder
from mien.datasets.records import Pair, Record
from mien.errors import InvalidArgument, WrongLayout

__all__ = ["read_lfw", "read_lfw_pairs"]

_LAYOUT = "the published LFW layout: pairs.txt beside lfw/<person>/<person>_0001.jpg"


def read_lfw(root: str | os.PathLike[str], images: str | None = None) -> Iterator[Record]:
    """All captures, sorted.

    Args:
        root: The folder that holds the images' folder (``lfw``, ``lfw_funneled``, ...), or that folder itself.
        images: Name of the images' folder, where there are several.

    Raises:
        WrongLayout: No folder of images, or several and none is named.
    """
    yield from read_folder(_images_folder(Path(root), images))


def read_lfw_pairs(
    root: str | os.PathLike[str],
    *,
    view: Literal[1, 2] = 2,
    subset: Literal["train", "test"] = "test",
    images: str | None = None,
) -> Iterator[Pair]:
    """Pairs of View 2 (pairs.txt, for reports) or View 1 (pairsDevTrain.txt or pairsDevTest.txt, for development).

    Args:
        root: The folder of the pair lists.
        view: 2, fold by fold, or 1, a single fold.
        subset: Which list of View 1; View 2 has none.
        images: Name of the images' folder, where there are several.

    Raises:
        InvalidArgument: Another view or subset.
        WrongLayout: A list or image is missing, or a line is not as published.
    """
    if view not in (1, 2) or subset not in ("train", "test"):
        raise InvalidArgument(f"expected view 1 or 2 and subset train or test, got {view!r} and {subset!r}")
    base = Path(root)
    path = base / ("pairs.txt" if view == 2 else f"pairsDev{subset.title()}.txt")
    numbered = _layout.lines(path, _LAYOUT)
    number, header = next(numbered, (1, ""))
    counts = [_layout.whole_number(text, f"{path}:{number}") for text in header.split()]
    if len(counts) != (2 if view == 2 else 1):
        shape = "folds and pairs" if view == 2 else "the number of pairs"
        raise WrongLayout(f"{path}:{number}: expected {shape}, got {header[:80]!r}", path=str(path))
    folds, size = (counts[0], counts[1]) if view == 2 else (1, counts[0])
    folder = _images_folder(base, images)
    read = 0
    for number, line in numbered:
        mated = read // size % 2 == 0
        if read == 2 * folds * size:
            raise WrongLayout(f"{path}:{number}: expected {read} pairs, got more", path=str(path))
        yield _pair(folder, line.split(), f"{path}:{number}", mated=mated, fold=read // (2 * size))
        read += 1
    if read != 2 * folds * size:
        raise WrongLayout(f"{path}: expected {2 * folds * size} pairs, got {read}; fetch it again", path=str(path))


def _pair(folder: Path, cells: list[str], where: str, *, mated: bool, fold: int) -> Pair:
    if len(cells) != (3 if mated else 4):
        expected = "name, index, index" if mated else "name, index, name, index"
        raise WrongLayout(f"{where}: expected {expected}, got {' '.join(cells)[:80]!r}", path=where)
    name, index, *other = cells
    second = (name, other[0]) if mated else (other[0], other[1])
    return Pair(_record(folder, name, index, where), _record(folder, *second, where), mated, fold)


def _record(folder: Path, person: str, index: str, where: str) -> Record:
    capture = f"{person}/{person}_{_layout.whole_number(index, where):04d}.jpg"
    return Record(person, capture, _layout.image_below(folder, capture, where))


def _images_folder(root: Path, images: str | None) -> Path:
    _layout.require_folder(root, _LAYOUT)
    if images is not None:
        _layout.require_folder(root / images, _LAYOUT)
        return root / images
    if _holds_people(root):
        return root
    candidates = [path for path in sorted(root.iterdir()) if path.is_dir() and _holds_people(path)]
    if len(candidates) == 1:
        return candidates[0]
    found = ", ".join(path.name for path in candidates)
    if found:
        raise WrongLayout(f"{root}: several folders of images: {found}; name one (--images, images=)", path=str(root))
    raise WrongLayout(f"{root}: no images; expected {_LAYOUT}. Found: {_layout.contents(root)}", path=str(root))


def _holds_people(folder: Path) -> bool:
    return next(folder.glob("*/*_[0-9][0-9][0-9][0-9].jpg"), None) is not None
