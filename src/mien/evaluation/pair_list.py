"""A published list of pairs, each capture once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.datasets import Pair, Record

__all__ = ["PairList", "index_pairs"]


@dataclass(frozen=True, slots=True, eq=False)
class PairList:
    """Pairs by the rows of their captures.

    Attributes:
        records: The captures, each once.
        rows: (n, 2) rows of each pair among them.
        mated: (n,) True where both show one person.
        folds: (n,) fold of each pair, from 0.
    """

    records: tuple[Record, ...]
    rows: NDArray[np.intp]
    mated: NDArray[np.bool_]
    folds: NDArray[np.intp]


def index_pairs(pairs: Iterable[Pair]) -> PairList:
    """The captures that pairs name, each once, and the pairs by their rows."""
    rows: dict[str, int] = {}
    records: list[Record] = []

    def row_of(record: Record) -> int:
        if record.capture not in rows:
            rows[record.capture] = len(records)
            records.append(record)
        return rows[record.capture]

    listed = [(row_of(pair.first), row_of(pair.second), pair.mated, pair.fold) for pair in pairs]
    table = np.array(listed, np.intp).reshape(-1, 4)
    return PairList(tuple(records), table[:, :2], table[:, 2].astype(bool), table[:, 3])
