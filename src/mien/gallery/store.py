"""What a gallery asks of a database engine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.gallery.people import Person
from mien.gallery.records import Edit, FaceRecord, Samples, Unnamed
from mien.gallery.scan import Identity
from mien.gallery.search import View
from mien.types import Array

if TYPE_CHECKING:
    import datetime as dt

    from mien.gallery.audit import Level
    from mien.gallery.filters import Filter
    from mien.gallery.moving import StoredSample

__all__ = [
    "SAME_FACE",
    "Sample",
    "Store",
    "Transaction",
    "face_digest",
]

SAME_FACE = 0.98
"""Faces of one image at this cosine similarity are one face, found twice.

The same bytes looked at again give 1 but for rounding. Strangers are far below in the default embedding space; in
dlib's, where all cosines are high, one pair in 50,000 reaches 0.95.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A face sample as it is stored.

    Attributes:
        template: (d,) float32 of unit length.
        source: Base name of the image it came from.
        sha256: Hexadecimal hash of the image's content.
        artefact: Which artefact of the model made the template, such as ``"openvino/bf16"``.
        quality: 0 (useless) to 100, None where it was not assessed.
        box: Left, top, right, bottom in pixels of the upright image.
    """

    template: Array
    source: str
    sha256: str
    artefact: str
    quality: float | None
    box: tuple[float, float, float, float] | None = None


class Transaction(Protocol):
    """One consistent view of one collection; changes become visible all together, or not at all."""

    def space(self) -> tuple[str, int] | None:
        """Embedding space and dimension the collection is pinned to, None before the first enrolment."""

    def collections(self) -> list[str]:
        """Names of the store's collections."""

    def collections_with(self, contents: AbstractSet[str]) -> list[str]:
        """Names of the other collections that have samples of some contents."""

    def collection_numbers(self) -> set[int]:
        """Numbers of the store's collections, by which the names of index files end."""

    def erase_collection(self) -> None:
        """Remove the collection with everybody, every face and whatever was noted of them; its number stays taken."""

    def face_texts(self) -> Iterator[str]:
        """What stands for the content and the place of each face, those without a name among them."""

    def some_templates(self, limit: int) -> Iterator[Array]:
        """(n, d) float32 templates of people, and of unnamed faces, at most so many of either, drawn by chance.

        Those that another collection has as well, of the same images, are left out.
        """

    def twin_collections(self) -> list[str]:
        """Names of the other collections that have samples of this one's contents."""

    def rename_collection(self, name: str, new: str) -> None:
        """Give a collection of the store another name, which is free."""

    def inherit_erased(self, collection: str) -> None:
        """What must not come back into another collection must not come into this one either."""

    def revision(self) -> int:
        """A number that grows with every committed change of the collection; 0 before the first."""

    def people(self) -> list[Person]:
        """Everybody, by label, then by time of enrolment."""

    def by_id(self, person_id: str) -> Person | None:
        """The person of that key."""

    def by_label(self, label: str) -> list[Person]:
        """Everybody of that label, the first enrolled first."""

    def templates(self, person_id: str) -> Array:
        """(n, d) float32: a person's templates in the order of enrolment."""

    def contents(self, person_id: str) -> set[str]:
        """Hashes of the contents a person is enrolled with."""

    def owners(self, sha256: str) -> list[str]:
        """Keys of the people who have a sample of that content."""

    def identity(self) -> Identity | None:
        """What an index of the collection belongs to; None before the first enrolment."""

    def key_of(self, person_id: str) -> int | None:
        """The number by which indices know a person; never given to another."""

    def by_keys(self, keys: Collection[int]) -> dict[int, Person]:
        """People by the numbers that indices know them by; those that are gone are left out."""

    def samples_of(self, keys: Collection[int]) -> Samples:
        """The templates of people, by number; those that are gone are left out."""

    def count_changed(self, since: int, limit: int) -> int:
        """How many people were added or changed after revision ``since``, at most ``limit``."""

    def changed(self, since: int) -> Iterator[Samples]:
        """People added or changed after revision ``since``, some thousand at a time; also those without a sample."""

    def gone(self, since: int) -> list[int]:
        """Numbers of the people who were removed after revision ``since``."""

    def unpurged(self) -> bool:
        """Whether bytes of removed templates may be left in a log, or in an index."""

    def mark_purged(self) -> None:
        """Note that none are left."""

    @property
    def collection(self) -> str:
        """Name of the collection."""

    def digest(self, text: str) -> str:
        """A keyed hash (HMAC-SHA-256, hexadecimal), with a secret of the store: stands for what must not be told."""

    def note_erased(self, texts: Collection[str]) -> None:
        """Keep keyed hashes of what must not come back unnoticed."""

    def erased_before(self, texts: Collection[str]) -> set[str]:
        """Those of the texts whose hashes were kept."""

    def audit_lines(self, after: int | None = None, limit: int = 1) -> list[tuple[int, str]]:
        """Lines of the store's audit log after a place, oldest first, with their places.

        Places grow from line to line, from 1 on, with gaps; None is before all of them.
        """

    def last_audit_line(self, *, of_erasure: bool = False) -> str | None:
        """The last line of the audit log, or of those that tell how far bytes are gone."""

    def append_audit(self, line: str) -> None:
        """Add a line to the audit log."""

    def expired_people(self) -> list[Person]:
        """People whose last day is past."""

    def outcome(self, request: str) -> tuple[str, str] | None:
        """What was asked with a key before, as `digest` of it, and what came of it, as JSON."""

    def keep_outcome(self, request: str, asked: str, outcome: str, person_id: str | None) -> None:
        """Keep what came of a request; it is forgotten with the person."""

    def sample_counts(self) -> frozenset[int]:
        """How many samples people have: each number that occurs."""

    def matching(self, where: Filter) -> NDArray[np.int64]:
        """Numbers of the people whom a filter lets through, ascending."""

    def page(self, after: int, limit: int, where: Filter | None) -> list[tuple[int, Person]]:
        """People whose number is above ``after``, by number."""

    def stored(self, person_id: str) -> list[StoredSample]:
        """A person's samples, whole, in the order of enrolment."""

    def restore_person(self, person: Person) -> str:
        """Create a person as they were elsewhere, without samples; the key stays, unless it is taken."""

    def restore_sample(self, person_id: str, stored: StoredSample) -> None:
        """Add a sample as it was elsewhere; its key stays, unless it is taken."""

    def pin(self, space: str, dimension: int) -> None:
        """Pin a new collection to its embedding space."""

    def add_person(self, label: str) -> str:
        """Create a person without samples or consent; returns the key."""

    def copy_person(self, person: Person) -> str:
        """Create a person like one of another collection, consent included, without samples; returns the new key."""

    def add_sample(self, person_id: str, sample: Sample) -> None:
        """Add a sample."""

    def consent(self, person_id: str, purpose: str | None, expires: dt.date | None) -> None:
        """Record a consent given now, in place of an earlier one."""

    def limit(self, person_id: str, purpose: str | None, expires: dt.date | None) -> None:
        """Set what a person's faces are kept for and how long, where nobody has given a consent to it."""

    def rename(self, person_id: str, label: str) -> None:
        """Change a label."""

    def remove(self, person_id: str) -> None:
        """Remove a person and every sample."""

    def erase(self, person_id: str) -> None:
        """Remove a person, every sample, the unnamed faces that were taken for theirs, and the edits about them."""

    def add_face(
        self,
        sample: Sample,
        person_id: str | None = None,
        *,
        path: str | None = None,
        expires: dt.date | None = None,
    ) -> str:
        """Add a face: a person's sample, or an unnamed one; returns its key."""

    def scanned(self) -> set[str]:
        """Hashes of the contents that were searched for unnamed faces."""

    def mark_scanned(self, sha256: str) -> bool:
        """Note a content as searched; False where it was before."""

    def twins(self, sha256: str, template: Array) -> dict[str, str | None]:
        """Faces of the same content that are the same face: face_id to the person_id of whoever has it."""

    def unnamed(self) -> Unnamed:
        """Every unnamed face, in the order in which they came."""

    def unnamed_faces(self, suggestion_id: str | None = None) -> dict[str, list[FaceRecord]]:
        """Unnamed faces by suggestion, best quality first: those of one suggestion, or all that are in one."""

    def candidates(self) -> dict[str, str]:
        """The known people whom suggestions were decided to be: suggestion_id to person_id."""

    def samples(self, person_id: str) -> list[FaceRecord]:
        """A person's samples in the order of enrolment."""

    def faces_like(self, key: str) -> list[FaceRecord]:
        """The faces whose key begins so; two where there are more."""

    def template(self, face_id: str) -> Array:
        """(d,) float32 of a face."""

    def owners_of_unnamed(self) -> dict[str, set[str]]:
        """For each content of an unnamed face the people who have a sample of it."""

    def shared_contents(self, person_id: str, other: str) -> list[tuple[str, str]]:
        """Pairs of samples, one of each person, that were found in one image."""

    def group(self, face_ids: Collection[str], suggestion_id: str, candidate_id: str | None) -> None:
        """Put unnamed faces into a suggestion."""

    def assign(self, face_ids: Collection[str], person_id: str | None) -> None:
        """Make faces samples of a person, or unnamed and in no suggestion; a name makes forget where the image was."""

    def drop_twin(self, face_id: str, kept: str) -> None:
        """Remove a sample of the same face in the same image as another, which takes over who it is not."""

    def erase_face(self, face_id: str) -> None:
        """Remove a face for good, with what edits know of it."""

    def forbid(self, face_id: str, *, person_id: str | None = None, other_id: str | None = None) -> None:
        """Note that a face is not a person, or not the one whom another face shows."""

    def forbidden(self, face_ids: Collection[str], person_id: str) -> list[str]:
        """Those of the faces that are known not to be the person."""

    def allow(self, face_ids: Collection[str], person_id: str) -> None:
        """Take back that faces are not a person."""

    def inherit_links(self, person_id: str, into: str) -> None:
        """Who is not a person, is not the one either whom that person turned out to be."""

    def not_people(self) -> set[tuple[str, str]]:
        """Unnamed faces and people who they are not: (face_id, person_id)."""

    def not_one(self) -> list[tuple[str, str]]:
        """Pairs of unnamed faces that are not of one person."""

    def keep_crop(self, face_id: str, sealed: bytes) -> None:
        """Keep the crop of a face in place of an earlier one; it goes with the face."""

    def crop(self, face_id: str) -> bytes | None:
        """The crop of a face."""

    def cropped(self, face_ids: Collection[str]) -> set[str]:
        """Those of some faces that have a crop."""

    def forget_crops(self) -> int:
        """Remove every crop of the collection; returns how many."""

    def forget_unnamed(self, face_ids: Collection[str] | None = None) -> int:
        """Remove unnamed faces, or all of them and what was searched for them; returns how many."""

    def forget_expired(self) -> int:
        """Remove the unnamed faces whose last day is past; returns how many."""

    def any_expired(self) -> bool:
        """Whether there are people or unnamed faces whose last day is past."""

    def begin_edit(self, action: str, summary: str, person_ids: Collection[str]) -> None:
        """Note an edit; what the transaction changes from now on belongs to it.

        Args:
            action: What kind of edit.
            summary: The edit in words.
            person_ids: Everybody whom it concerns: it is forgotten with the first of them to be erased.
        """

    def concern(self, person_ids: Collection[str]) -> None:
        """Add people to those whom the edit concerns."""

    def edits(self) -> list[Edit]:
        """Every edit that can be undone, newest first."""

    def undo(self, edit: Edit) -> None:
        """Give every row that an edit changed its values of before, as far as the row is still there."""


