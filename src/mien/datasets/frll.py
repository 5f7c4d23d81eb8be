"""Face Research Lab London Set (DeBruine & Jones, 2017) as published: frontal portraits, neutral and smiling."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.datasets import _layout
from mien.datasets.folder import read_groups
from mien.datasets.records import Record
from mien.errors import WrongLayout

__all__ = ["read_frll", "read_landmarks"]

_LAYOUT = (
    "the published FRLL layout: london_faces_info.csv beside neutral_front/001_03.jpg and smiling_front/001_08.jpg"
)
_TABLES = ("london_faces_info.csv", "london_info.csv")
_FOLDERS = {"neutral": "neutral_front", "smiling": "smiling_front"}
_GROUPS = {"age": ("face_age",), "gender": ("face_gender", "face_sex"), "ethnicity": ("face_eth",)}
_LANDMARKS = 189


def read_frll(root: str | os.PathLike[str]) -> Iterator[Record]:
    """All captures, neutral ones first, sorted; with the groups age (in years, as text), gender and ethnicity.

    Rows of people without a capture are passed over: a part of the set comes with the table of the whole.

    Raises:
        WrongLayout: No table, no folder of images, an image of another name, or of somebody without a row.
    """
    base = Path(root)
    _layout.require_folder(base, _LAYOUT)
    groups = _groups(base)
    for condition, name in _FOLDERS.items():
        folder = base / name
        _layout.require_folder(folder, _LAYOUT)
        paths = sorted(path for path in folder.glob("*.jpg") if not path.name.startswith("."))
        if not paths:
            raise WrongLayout(f"{folder}: no images; expected {_LAYOUT}", path=str(folder))
        for path in paths:
            person, underscore, _ = path.stem.partition("_")
            if not underscore or person not in groups:
                raise WrongLayout(f"{path}: expected <person>_<view>.jpg of a person in the table", path=str(path))
            yield Record(person, f"{name}/{path.name}", path, groups[person], condition)


def read_landmarks(path: str | os.PathLike[str]) -> npt.NDArray[np.float32]:
    """The hand-placed landmarks of one image, from its Psychomorph ``.tem`` file.

    Returns:
        (189, 2) float32, x and y in pixels of the published image.

    Raises:
        WrongLayout: Not there, cut short, or no pairs of finite numbers.
    """
    source = Path(path)
    numbered = _layout.lines(source, "a .tem file of landmarks")
    number, header = next(numbered, (1, ""))
    if header != str(_LANDMARKS):
        raise WrongLayout(f"{source}:{number}: expected {_LANDMARKS}, got {header[:40]!r}", path=str(source))
    points: list[tuple[float, float]] = []
    for number, line in numbered:
        if len(points) == _LANDMARKS:
            break  # the lines that join the points follow
        points.append(_point(line, f"{source}:{number}"))
    if len(points) != _LANDMARKS:
        raise WrongLayout(f"{source}: expected {_LANDMARKS} landmarks, got {len(points)}", path=str(source))
    return np.array(points, np.float32)


def _groups(base: Path) -> dict[str, dict[str, str]]:
    table = next((base / name for name in _TABLES if (base / name).exists()), base / _TABLES[0])
    groups = dict[str, dict[str, str]]()
    for person, row in read_groups(table).items():
        labels = dict[str, str]()
        for name, columns in _GROUPS.items():
            column = next((column for column in columns if column in row), None)
            if column is None:
                raise WrongLayout(f"{table}: expected a column {' or '.join(columns)}", path=str(table))
            labels[name] = row[column]
        groups[person.removeprefix("X")] = labels  # the published table has X001 for 001
    return groups


def _point(line: str, where: str) -> tuple[float, float]:
    try:
        x, y = (float(cell) for cell in line.split())
    except ValueError:
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise WrongLayout(f"{where}: expected x and y in pixels, got {line[:40]!r}", path=where)
    return x, y
