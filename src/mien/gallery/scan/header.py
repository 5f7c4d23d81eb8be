"""The header of a table's file: what it belongs to, how far it goes, and where its columns lie."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from hashlib import sha256
from typing import IO
from uuid import UUID

__all__ = ["BLOCK", "HEADER_SIZE", "SEQUENCE", "SEQUENCE_AT", "Header", "Identity", "Stale"]

BLOCK = 8192
"""Rows that share a checksum."""

_MAGIC = b"MIENSCAN"
_VERSION = 3
_HEADER = struct.Struct("<8sIIQ16s32sQQQQQQd")
"""Magic, version, dimension, sequence, gallery, space, collection, capacity, rows, revision, wiped rows, wiped until,
step."""
HEADER_SIZE = 4096
SEQUENCE = struct.Struct("<Q")
SEQUENCE_AT = 16
_CRC = struct.Struct("<I")


class Stale(Exception):
    """The file is none of this collection's, is damaged, or its last writer was killed: it has to be made anew."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a table belongs to.

    Attributes:
        gallery_id: Of the store, 32 hexadecimal digits.
        collection_key: Of the collection in it.
        space: Its embedding space.
        dimension: d.
    """

    gallery_id: str
    collection_key: int
    space: str
    dimension: int

    @property
    def space_hash(self) -> bytes:
        """32 bytes that stand for the space."""
        return sha256(f"{self.space}/{self.dimension}".encode()).digest()


@dataclass(slots=True)
class Header:
    """See `mien.gallery.scan.table`; the sequence number is odd while somebody changes the file.

    Rows of people who were changed up to the revision ``wiped_until`` may be wiped, though the table knows the
    collection only up to ``revision``.
    """

    identity: Identity
    sequence: int
    capacity: int
    rows: int
    revision: int
    wiped: int
    wiped_until: int
    scale: float

    @property
    def blocks(self) -> int:
        """How many blocks there is room for."""
        return self.capacity // BLOCK

    @property
    def widths(self) -> tuple[int, ...]:
        """Bytes of a row in each column: both codes, key, both distances, last day."""
        return self.identity.dimension, self.identity.dimension, 8, 4, 4, 4

    @property
    def offsets(self) -> tuple[int, ...]:
        """Where each column begins, and where the file ends."""
        first = HEADER_SIZE * (1 + -(-4 * self.blocks // HEADER_SIZE))
        return tuple(first + self.capacity * sum(self.widths[:column]) for column in range(len(self.widths) + 1))

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.offsets[-1]

    def write(self, file: IO[bytes]) -> None:
        """Write it where it belongs."""
        own = self.identity
        packed = _HEADER.pack(
            _MAGIC,
            _VERSION,
            own.dimension,
            self.sequence,
            UUID(own.gallery_id).bytes,
            own.space_hash,
            own.collection_key,
            self.capacity,
            self.rows,
            self.revision,
            self.wiped,
            self.wiped_until,
            self.scale,
        )
        file.seek(0)
        file.write(packed + _CRC.pack(_header_crc(packed)))

    @classmethod
    def read(cls, file: IO[bytes], identity: Identity) -> Header:
        """The header of a file that has to belong to a collection.

        Raises:
            Stale: It is damaged, or of another collection.
        """
        file.seek(0)
        data = file.read(_HEADER.size + _CRC.size)
        packed = data[: _HEADER.size]
        if len(data) < _HEADER.size + _CRC.size or _CRC.unpack(data[_HEADER.size :])[0] != _header_crc(packed):
            raise Stale("damaged")
        magic, version, dimension, sequence, gallery, space, collection, *rest = _HEADER.unpack(packed)
        own = (_MAGIC, _VERSION, identity.dimension, UUID(identity.gallery_id).bytes, identity.space_hash)
        if (magic, version, dimension, gallery, space, collection) != (*own, identity.collection_key):
            raise Stale("of another collection")
        return cls(identity, sequence, *rest)


def _header_crc(packed: bytes) -> int:
    # Less the sequence number, which is set by itself.
    return zlib.crc32(packed[:SEQUENCE_AT] + packed[SEQUENCE_AT + SEQUENCE.size :])
