"""The table that a scan reads: one row a person, in a file beside the database, or in memory.

The file is derived: it can be thrown away at any time, and is made anew wherever it does not fit the database. Its
header says what it belongs to and up to which revision it knows the collection; every block of rows has a checksum.

    4096 bytes    header (see `_HEADER`), with a checksum of its own
    blocks x 4    CRC-32 of each block of `BLOCK` rows
    capacity x d  codes, uint8
    capacity x d  second codes, uint8
    capacity x 8  keys of people, int64; less than 0 where the row was wiped
    capacity x 4  distances between templates and codes, float32
    capacity x 4  distances between templates and both codes, float32
    capacity x 4  last day of each consent as a proleptic ordinal, int32

A process that changes the file holds a lock, and leaves the header's sequence number odd meanwhile: whoever finds it
odd without the lock being held finds the work of a process that was killed. Readers need no lock: they compare the
number before and after.
"""

from __future__ import annotations

import ctypes
import math
import mmap
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.gallery.scan.codes import ZERO, Codes, encode, scale_of
from mien.gallery.scan.header import BLOCK, HEADER_SIZE, SEQUENCE, SEQUENCE_AT, Header, Identity, Stale
from mien.types import Array

__all__ = ["BLOCK", "FOREVER", "FileTable", "Identity", "MemoryTable", "Stale", "Table", "Wanted", "locked_array"]

_CRC = struct.Struct("<I")

FOREVER = int(np.iinfo(np.int32).max)
"""The last day of a consent without end."""


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """People to be written into a table.

    Attributes:
        keys: (n,) int64.
        templates: (n, d) float32, fused.
        expires: (n,) int32, last day as a proleptic ordinal.
    """

    keys: NDArray[np.int64]
    templates: Array
    expires: NDArray[np.int32]


class Table(Protocol):
    """Rows as they are now; arrays must not be written to."""

    identity: Identity
    codes: Codes
    fine: Codes
    keys: NDArray[np.int64]
    distances: Array
    rests: Array
    expires: NDArray[np.int32]
    revision: int
    wiped_until: int
    scale: float

    def current(self) -> bool:
        """Whether nobody has changed the table since it was opened."""

    def close(self) -> None:
        """Let go of it."""


class MemoryTable:
    """A table that no file holds: where templates are sealed, or nothing can be written beside the database."""

    def __init__(self, identity: Identity, revision: int, parts: Iterable[Wanted], *, locked: bool = False) -> None:
        self.identity = identity
        self.revision = revision
        self.wiped_until = revision
        self.scale = scale_of(identity.dimension)
        coded = [(part, encode(part.templates, self.scale)) for part in parts]
        shape = (sum(len(part.keys) for part, _ in coded), identity.dimension)
        made = locked_array if locked else np.empty
        self.codes, self.fine = made(shape, np.uint8), made(shape, np.uint8)
        at = 0
        for part, one in coded:
            rows = slice(at, at + len(part.keys))
            self.codes[rows], self.fine[rows] = one.codes, one.fine
            one.codes[:] = one.fine[:] = 0
            at = rows.stop
        self.keys = _joined([part.keys for part, _ in coded], np.int64)
        self.distances = _joined([one.distances for _, one in coded], np.float32)
        self.rests = _joined([one.rests for _, one in coded], np.float32)
        self.expires = _joined([part.expires for part, _ in coded], np.int32)

    def current(self) -> bool:
        """Always: nobody else has it."""
        return True

    def close(self) -> None:
        """Overwrite the codes."""
        self.codes[:] = self.fine[:] = 0


