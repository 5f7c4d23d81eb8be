"""What must not stand on both sides of a split: a subject, an image, or a copy of one."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np

from mien import media
from mien.datasets._copies import SIDE, Thumbnail, find_copies, thumbnail
from mien.datasets.records import Record
from mien.errors import LeakFound, MienError
from mien.types import Image

__all__ = ["Kind", "Leak", "LeakReport", "duplicate_groups", "find_leaks", "require_disjoint"]

Kind: TypeAlias = Literal["subject", "identical", "near-duplicate", "augmented"]
"""The same person; the same pixels; re-compressed, scaled or recoloured; mirrored, cropped, turned or shifted."""

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Leak:
    """Two captures that must not stand on both sides.

    Attributes:
        kind: Why not.
        first: The capture on the one side.
        second: The capture on the other.
        similarity: Of a copy: how well both agree, up to 1; None for a subject.
        person: The subject both show, None where the leak is of an image.
    """

    kind: Kind
    first: str
    second: str
    similarity: float | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What two sides of a split share.

    Attributes:
        first: How many captures the one side has.
        second: How many the other has.
        leaks: Subjects first, then images, in the order of the captures; a subject with one capture of each side.
        unreadable: Capture and reason of each image that could not be read, and so not compared.
    """

    first: int
    second: int
    leaks: tuple[Leak, ...]
    unreadable: tuple[tuple[str, str], ...] = ()

    @property
    def counts(self) -> dict[Kind, int]:
        """How many leaks of each kind there are."""
        found = collections.Counter(leak.kind for leak in self.leaks)
        kinds: tuple[Kind, ...] = ("subject", "identical", "near-duplicate", "augmented")
        return {kind: found[kind] for kind in kinds}

    def to_dict(self) -> dict[str, Any]:
        """As JSON, schema ``mien.leaks/1``."""
        return {"schema": "mien.leaks/1", **asdict(self), "counts": self.counts}


def find_leaks(
    first: Iterable[Record], second: Iterable[Record], *, progress: Callable[[int], None] | None = None
) -> LeakReport:
    """Everything that stands on both sides of a split.

    Every capture of the second side is compared closely with the five of the first that are most like it, under what a
    copy may have gone through: compression, scale, brightness, contrast, blur, a mirror, a crop or shift of up to some
    15 %, a turn of up to some 10 degrees. 4 KB are kept of an image.

    Args:
        first: One side, such as what was trained on.
        second: The other, such as what is to judge.
        progress: Called with the number of images read.

    Returns:
        The leaks; empty where there is none.
    """
    unreadable: list[tuple[str, str]] = []
    sides, done = [], 0
    for records in (first, second):
        sides.append(_read(records, unreadable, done, progress))
        done += len(sides[-1].records)
    ours, theirs = sides
    leaks = [*_subjects(ours.records, theirs.records), *_images(ours, theirs)]
    return LeakReport(len(ours.records), len(theirs.records), tuple(leaks), tuple(unreadable))


def require_disjoint(first: Iterable[Record], second: Iterable[Record]) -> None:
    """Refuse a split that leaks.

    Raises:
        LeakFound: Something stands on both sides, or an image could not be read and so not compared.
    """
    report = find_leaks(first, second)
    if not report.leaks and not report.unreadable:
        return
    counts = [f"{count:,} {kind}" for kind, count in report.counts.items() if count]
    counts += [f"{len(report.unreadable):,} unreadable"] if report.unreadable else []
    examples = [f"{leak.first} = {leak.second}" for leak in report.leaks[:_EXAMPLES]]
    examples += [capture for capture, _ in report.unreadable[: _EXAMPLES - len(examples)]]
    raise LeakFound(
        f"expected sides that share nothing, got {', '.join(counts)}: {'; '.join(examples)}; "
        "move all captures of a subject, and all copies of an image, to one side",
        **{kind: count for kind, count in report.counts.items() if count},
    )


def duplicate_groups(
    records: Iterable[Record], *, progress: Callable[[int], None] | None = None
) -> tuple[tuple[Record, ...], ...]:
    """Captures that are one image, for a split that keeps them together; images that cannot be read stand alone.

    Args:
        records: The captures of a set.
        progress: Called with the number of images read.

    Returns:
        Groups of two or more, each in the set's order, in the order of their first captures.
    """
    side = _read(records, [], 0, progress)
    groups = _Groups(len(side.rows))
    for rows in _by_hash(side.thumbnails).values():
        for one, other in pairwise(rows):
            groups.join(one, other)
    for copy in find_copies(_stacked(side.thumbnails)):
        groups.join(copy.query, copy.reference)
    return tuple(tuple(side.records[side.rows[row]] for row in rows) for rows in groups.members() if len(rows) > 1)


@dataclass(frozen=True, slots=True)
class _Side:
    records: Sequence[Record]
    rows: Sequence[int]
    thumbnails: Sequence[Thumbnail]


class _Groups:
    """Rows that belong together, by whoever joined them (disjoint sets)."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self._root(one), self._root(other)))
        self._parents[second] = first

    def members(self) -> list[list[int]]:
        found: dict[int, list[int]] = {}
        for row in range(len(self._parents)):
            found.setdefault(self._root(row), []).append(row)
        return list(found.values())

    def _root(self, row: int) -> int:
        while self._parents[row] != row:
            self._parents[row] = self._parents[self._parents[row]]
            row = self._parents[row]
        return row


def _read(
    records: Iterable[Record], unreadable: list[tuple[str, str]], done: int, progress: Callable[[int], None] | None
) -> _Side:
    kept: list[Record] = []
    rows: list[int] = []
    thumbnails: list[Thumbnail] = []
    for record in records:
        kept.append(record)
        try:
            thumbnails.append(thumbnail(media.read(record.source)))
            rows.append(len(kept) - 1)
        except MienError as error:
            unreadable.append((record.capture, error.message))
        if progress is not None:
            progress(done + len(kept))
    return _Side(kept, rows, thumbnails)


def _subjects(first: Sequence[Record], second: Sequence[Record]) -> list[Leak]:
    ours, theirs = (
        {record.person: record.capture for record in reversed(side) if record.person is not None}
        for side in (first, second)
    )
    return [
        Leak("subject", ours[person], theirs[person], person=person)
        for person in sorted(name for name in ours if name in theirs and name is not None)
    ]


def _images(first: _Side, second: _Side) -> list[Leak]:
    """Copies of the second side's images on the first side, in the order of both."""
    found: dict[tuple[int, int], Leak] = {}

    def add(kind: Kind, query: int, reference: int, similarity: float) -> None:
        row, column = first.rows[reference], second.rows[query]
        found.setdefault(
            (column, row), Leak(kind, first.records[row].capture, second.records[column].capture, similarity)
        )

    same = _by_hash(first.thumbnails)
    for query, one in enumerate(second.thumbnails):
        for reference in same.get(one.sha256, ()):
            add("identical", query, reference, 1.0)
    for copy in find_copies(_stacked(second.thumbnails), _stacked(first.thumbnails)):
        add("augmented" if copy.moved else "near-duplicate", copy.query, copy.reference, copy.similarity)
    return [found[key] for key in sorted(found)]


def _by_hash(thumbnails: Sequence[Thumbnail]) -> dict[bytes, list[int]]:
    rows: dict[bytes, list[int]] = {}
    for row, one in enumerate(thumbnails):
        rows.setdefault(one.sha256, []).append(row)
    return rows


def _stacked(thumbnails: Sequence[Thumbnail]) -> Image:
    return np.stack([one.pixels for one in thumbnails]) if thumbnails else np.empty((0, SIDE, SIDE), np.uint8)
