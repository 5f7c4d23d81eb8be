"""FER2013 and the votes of FER+ as the networks take them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mien import media
from mien.datasets import EXPRESSIONS, VOTES, ExpressionRecord, duplicate_groups, read_fer2013
from mien.errors import WrongLayout
from mien.lab.examples import Examples
from mien.types import Array

__all__ = ["examples_of", "read"]

_SIDE = 48


def read(path: Path) -> Examples:
    """FER2013's training part (`mien.datasets.read_fer2013`), copies of one image in one group.

    To look for copies takes minutes; what was read is kept beside the data as ``mien-train.npz`` and read from there
    the next time. An ``.npz`` so made may be given itself.

    Raises:
        WrongLayout: As the reader; or no training part.
    """
    kept = path if path.suffix == ".npz" else (path.parent if path.is_file() else path) / "mien-train.npz"
    if not kept.is_file():
        records = [entry for entry in read_fer2013(path) if entry.subset == "train"]
        if not records:
            raise WrongLayout(f"{path}: expected a training part, got none", path=str(path))
        _keep(kept, examples_of(records, "FER2013"))
    with np.load(kept) as arrays:
        return Examples(*(arrays[name] for name in ("images", "targets", "labels", "groups", "source")))


def examples_of(records: Iterable[ExpressionRecord], source: str, *, copies: bool = True) -> Examples:
    """Records of one set as examples of 48x48 pixels.

    Args:
        records: Those without a class of ours have a label of -1, and count by their votes alone.
        source: What to call the set.
        copies: Whether copies of an image, and images of a person, are sought, to be of one group.
    """
    entries = list(records)
    images = np.stack([_grey(entry) for entry in entries])
    labels = np.array([-1 if e.expression is None else EXPRESSIONS.index(e.expression) for e in entries], np.int64)
    targets = np.zeros((len(entries), len(EXPRESSIONS) + len(VOTES)), np.float32)
    targets[labels >= 0, labels[labels >= 0]] = 1
    targets[:, len(EXPRESSIONS) :] = np.stack([_shares(entry.votes) for entry in entries])
    groups = _groups(entries) if copies else np.arange(len(entries))
    return Examples(images, targets, labels, groups, np.full(len(entries), source))


def _grey(entry: ExpressionRecord) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(media.read(entry.record.source), cv2.COLOR_RGB2GRAY)
    if grey.shape != (_SIDE, _SIDE):
        grey = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8)


def _shares(votes: tuple[int, ...] | None) -> Array:
    """Votes as a distribution; single votes are left out, as the authors of FER+ do, where that leaves any."""
    counts = np.zeros(len(VOTES)) if votes is None else np.array(votes, np.float64)
    if (counts > 1).any():
        counts[counts <= 1] = 0
    return np.asarray(counts / max(1.0, counts.sum()), np.float32)


def _groups(entries: list[ExpressionRecord]) -> NDArray[np.int64]:
    """A group an image, those that are copies of one another together, and those of one person together."""
    people = {
        p: n for n, p in enumerate(dict.fromkeys(e.record.person for e in entries if e.record.person), len(entries))
    }
    groups = np.array([people.get(e.record.person or "", row) for row, e in enumerate(entries)], np.int64)
    place = {entry.record.capture: row for row, entry in enumerate(entries)}
    for copies in duplicate_groups(entry.record for entry in entries):
        together = groups[[place[record.capture] for record in copies]]
        groups[np.isin(groups, together)] = together.min()
    return groups


def _keep(path: Path, examples: Examples) -> None:
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(
        partial,
        images=examples.images,
        targets=examples.targets,
        labels=examples.labels,
        groups=examples.groups,
        source=examples.source,
    )
    partial.replace(path)
