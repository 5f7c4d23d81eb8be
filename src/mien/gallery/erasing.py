"""`Erasing`: people and collections are removed with every byte of their templates, and it is shown that it is so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import Detail, UnknownFace
from mien.gallery import audit
from mien.gallery.audit import AuditEntry, Level
from mien.gallery.collection import Collection, erase_person
from mien.gallery.people import Person
from mien.gallery.resolve import face, one
from mien.gallery.scan import encode, scale_of
from mien.gallery.store import face_digest
from mien.types import Array

__all__ = ["CollectionErasure", "Erasing", "Erasure", "Proof"]

PIECE = 32
"""Bytes searched for at the beginning, the middle and the end of a template: parts of one give it away as well."""

PROVED = 1000
"""People, and unnamed faces, of an erased collection whose templates are searched for at most."""

_CHUNK = 1 << 25
_MOST_PLACES = 1000
_HEAD = 8
_HASH_BITS = 22
# 2^64 over the golden ratio: the upper bits of a product with it depend on all bits of the number (Knuth, 6.4).
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a search of the store's files for an erased person's templates found.

    Attributes:
        files: Names of the files that were searched, the log and the index among them.
        size: Their bytes.
        pieces: How many pieces of templates were searched for, as stored (float32), as float16 and as codes.
        found: Where some were found, as ``name:offset``; empty where they are gone.
    """

    files: tuple[str, ...]
    size: int
    pieces: int
    found: tuple[str, ...]

    def to_dict(self) -> dict[str, Detail]:
        """The proof as JSON."""
        return {"files": list(self.files), "size": self.size, "pieces": self.pieces, "found": list(self.found)}


@dataclass(frozen=True, slots=True)
class Erasure:
    """What `mien.Gallery.erase` did.

    Attributes:
        person: The person as they were; of a sample, the one who had it.
        level: How far the bytes are gone.
        entry: The line of the audit log that says so.
        proof: What a search of the files found, None where none was asked for.
        elsewhere: Other collections of the store in which people are enrolled with the same images, such as the one
            that a re-embedding left; they are not touched.
        sample: Key of the sample that was erased alone; None where everything of the person was.
    """

    person: Person
    level: Level
    entry: AuditEntry
    proof: Proof | None = None
    elsewhere: tuple[str, ...] = ()
    sample: str | None = None

    def to_dict(self) -> dict[str, Detail]:
        """The erasure as JSON."""
        return {
            "person_id": self.person.person_id,
            "samples": self.person.samples if self.sample is None else 1,
            "level": self.level,
            "entry": self.entry.to_dict(),
            "proof": None if self.proof is None else self.proof.to_dict(),
            "elsewhere": list(self.elsewhere),
        }


@dataclass(frozen=True, slots=True)
class CollectionErasure:
    """What `mien.Gallery.erase_collection` did.

    Attributes:
        collection: Its name.
        people: How many were in it.
        faces: How many faces, samples and unnamed ones.
        level: How far the bytes are gone.
        entry: The line of the audit log that says so.
        proof: What a search of the files found, None where none was asked for.
        elsewhere: Other collections of the store that have faces of the same images; they are not touched.
    """

    collection: str
    people: int
    faces: int
    level: Level
    entry: AuditEntry
    proof: Proof | None = None
    elsewhere: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Detail]:
        """The erasure as JSON."""
        return {
            "collection": self.collection,
            "people": self.people,
            "faces": self.faces,
            "level": self.level,
            "entry": self.entry.to_dict(),
            "proof": None if self.proof is None else self.proof.to_dict(),
            "elsewhere": list(self.elsewhere),
        }


