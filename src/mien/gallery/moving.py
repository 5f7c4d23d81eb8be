"""`Moving`: people go from one gallery to another, of any engine, with their keys, consents and samples."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mien.errors import Detail, InvalidArgument, SpaceMismatch
from mien.gallery.collection import Collection
from mien.gallery.people import Person, Refusal
from mien.gallery.store import Sample, Transaction

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Carried", "Moved", "Moving", "Origin", "StoredSample", "second_key"]


@dataclass(frozen=True, slots=True, eq=False)
class StoredSample:
    """A sample with its key and its time."""

    face_id: str
    created: dt.datetime
    sample: Sample


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """A person on the way, with every sample."""

    person: Person
    samples: tuple[StoredSample, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where people come from.

    Attributes:
        space: Embedding space of their templates.
        dimension: d.
        revision: Of the collection when they were read.
    """

    space: str
    dimension: int
    revision: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What came into a gallery.

    Attributes:
        people: How many people are new.
        samples: How many samples are new, those of people who were there before among them.
        refused: People who did not come, by their key, and why: ``"erased_before"`` or ``"expired"``.
    """

    people: int
    samples: int
    refused: tuple[Refusal, ...] = ()

    def to_dict(self) -> dict[str, Detail]:
        """As JSON."""
        refused: list[Detail] = [{"person_id": one.source, "reasons": list(one.reasons)} for one in self.refused]
        return {"people": self.people, "samples": self.samples, "refused": refused}


class Moving(Collection):
    """Export, import and copies."""

    def export(self, path: str | os.PathLike[str]) -> Moved:
        """Write everybody, with consents, samples and templates, into one Parquet file that only its owner may read.

        Unnamed faces, suggestions and edits stay. The file holds templates, unsealed: it is personal data.

        Raises:
            InvalidArgument: Nobody is enrolled, or the file is there already.
            UnwritableFile: It cannot be written; nothing is left behind.
            StoreUnavailable: ``pip install "mien[parquet]"`` is missing.
        """
        from mien.gallery.parquet import write

        with self._store.reading(self.collection) as transaction:
            return write(path, _origin(transaction, self), carried(transaction))

    def import_people(self, path: str | os.PathLike[str], *, allow_erased: bool = False) -> Moved:
        """Bring in everybody of a file that `export` wrote, all or nothing.

        People keep their keys, but for those that a person of another collection of the store has. Run again, what is
        there already changes nothing. Who was erased here before is refused.

        Args:
            path: The file.
            allow_erased: Bring back people who were erased here.

        Raises:
            InvalidArgument: No such file, or not one of these.
            SpaceMismatch: Its templates are of another embedding space than the collection's.
            StoreError: The store failed; nothing was changed.
        """
        from mien.gallery.parquet import opened

        with opened(path) as (origin, people):
            return self._bring(origin, people, allow_erased=allow_erased)

    def copy_to(self, other: Moving, *, allow_erased: bool = False) -> Moved:
        """Copy everybody into another gallery, as `export` and `import_people` would; errors as there."""
        with self._store.reading(self.collection) as transaction:
            return other._bring(_origin(transaction, self), carried(transaction), allow_erased=allow_erased)

    def spread(self, urls: Sequence[str]) -> None:
        """Move what searches of a gallery in PostgreSQL read to several servers, keyed by person, once and for all.

        Every search then asks all of them at once; answers stay the same. The first server keeps the rest.

        Args:
            urls: At least two empty databases with pgvector, without passwords; with several hosts and
                ``target_session_attrs=read-write``, standbys take over.

        Raises:
            InvalidArgument: A gallery in a file, fewer than two servers, a server that is not empty, or a gallery that
                is spread already; nothing was changed.
            StoreUnavailable: A server cannot be reached, or does not do it.
        """
        self._store.spread(urls)

    def _bring(self, origin: Origin, people: Iterable[Carried], *, allow_erased: bool) -> Moved:
        added = samples = 0
        refused: list[Refusal] = []
        with self._store.writing(self.collection) as transaction:
            space = transaction.space()
            if space is None:
                transaction.pin(origin.space, origin.dimension)
            elif space != (origin.space, origin.dimension):
                raise SpaceMismatch(
                    f"{self.location}: collection {self.collection} holds templates of {space[0]}, these are of "
                    f"{origin.space}; import them into another collection",
                    expected=space[0],
                    got=origin.space,
                )
            for one in people:
                reason = _bar(transaction, one, allow_erased=allow_erased)
                if reason is not None:
                    refused.append(Refusal(one.person.person_id, (reason,)))
                    continue
                own = (one.person.person_id, second_key(one.person.person_id, self.collection))
                known = next((key for key in own if transaction.by_id(key)), None)
                person_id = known or transaction.restore_person(one.person)
                added += known is None
                samples += _add_samples(transaction, person_id, one.samples)
        return Moved(added, samples, tuple(refused))


def second_key(person_id: str, collection: str) -> str:
    """The key of a person whose own key somebody of another collection has: the same each time they come."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{collection}/{person_id}").hex


def _bar(transaction: Transaction, one: Carried, *, allow_erased: bool) -> str | None:
    if one.person.expired:
        return "expired"
    texts = [f"person:{one.person.person_id}", *(f"content:{stored.sample.sha256}" for stored in one.samples)]
    return "erased_before" if not allow_erased and transaction.erased_before(texts) else None


def _add_samples(transaction: Transaction, person_id: str, samples: Iterable[StoredSample]) -> int:
    there = transaction.contents(person_id)
    new = {stored.sample.sha256: stored for stored in samples if stored.sample.sha256 not in there}
    for stored in new.values():
        transaction.restore_sample(person_id, stored)
    return len(new)


def _origin(transaction: Transaction, collection: Collection) -> Origin:
    space = transaction.space()
    if space is None:
        raise InvalidArgument(f"{collection.location}: nobody is enrolled in collection {collection.collection}")
    return Origin(*space, transaction.revision())


def carried(transaction: Transaction) -> Iterator[Carried]:
    """Everybody, some hundred at a time."""
    start = 0
    while listed := transaction.page(start, 500, None):
        for _, person in listed:
            yield Carried(person, tuple(transaction.stored(person.person_id)))
        start = listed[-1][0]
