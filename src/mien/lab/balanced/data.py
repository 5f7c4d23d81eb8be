"""FER2013's training part with both labellings, and the tenth of it on which choices are made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien import datasets, media
from mien.datasets import EXPRESSIONS, VOTES, Record
from mien.lab.examples import Examples
from mien.lab.splits import hold_out, require_apart

__all__ = ["HELD_OUT", "load", "split"]

HELD_OUT = 0.1


def load(
    root: str | os.PathLike[str], usage: datasets.Usage, *, progress: Callable[[int], None] | None = None
) -> Examples:
    """The images of one part, their labels, FER+'s votes, and which of them are copies of one another.

    Args:
        root: The folder of FER2013, with ``ferplus.csv`` in it.
        usage: Which part.
        progress: Called with the number of images that were compared with the others.

    Raises:
        WrongLayout: It does not lie as published.
    """
    records = [*datasets.read_fer2013(root, usage)]
    votes = datasets.read_ferplus(Path(root) / "ferplus.csv")
    images = np.stack([media.read(record.source)[..., 0] for record in records])
    labels = np.array([EXPRESSIONS.index(record.condition or "") for record in records], np.int64)
    shares = np.zeros((len(records), len(VOTES)), np.float32)
    for row, record in enumerate(records):
        given = votes.get(record.capture)
        if given is not None and given.sum():
            shares[row] = given / given.sum()
    targets = np.concatenate([np.eye(len(EXPRESSIONS), dtype=np.float32)[labels], shares], axis=1)
    groups = grouped(records, datasets.duplicate_groups(records, progress=progress))
    return Examples(images, targets, labels, groups, np.full(len(records), "fer2013"))


def grouped(records: Sequence[Record], copies: Iterable[Sequence[Record]]) -> NDArray[np.int64]:
    """(n,) a number for each image that its copies share."""
    rows = {record.capture: row for row, record in enumerate(records)}
    groups = np.arange(len(records))
    for group in copies:
        members = [rows[record.capture] for record in group]
        groups[members] = min(members)
    return groups


def split(examples: Examples, seed: int = 0) -> NDArray[np.bool_]:
    """(n,) True for the tenth on which choices are made; no copy of an image is on the other side."""
    held = hold_out(examples.groups, examples.labels, HELD_OUT, seed)
    require_apart(examples.groups, held)
    return held