class Erasing(Collection):
    """Erasure of people, of their samples, and of whole collections."""

    def erase(self, person: str, *, proof: bool = False) -> Erasure:
        """Remove a person and every byte of their templates from all files of the store, for good.

        Unnamed faces that were last suggested as theirs go as well, and so do the edits about them, which cannot be
        undone any more. Other unnamed faces may be of anybody: see `forget`. The audit log gets a line that does not
        say who; the images that the person was enrolled with are refused from then on (``erased_before``).

        Args:
            person: A person_id, or a label that one person alone bears.
            proof: Search every file of the store for the templates afterwards.

        Returns:
            The person as they were, and how far their bytes are gone.

        Raises:
            UnknownPerson: Nobody of that id or label.
            AmbiguousPerson: Several people bear the label.
            StoreUnavailable: The person is removed, but another process kept reading, so that bytes are left in the
                log beside the file (``details["removed"]`` is True, ``details["purged"]`` False); the next opening of
                the gallery tries again.
        """
        with self._store.writing(self.collection) as transaction:
            found = one(transaction, person)
            templates = transaction.templates(found.person_id) if proof else None
            elsewhere = tuple(transaction.collections_with(transaction.contents(found.person_id)))
            entry = erase_person(transaction, found)
        return self._erased(Erasure(found, "invisible", entry, elsewhere=elsewhere), templates)

    def erase_sample(self, sample: str, *, proof: bool = False) -> Erasure:
        """Remove one sample of a person with every byte of its template; the person stays, even without a sample.

        Its image is refused from then on (``erased_before``). An unnamed face goes by `forget`.

        Args:
            sample: Key of a sample, or its first digits.
            proof: As in `erase`.

        Raises:
            UnknownFace: No sample of anybody has that key.
            StoreUnavailable: As in `erase`.
        """
        with self._store.writing(self.collection) as transaction:
            gone = face(transaction, sample)
            if gone.person_id is None:
                raise UnknownFace(f"{sample!r} is no sample of anybody: forget it, as an unnamed face", face=sample)
            found = one(transaction, gone.person_id)
            templates = transaction.template(gone.face_id)[None] if proof else None
            elsewhere = tuple(transaction.collections_with({gone.sha256}))
            transaction.note_erased([f"content:{gone.sha256}", face_digest(gone.sha256, gone.box)])
            entry = audit.Chain(transaction).append(
                "erase_sample", "invisible", person_id=found.person_id, actor=audit.actor(), samples=1
            )
            transaction.erase_face(gone.face_id)
        return self._erased(Erasure(found, "invisible", entry, None, elsewhere, gone.face_id), templates)

    def erase_collection(self, *, proof: bool = False) -> CollectionErasure:
        """Remove the whole collection, with every byte of its templates from all files of the store, for good.

        People, unnamed faces, pictures, edits and the embedding space go. The audit log keeps its lines and gets one
        that says how many went. Nothing is refused from then on: a collection that is made under the same name later is
        a new one. A backup that is restored with this gallery as ``before`` leaves out whoever was in it.

        Args:
            proof: Search every file of the store for the templates afterwards: those of 1000 people, and of 1000
                unnamed faces, drawn by chance where there are more, and none that another collection has as well.

        Raises:
            StoreUnavailable: As in `erase`.
        """
        with self._store.writing(self.collection) as transaction:
            pieces = (
                [piece for some in transaction.some_templates(PROVED) for piece in _pieces(some)] if proof else None
            )
            elsewhere = tuple(transaction.twin_collections())
            keys = [person.person_id for person in transaction.people()]
            texts = [*transaction.face_texts()]
            transaction.note_erased([*texts, *(f"person:{key}" for key in keys)])
            # Each face has two texts: its content, and its place in it.
            people, faces = len(keys), len(texts) // 2
            who = audit.actor()
            entry = audit.Chain(transaction).append(
                "erase_collection", "invisible", actor=who, people=people, faces=faces
            )
            transaction.erase_collection()
        level, entry, searched = self._searched(entry, pieces)
        return CollectionErasure(self.collection, people, faces, level, entry, searched, elsewhere)

    def _erased(self, done: Erasure, templates: Array | None) -> Erasure:
        pieces = None if templates is None else [*_pieces(templates)]
        level, entry, searched = self._searched(done.entry, pieces, done.person.person_id)
        return replace(done, level=level, entry=entry, proof=searched)

    def _searched(
        self, entry: AuditEntry, pieces: list[bytes] | None, person_id: str | None = None
    ) -> tuple[Level, AuditEntry, Proof | None]:
        """Purge what was removed, and search for it where there are pieces to be searched for."""
        entry = self._purge() or entry
        level: Level = entry.level or "invisible"
        if pieces is None:
            return level, entry, None
        searched = _search(self._store.files(), pieces)
        with self._store.writing(self.collection) as transaction:
            level = "invisible" if searched.found else level
            entry = audit.Chain(transaction).append(
                "proof",
                level,
                person_id=person_id,
                actor=audit.actor(),
                files=len(searched.files),
                pieces=searched.pieces,
                found=len(searched.found),
            )
        return level, entry, searched


def _pieces(templates: Array) -> Iterator[bytes]:
    """Parts of templates in every form in which a gallery may have kept them."""
    from mien.recognition import fuse

    if not len(templates):
        return
    everything = np.concatenate([templates, fuse(templates)[None]])
    coded = encode(everything, scale_of(everything.shape[1]))
    for row, code, fine in zip(everything, coded.codes, coded.fine, strict=True):
        floats = (row.astype("<f4").tobytes(), row.astype("<f2").tobytes())
        for form in (*floats, code.tobytes(), (code ^ 0x80).tobytes(), fine.tobytes()):
            middle = len(form) // 2
            yield from {form[:PIECE], form[middle : middle + PIECE], form[-PIECE:]}


def _search(files: Iterable[Path], pieces: list[bytes]) -> Proof:
    sought = _Sought(pieces)
    names, size, found = [], 0, []
    for path in files:
        names.append(path.name)
        with path.open("rb") as file:
            offset, tail = 0, b""
            while data := file.read(_CHUNK):
                window = tail + data
                found += [f"{path.name}:{offset - len(tail) + place}" for place in sought.places(window)]
                offset, tail = offset + len(data), window[-PIECE + 1 :]
            size += offset
    return Proof(tuple(names), size, len(pieces), tuple(found[:_MOST_PLACES]))


class _Sought:
    """Many pieces, found in one pass: a search for each of a thousand people's would read every file as often."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._by_head: dict[bytes, set[bytes]] = {}
        for piece in pieces:
            self._by_head.setdefault(piece[:_HEAD], set()).add(piece)
        self._may_begin = np.zeros(1 << _HASH_BITS, bool)
        heads = np.frombuffer(b"".join(self._by_head), "<u8")
        self._may_begin[self._hashed(heads)] = True

    def places(self, window: bytes) -> list[int]:
        """Where pieces begin in some bytes, ascending."""
        places: list[int] = []
        for shift in range(_HEAD):
            count = (len(window) - shift) // _HEAD
            if count > 0:
                words = np.frombuffer(window, "<u8", count, shift)
                maybe = np.flatnonzero(self._may_begin[self._hashed(words)]) * _HEAD + shift
                places += [place for place in maybe.tolist() if self._begins(window, place)]
        return sorted(places)

    def _begins(self, window: bytes, place: int) -> bool:
        pieces = self._by_head.get(window[place : place + _HEAD], ())
        return any(window.startswith(piece, place) for piece in pieces)

    @staticmethod
    def _hashed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
        return (words * _SPREAD) >> np.uint64(64 - _HASH_BITS)
