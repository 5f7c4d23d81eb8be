"""The index of a collection: derived from its store, never the truth; it can be thrown away."""

from __future__ import annotations

import dataclasses
import glob
import threading
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from mien.errors import StoreUnavailable
from mien.gallery.scan import (
    LOOSE,
    FileTable,
    Identity,
    MemoryTable,
    Stale,
    Table,
    Wanted,
    locked_array,
    usual_distance,
)
from mien.gallery.search import PART, ScanView
from mien.types import Array

if TYPE_CHECKING:
    from mien.gallery.records import Samples
    from mien.gallery.store import Transaction

__all__ = ["Index", "State", "Tail"]

TAIL = 16_384
"""People kept in memory beside the table: they are compared in half a millisecond, and read in a fifth of a second."""

WAIT = 60.0
"""Seconds to wait for another process that writes the table; then this one reads everything into its own memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """People who are not in the table, or were changed since it was written.

    Attributes:
        keys: (n,) int64.
        templates: (n, d) float32, fused.
        expires: (n,) int32.
    """

    keys: NDArray[np.int64]
    templates: Array
    expires: NDArray[np.int32]

    @classmethod
    def empty(cls, dimension: int) -> Tail:
        """Nobody."""
        return cls(np.empty(0, np.int64), np.empty((0, dimension), np.float32), np.empty(0, np.int32))


@dataclass(slots=True, eq=False)
class State:
    """What the index knows at one revision; never changed once it is made.

    Attributes:
        revision: Of the collection.
        table: Most people, None where all of them are in the tail.
        dead: (m,) int64, keys of people whose row in the table no longer holds.
        tail: The others.
        loose: (l,) int64, rows of the table whose codes are unusually far off.
    """

    revision: int
    table: Table | None
    dead: NDArray[np.int64]
    tail: Tail
    loose: NDArray[np.int64]
    _people: dict[int, int] = field(default_factory=dict, init=False)

    def people(self, day: int) -> int:
        """How many people may be found on a day."""
        if day not in self._people:
            self._people = {day: self.count(lambda keys, expires: (keys > 0) & (expires >= day))}
        return self._people[day]

    def count(self, admits: Callable[[NDArray[np.int64], NDArray[np.int32]], NDArray[np.bool_]]) -> int:
        """How many people a condition on their numbers and last days admits."""
        found = int(np.count_nonzero(admits(self.tail.keys, self.tail.expires)))
        if self.table is not None:
            alive = admits(self.table.keys, self.table.expires)
            dead = alive[np.isin(self.table.keys, self.dead)] if len(self.dead) else alive[:0]
            found += int(np.count_nonzero(alive)) - int(np.count_nonzero(dead))
        return found


class Index:
    """Keeps a `State` up to date: each refresh reads one row, and after a change the people whom it touched.

    Args:
        path: Where the store is, beside whose file the table lies; None to keep it in memory, which is locked.
        tail: How many people are kept beside the table.
    """

    def __init__(self, path: Path | None, *, tail: int | None = None) -> None:
        self._path = path
        self._limit = TAIL if tail is None else tail
        self._lock = threading.RLock()
        self._writing = None if path is None else table_lock(path)
        self._identity: Identity | None = None
        self._state: State | None = None

    def view(self, transaction: Transaction) -> ScanView:
        """The collection as the transaction sees it."""
        return ScanView(self.fitting(transaction), transaction, self)

    @contextmanager
    def unchanging(self, transaction: Transaction) -> Iterator[State]:
        """What the transaction sees, in a table that nobody changes meanwhile: where others do all the time."""
        identity = transaction.identity()
        assert identity is not None
        with self._lock, ExitStack() as stack:
            try:
                if self._writing is not None:
                    stack.enter_context(self._writing)
                state = self.fitting(transaction)
            except (OSError, Timeout):
                state = self._read_all(transaction, identity, transaction.revision())
            yield state

    def fitting(self, transaction: Transaction) -> State:
        """What the transaction sees; the table may be changed by another process at any time after."""
        identity, revision = transaction.identity(), transaction.revision()
        if identity is None:
            return State(revision, None, np.empty(0, np.int64), Tail.empty(0), np.empty(0, np.int64))
        with self._lock:
            state = self._state if identity == self._identity else None  # a name can go to another collection
            if state is None or state.revision < revision or not _current(state.table):
                state = self._advanced(state, transaction, identity, revision)
                self._identity, self._state = identity, state
        if state.table is not None and state.table.revision > revision:
            # The table grew after this transaction began: everybody is read as it sees them.
            return self._read_all(transaction, identity, revision)
        if state.revision > revision:
            state = _followed(_fresh(state.table, identity), transaction, revision, locked=self._path is None)
        return _restored(state, transaction)

    def _advanced(self, state: State | None, transaction: Transaction, identity: Identity, revision: int) -> State:
        if state is None or not _current(state.table):
            table = self._opened(identity, verify=state is None)
            if state is not None and state.table is not None and table is not None:
                wiped_only = table.revision == state.table.revision
                state = dataclasses.replace(state, table=table) if wiped_only else None
            else:
                state = None
            state = state or _fresh(table, identity)
        if state.revision >= revision:
            return state
        if len(state.tail.keys) + transaction.count_changed(state.revision, self._limit + 1) > self._limit:
            return self._grown(transaction, identity, revision)
        return _followed(state, transaction, revision, locked=self._path is None)

    def _opened(self, identity: Identity, *, verify: bool) -> Table | None:
        if self._path is None:
            return None
        with suppress(Stale, OSError):
            return FileTable(table_path(self._path, identity), identity, verify=verify)
        return None

    def _grown(self, transaction: Transaction, identity: Identity, revision: int) -> State:
        """The state with everybody in the table."""
        if self._path is not None and self._writing is not None:
            with suppress(OSError, Timeout), self._writing:
                return self._written(table_path(self._path, identity), transaction, identity, revision)
        return self._read_all(transaction, identity, revision)

    def _written(self, path: Path, transaction: Transaction, identity: Identity, revision: int) -> State:
        _remove_leftovers(path)
        table: FileTable | None = None
        with suppress(Stale, FileNotFoundError):
            table = FileTable(path, identity, verify=True)
            if table.revision > revision or self._few(transaction, table.revision):
                # Another process did it meanwhile.
                return _followed(_fresh(table, identity), transaction, revision)
            if self._changed(path, transaction, identity, table.revision, revision):
                return _fresh(FileTable(path, identity, verify=False), identity)
        count = transaction.count_changed(-1, 2**62)
        FileTable.build(path, identity, revision, count, _wanted(transaction, -1))
        return _fresh(FileTable(path, identity, verify=False), identity)

    def _few(self, transaction: Transaction, since: int) -> bool:
        return transaction.count_changed(since, self._limit // 2 + 1) <= self._limit // 2

    def _changed(self, path: Path, transaction: Transaction, identity: Identity, since: int, revision: int) -> bool:
        if transaction.count_changed(since, 8 * self._limit) >= 8 * self._limit:
            return False
        samples = list(transaction.changed(since))
        gone = np.concatenate([np.array(transaction.gone(since), np.int64), *(part.keys for part in samples)])
        return FileTable.change(path, identity, revision, gone, [_one_each(part) for part in samples])

    def _read_all(self, transaction: Transaction, identity: Identity, revision: int) -> State:
        table = MemoryTable(identity, revision, _wanted(transaction, -1), locked=self._path is None)
        return _fresh(table, identity)

    def purge(self, transaction: Transaction) -> None:
        """Overwrite the rows of everybody who was removed or changed since the table was written, whoever wrote it.

        Raises:
            StoreUnavailable: Another process keeps the table locked, or it can neither be written nor removed.
        """
        identity = transaction.identity()
        if identity is None:
            with self._lock:
                self._identity = self._state = None
        if self._path is None or self._writing is None or identity is None:
            return
        path = table_path(self._path, identity)
        if not path.exists() and not _leftovers(path):
            return
        try:
            with self._writing:
                _purge_table(path, transaction, identity)
        except (OSError, Timeout) as error:
            raise StoreUnavailable(
                f"{path}: the faces are removed, but their codes cannot be overwritten in this file; delete it: "
                "it is made anew when it is needed",
                path=str(path),
                removed=True,
                purged=False,
            ) from error


def _purge_table(path: Path, transaction: Transaction, identity: Identity) -> None:
    _remove_leftovers(path)
    try:
        since = FileTable(path, identity, verify=False).revision
        parts = transaction.changed(since)
        dead = np.concatenate([np.array(transaction.gone(since), np.int64), *(part.keys for part in parts)])
        FileTable.wipe(path, identity, dead, transaction.revision())
    except (Stale, OSError):
        path.unlink(missing_ok=True)


def remove_strays(store: Path, numbers: AbstractSet[int]) -> None:
    """Remove the tables of collections that were erased.

    Args:
        store: The store's file.
        numbers: Of the collections that are there.

    Raises:
        StoreUnavailable: Another process keeps the tables locked, or one cannot be removed.
    """
    begin = f"{store.name}-scan"
    kept = {f"{begin}{number}" for number in numbers}
    # A table, or what a killed process left of one, as in `_leftovers`.
    found = store.parent.glob(f"{glob.escape(begin)}[0-9]*")
    strays = [path for path in found if path.name.partition(".tmp")[0] not in kept and path.is_file()]
    if not strays:
        return
    try:
        with table_lock(store):
            for path in strays:
                path.unlink(missing_ok=True)
    except (OSError, Timeout) as error:
        raise StoreUnavailable(
            f"{strays[0]}: its collection is erased, but this file cannot be removed; delete it",
            path=str(strays[0]),
            removed=True,
            purged=False,
        ) from error


def table_path(store: Path, identity: Identity) -> Path:
    """Where the table of a collection lies."""
    return store.with_name(f"{store.name}-scan{identity.collection_key}")


def table_lock(store: Path) -> FileLock:
    """What only one process may hold, which then may write tables beside a store; its holder may take it again."""
    return FileLock(store.with_name(f"{store.name}-scan.lock"), timeout=WAIT, mode=0o600)


def _leftovers(path: Path) -> list[Path]:
    return list(path.parent.glob(f"{glob.escape(path.name)}.tmp*"))


def _remove_leftovers(path: Path) -> None:
    """What a killed process left half written holds codes of people who may be erased by now."""
    for leftover in _leftovers(path):
        leftover.unlink(missing_ok=True)


def _current(table: Table | None) -> bool:
    return table is None or table.current()


def _fresh(table: Table | None, identity: Identity) -> State:
    if table is None:
        return State(-1, None, np.empty(0, np.int64), Tail.empty(identity.dimension), np.empty(0, np.int64))
    loose = np.flatnonzero(table.distances > LOOSE * usual_distance(identity.dimension)).astype(np.int64)
    return State(table.revision, table, np.empty(0, np.int64), Tail.empty(identity.dimension), loose)


def _restored(state: State, transaction: Transaction) -> State:
    """A state with the people whose rows were wiped for what happened after its revision."""
    if state.table is None or state.table.wiped_until <= state.revision:
        return state
    keys = state.table.keys
    wiped = np.setdiff1d(-keys[keys < 0], np.concatenate([state.dead, keys[keys > 0]]))
    parts = [
        _one_each(transaction.samples_of(wiped[first : first + PART].tolist())) for first in range(0, len(wiped), PART)
    ]
    tail = [Wanted(state.tail.keys, state.tail.templates, state.tail.expires), *parts]
    return dataclasses.replace(state, tail=_tail(tail, locked=False))


def _followed(state: State, transaction: Transaction, revision: int, *, locked: bool = False) -> State:
    """A state with what was committed since."""
    parts = list(transaction.changed(state.revision))
    changed = np.concatenate([np.empty(0, np.int64), *(part.keys for part in parts)])
    gone = np.concatenate([changed, np.array(transaction.gone(state.revision), np.int64)])
    kept = ~np.isin(state.tail.keys, gone)
    tail = [Wanted(state.tail.keys[kept], state.tail.templates[kept], state.tail.expires[kept])]
    tail += [_one_each(part) for part in parts]
    return State(
        revision=revision,
        table=state.table,
        dead=np.union1d(state.dead, gone) if state.table is not None else state.dead,
        tail=_tail(tail, locked=locked),
        loose=state.loose,
    )


def _tail(parts: list[Wanted], *, locked: bool) -> Tail:
    return Tail(
        np.concatenate([part.keys for part in parts]),
        _concatenated([part.templates for part in parts], locked=locked),
        np.concatenate([part.expires for part in parts]),
    )


def _concatenated(parts: list[Array], *, locked: bool) -> Array:
    if not locked:
        return np.concatenate(parts)
    whole = locked_array((sum(len(part) for part in parts), parts[0].shape[1]), np.float32)
    return np.concatenate(parts, out=whole)


def _wanted(transaction: Transaction, since: int) -> Iterator[Wanted]:
    return (_one_each(part) for part in transaction.changed(since))


def _one_each(samples: Samples) -> Wanted:
    """People with one template each; those without a sample are nobody to be found."""
    from mien.recognition import fuse_people

    has = samples.counts > 0
    if not has.any():
        dimension = samples.templates.shape[1]
        return Wanted(np.empty(0, np.int64), np.empty((0, dimension), np.float32), np.empty(0, np.int32))
    return Wanted(samples.keys[has], fuse_people(samples.templates, samples.counts[has]), samples.expires[has])
