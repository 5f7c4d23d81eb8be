"""`Erasing`: people are removed with every byte of their templates, and it is shown that they are gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mien.errors import Detail, UnknownFace
from mien.gallery import audit
from mien.gallery.audit import AuditEntry, Level
from mien.gallery.collection import Collection, erase_person
from mien.gallery.people import Person
from mien.gallery.resolve import face, one
from mien.gallery.scan import encode, scale_of
from mien.gallery.store import face_digest
from mien.types import Array

__all__ = ["Erasing", "Erasure", "Proof"]

PIECE = 32
"""Bytes searched for at the beginning, the middle and the end of a template: parts of one give it away as well."""

_CHUNK = 1 << 25


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


class Erasing(Collection):
    """Erasure of people and of their samples."""

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
            entry = audit.append(
                transaction, "erase_sample", "invisible", person_id=found.person_id, actor=audit.actor(), samples=1
            )
            transaction.erase_face(gone.face_id)
        return self._erased(Erasure(found, "invisible", entry, None, elsewhere, gone.face_id), templates)

    def _erased(self, done: Erasure, templates: Array | None) -> Erasure:
        """Purge what was removed, and search for it where there are templates to be searched for."""
        entry = self._purge() or done.entry
        level: Level = entry.level or "invisible"
        if templates is None:
            return replace(done, level=level, entry=entry)
        searched = _search(self._store.files(), [*_pieces(templates)])
        with self._store.writing(self.collection) as transaction:
            level = "invisible" if searched.found else level
            entry = audit.append(
                transaction,
                "proof",
                level,
                person_id=done.person.person_id,
                actor=audit.actor(),
                files=len(searched.files),
                pieces=searched.pieces,
                found=len(searched.found),
            )
        return replace(done, level=level, entry=entry, proof=searched)


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
    names, size, found = [], 0, []
    for path in files:
        names.append(path.name)
        with path.open("rb") as file:
            offset, tail = 0, b""
            while data := file.read(_CHUNK):
                window = tail + data
                hits = {window.find(piece) for piece in pieces} - {-1}
                found += [f"{path.name}:{offset - len(tail) + hit}" for hit in sorted(hits)]
                offset, tail = offset + len(data), window[-PIECE + 1 :]
            size += offset
    return Proof(tuple(names), size, len(pieces), tuple(found))