class FileTable:
    """A table in a file; see the module.

    Args:
        path: The file.
        identity: What it has to belong to.
        verify: Compare every block with its checksum.

    Raises:
        Stale: The file has to be made anew.
        OSError: It cannot be read; `FileNotFoundError` where there is none.
    """

    def __init__(self, path: Path, identity: Identity, *, verify: bool) -> None:
        self.identity = identity
        self.path = path
        with path.open("rb") as file:
            header = Header.read(file, identity)
            size = os.fstat(file.fileno()).st_size
            if header.sequence % 2 or size < header.size or header.rows > header.capacity:
                raise Stale("left half written")
            self._memory = mmap.mmap(file.fileno(), header.size, access=mmap.ACCESS_READ)
        self._sequence = header.sequence
        self.revision = header.revision
        self.wiped_until = header.wiped_until
        self.scale = header.scale
        n, d, at = header.rows, identity.dimension, header.offsets
        self.codes = np.frombuffer(self._memory, np.uint8, n * d, at[0]).reshape(n, d)
        self.fine = np.frombuffer(self._memory, np.uint8, n * d, at[1]).reshape(n, d)
        self.keys = np.frombuffer(self._memory, "<i8", n, at[2])
        self.distances = np.frombuffer(self._memory, "<f4", n, at[3])
        self.rests = np.frombuffer(self._memory, "<f4", n, at[4])
        self.expires = np.frombuffer(self._memory, "<i4", n, at[5])
        if verify:
            self._verify(header)

    def _verify(self, header: Header) -> None:
        sums = np.frombuffer(self._memory, "<u4", header.blocks, HEADER_SIZE)
        for block, first in enumerate(range(0, header.rows, BLOCK)):
            rows = slice(first, min(first + BLOCK, header.rows))
            columns = (self.codes, self.fine, self.keys, self.distances, self.rests, self.expires)
            if _crc([column[rows] for column in columns]) != sums[block]:
                raise Stale("damaged")

    def current(self) -> bool:
        """Whether nobody has changed the table since it was opened."""
        return bool(SEQUENCE.unpack_from(self._memory, SEQUENCE_AT)[0] == self._sequence)

    def close(self) -> None:
        """Let go of the arrays; the mapping goes with the last of them."""
        empty = np.empty(0, np.uint8)
        self.codes = self.fine = empty.reshape(0, 0)
        self.keys, self.expires = empty.astype(np.int64), empty.astype(np.int32)
        self.distances = self.rests = empty.astype(np.float32)

    @classmethod
    def build(cls, path: Path, identity: Identity, revision: int, rows: int, parts: Iterable[Wanted]) -> None:
        """Write a new file in place of whatever is there; the caller holds the lock.

        Args:
            path: The file.
            identity: What it belongs to.
            revision: Up to which revision of the collection ``parts`` know it.
            rows: How many people there are.
            parts: Everybody, a part at a time.

        Raises:
            OSError: It cannot be written; nothing is left behind.
        """
        blocks = max(1, -(-2 * rows // BLOCK))
        header = Header(identity, 0, blocks * BLOCK, 0, revision, 0, revision, scale_of(identity.dimension))
        temporary = path.with_name(f"{path.name}.tmp{os.getpid()}")
        try:
            with open(temporary, "wb+", opener=_private) as file:
                file.truncate(header.size)
                header.write(file)
                _append(file, header, parts)
                header.write(file)
                file.flush()
                os.fsync(file.fileno())
            _retire(path)
            temporary.replace(path)
            _sync_folder(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    @classmethod
    def change(
        cls, path: Path, identity: Identity, revision: int, gone: NDArray[np.int64], parts: Iterable[Wanted]
    ) -> bool:
        """Wipe the rows of some people and add others; the caller holds the lock.

        Args:
            path: The file.
            identity: What it belongs to.
            revision: Up to which revision of the collection it knows the collection then.
            gone: Keys of the people whose rows to wipe, those of ``parts`` among them.
            parts: Whom to add.

        Returns:
            False where there is no room, or so much was wiped that a new file is due; nothing was changed.

        Raises:
            Stale: The file has to be made anew.
            OSError: It cannot be written; whoever opens it next finds it stale.
        """
        added = list(parts)
        with path.open("rb+") as file:
            header = Header.read(file, identity)
            if header.sequence % 2:
                raise Stale("left half written")
            count = sum(len(part.keys) for part in added)
            if header.rows + count > header.capacity or header.wiped + count > max(header.rows, BLOCK) // 2:
                return False
            with _changing(file, header):
                _wipe(file, header, gone)
                _append(file, header, added)
                header.revision = revision
                header.wiped_until = max(header.wiped_until, revision)
        return True

    @classmethod
    def wipe(cls, path: Path, identity: Identity, gone: NDArray[np.int64], until: int) -> None:
        """Overwrite the rows of people who were changed; the caller holds the lock, errors as in `change`.

        Args:
            path: The file.
            identity: What it has to belong to.
            gone: Their keys.
            until: The revision of the collection that tells of them; the table's own stays.
        """
        with path.open("rb+") as file:
            header = Header.read(file, identity)
            if header.sequence % 2:
                raise Stale("left half written")
            with _changing(file, header):
                _wipe(file, header, gone)
                header.wiped_until = max(header.wiped_until, until)


@contextmanager
def _changing(file: IO[bytes], header: Header) -> Iterator[None]:
    """Leave the sequence number odd meanwhile, and two higher afterwards; odd for good where the block raises."""
    _set_sequence(file, header.sequence + 1)
    yield
    file.flush()
    os.fsync(file.fileno())
    header.sequence += 2
    header.write(file)
    file.flush()
    os.fsync(file.fileno())


def _set_sequence(file: IO[bytes], sequence: int) -> None:
    file.seek(SEQUENCE_AT)
    file.write(SEQUENCE.pack(sequence))
    file.flush()


def _retire(path: Path) -> None:
    """Tell the readers of a file that is about to be replaced."""
    with suppress(OSError), path.open("rb+") as file:
        _set_sequence(file, 2**63 + 1)


def _append(file: IO[bytes], header: Header, parts: Iterable[Wanted]) -> None:
    first = header.rows
    for part in parts:
        one, keys, days = encode(part.templates, header.scale), part.keys.astype("<i8"), part.expires.astype("<i4")
        columns = (one.codes, one.fine, keys, one.distances.astype("<f4"), one.rests.astype("<f4"), days)
        for offset, column in zip(header.offsets, columns, strict=False):
            file.seek(offset + header.rows * column.nbytes // max(1, len(column)))
            file.write(np.ascontiguousarray(column).data)
        header.rows += len(keys)
    _sum_blocks(file, header, range(first // BLOCK, -(-header.rows // BLOCK)))


def _wipe(file: IO[bytes], header: Header, gone: NDArray[np.int64]) -> None:
    file.seek(header.offsets[2])
    keys = np.frombuffer(file.read(8 * header.rows), "<i8")
    rows = np.flatnonzero(np.isin(keys, gone[gone > 0]))
    code = bytes([ZERO]) * header.identity.dimension
    for row in rows.tolist():
        # The key stays: a search that began before finds in the database whom the row stood for.
        empty = (code, code, struct.pack("<q", -int(keys[row])), bytes(4), bytes(4), bytes(4))
        for offset, value in zip(header.offsets, empty, strict=False):
            file.seek(offset + row * len(value))
            file.write(value)
    header.wiped += len(rows)
    _sum_blocks(file, header, np.unique(rows // BLOCK).tolist())


def _sum_blocks(file: IO[bytes], header: Header, blocks: Iterable[int]) -> None:
    file.flush()
    for block in blocks:
        first = block * BLOCK
        rows = min(BLOCK, header.rows - first)
        total = 0
        for offset, width in zip(header.offsets, header.widths, strict=False):
            file.seek(offset + first * width)
            total = zlib.crc32(file.read(rows * width), total)
        file.seek(HEADER_SIZE + 4 * block)
        file.write(_CRC.pack(total))


def _crc(parts: Sequence[NDArray[Any]]) -> int:
    total = 0
    for part in parts:
        total = zlib.crc32(part.data, total)
    return total


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # not every system lets a folder be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _joined(parts: list[NDArray[Any]], kind: type) -> NDArray[Any]:
    return np.concatenate(parts).astype(kind) if parts else np.empty(0, kind)


def locked_array(shape: tuple[int, ...], kind: type[np.generic]) -> NDArray[Any]:
    """An array whose memory is not swapped out, as far as the system allows (``ulimit -l``)."""
    size = math.prod(shape) * np.dtype(kind).itemsize
    memory = mmap.mmap(-1, max(1, size))
    with suppress(OSError, AttributeError, TypeError):
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        ctypes.CDLL(None).mlock(ctypes.c_void_p(address), ctypes.c_size_t(len(memory)))
    return np.frombuffer(memory, kind, math.prod(shape)).reshape(shape)