class Store(Protocol):
    """A database of collections; all methods may be called by any number of threads.

    Attributes:
        location: What to call it in messages.
    """

    location: str

    def reading(self, collection: str) -> AbstractContextManager[Transaction]:
        """A view of what was committed when it began."""

    def writing(self, collection: str) -> AbstractContextManager[Transaction]:
        """The only writer; commits at the end of the block, and changes nothing where the block raises."""

    def spread(self, urls: Sequence[str]) -> None:
        """Move what searches read to several servers, once and for all.

        Raises:
            InvalidArgument: This engine, or these servers, cannot.
        """

    def build_graph(self, collection: str) -> None:
        """Make what an approximate search of a collection needs.

        Raises:
            InvalidArgument: This engine has none, or there is nobody to be found.
        """

    def files(self) -> list[Path]:
        """Every file that may hold bytes of a template: database, log, indices; none where the store is no file."""

    def view(self, transaction: Transaction) -> View:
        """What a search of the transaction's collection is made with; to be used within the transaction."""

    @property
    def purge_level(self) -> Level:
        """How far `purge` goes."""

    @property
    def sealed(self) -> bool:
        """Whether templates are sealed at rest."""

    def purge(self, collection: str) -> Level:
        """Overwrite what was removed from a collection, as far as the engine can; says how far that is.

        Raises:
            StoreUnavailable: Something held it up; what was removed is gone from searches (``details["removed"]``).
        """

    def close(self) -> None:
        """Let go of files and connections."""


def face_digest(sha256: str, box: tuple[float, float, float, float] | None) -> str:
    """What stands for one face of one image."""
    return f"face:{sha256}:{None if box is None else [round(side / 8) for side in box]}"
