"""`Collection`: a store, the pipeline that serves it, and the index over it; what every part of a gallery rests on."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from mien.errors import SpaceMismatch, StoreUnavailable, UnknownModel
from mien.gallery import audit
from mien.gallery.locations import open_store
from mien.gallery.people import parse_label, today
from mien.gallery.search import View
from mien.gallery.store import Transaction, face_digest

if TYPE_CHECKING:
    from mien.gallery.audit import AuditEntry
    from mien.gallery.people import Person
    from mien.recognition import Calibration, Pipeline

__all__ = ["Collection", "erase_person"]

_ERASURES = {"erase", "erase_sample", "erase_collection", "expire"}


class Collection:
    """One collection of a store, opened; arguments and errors as in `mien.Gallery`."""

    def __init__(
        self,
        location: str | os.PathLike[str] | None = None,
        *,
        collection: str = "main",
        pipeline: Pipeline | None = None,
        calibration: Calibration | Callable[[str], Calibration | None] | None = None,
        key: bytes | str | os.PathLike[str] | None = None,
        on_expired: Callable[[Person], None] | None = None,
    ) -> None:
        self._on_expired = on_expired
        self.collection = parse_label(collection)
        self._given_pipeline = pipeline
        self._given_calibration = calibration
        self._calibrations: dict[str, Calibration | None] = {}
        sealing = _key(key)
        self._store = open_store(location, sealing)
        self.location = self._store.location
        try:
            if pipeline is not None:
                with self._store.reading(self.collection) as transaction:
                    self._check_space(transaction, pipeline)
            self._forget_expired()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Gallery: {self.location}, collection {self.collection}>"

    def close(self) -> None:
        """Let go of the store; the gallery cannot be used afterwards."""
        self._store.close()

    def _forget_expired(self) -> None:
        """Remove people and unnamed faces whose last day is past, and their bytes."""
        self._swept = today()
        with self._store.reading(self.collection) as transaction:
            expired, unpurged = transaction.any_expired(), transaction.unpurged()
        gone: list[Person] = []
        if expired:
            with self._store.writing(self.collection) as transaction:
                transaction.forget_expired()
                for person in transaction.expired_people():
                    erase_person(transaction, person, "expire")
                    gone.append(person)
        if self._on_expired is not None:
            for person in gone:
                self._on_expired(person)
        if expired or unpurged:
            # Nobody sees them any more; where another process is reading, their bytes go with the next purge.
            with suppress(StoreUnavailable):
                self._purge()

    def _sweep(self) -> None:
        """Forget once a day who expired, in a process that runs on."""
        if self._swept != today():
            self._forget_expired()

    def _pipeline(self) -> Pipeline:
        """The pipeline given, else that of the space the collection is pinned to, else the default one."""
        if self._given_pipeline is not None:
            return self._given_pipeline
        from mien.recognition import default_pipeline, pipeline_for

        with self._store.reading(self.collection) as transaction:
            pinned = transaction.space()
        # A space that no recogniser has is told with the collection it belongs to, once templates are to be compared.
        with suppress(UnknownModel):
            return pipeline_for(pinned[0]) if pinned else default_pipeline()
        return default_pipeline()

    def _calibration(self, pipeline: Pipeline) -> Calibration | None:
        if callable(self._given_calibration):
            return self._given_calibration(pipeline.name)
        if self._given_calibration is not None:
            return self._given_calibration
        if pipeline.name not in self._calibrations:
            from mien.recognition import load_calibration

            self._calibrations[pipeline.name] = load_calibration(pipeline.name)
        return self._calibrations[pipeline.name]

    def _view(self, transaction: Transaction) -> View:
        return self._store.view(transaction)

    def _purge(self) -> AuditEntry | None:
        """Overwrite what was removed, in the index and in every file of the store; notes it where that was a person."""
        with self._store.reading(self.collection) as transaction:
            revision = transaction.revision()
        level = self._store.purge(self.collection)
        with self._store.writing(self.collection) as transaction:
            # Whom another process removed meanwhile it has to purge itself, or the next opening, should it be killed.
            if transaction.revision() == revision:
                transaction.mark_purged()
            last = audit.last(transaction, of_erasure=True)
            if last is not None and last.level == "invisible" and last.action in _ERASURES:
                return audit.Chain(transaction).append("purge", level)
        return None

    def _check_space(self, transaction: Transaction, pipeline: Pipeline) -> None:
        pinned = transaction.space()
        if pinned not in {None, (pipeline.space, pipeline.dimension)}:
            assert pinned is not None
            raise SpaceMismatch(
                f"{self.location}: collection {self.collection} holds templates of {pinned[0]} ({pinned[1]} numbers), "
                f"the pipeline makes {pipeline.space} ({pipeline.dimension}); they cannot be compared: use the model "
                "it was enrolled with, or embed its people anew into another collection: mien gallery reembed",
                expected=pinned[0],
                got=pipeline.space,
            )


def _key(key: bytes | str | os.PathLike[str] | None) -> bytes | None:
    """The key itself, its file, or the file that the environment names."""
    if isinstance(key, bytes):
        return key
    path = key if key is not None else os.environ.get("MIEN_GALLERY_KEY")
    if not path:
        return None
    from mien.gallery.sealing import read_key

    return read_key(path)


def erase_person(transaction: Transaction, person: Person, action: str = "erase") -> AuditEntry:
    """Remove a person, and note it, and what images they were enrolled with, in keyed hashes."""
    faces = transaction.samples(person.person_id)
    transaction.note_erased([f"content:{face.sha256}" for face in faces])
    transaction.note_erased([face_digest(face.sha256, face.box) for face in faces])
    transaction.note_erased([f"person:{person.person_id}"])
    # A consent that runs out is nobody's doing, whoever is acting when that is noticed.
    actor = audit.actor() if action == "erase" else None
    entry = audit.Chain(transaction).append(
        action, "invisible", person_id=person.person_id, actor=actor, samples=person.samples
    )
    transaction.erase(person.person_id)
    return entry
