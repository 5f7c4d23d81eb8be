"""`Gallery`: enrol people, and identify them."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Self

import numpy as np

from mien.errors import InvalidArgument, MienError, NoImages, SpaceMismatch
from mien.gallery.people import Enrolment, Person, Refusal, parse_label, parse_purpose, parse_until
from mien.gallery.resolve import enrollee, one
from mien.gallery.search import ExactIndex, View
from mien.gallery.store import Transaction, open_store
from mien.types import Faces, Image

if TYPE_CHECKING:
    import datetime as dt

    from mien.gallery.enrolment import Probe
    from mien.media import Source
    from mien.recognition import Calibration, Pipeline

__all__ = ["Gallery"]

FINAL = frozenset({"no_face", "unreadable_image", "image_too_large", "duplicate"})
"""Reasons nobody can allow: there is nothing to enrol."""


class Gallery:
    """A collection of known people in a store.

    A collection pins the embedding space of its first enrolment. Any number of threads may use one gallery, and any
    number of processes one store: each call sees everything committed before it began, each change is on the disk
    when the call returns, and a change is made entirely or not at all, even where the process is killed or the disk is
    full. Writers queue; faces are found and embedded before a writer's turn, so that searches never wait for them.

    Args:
        location: A path, ``sqlite:///path``, or None for the environment's ``MIEN_GALLERY`` and else ``people.mien``
            in the user's data folder. The file is created, readable by its owner alone, where there is none.
        collection: Which collection of the store.
        pipeline: Finds and embeds faces; None for the default one, loaded when first needed.
        calibration: Of the pipeline; None for the one that is installed for it.

    Raises:
        StoreUnavailable: The folder is missing, or the file cannot be opened.
        StoreCorrupt: The file is no gallery, is damaged, or was written by a newer Mien.
        StoreFull: No room to create it.
        SpaceMismatch: The collection is pinned to another embedding space than the given pipeline's.

    Example:
        >>> with Gallery("people.mien") as gallery:  # doctest: +SKIP
        ...     gallery.enroll("Ada Lovelace", ["ada1.jpg", "ada2.jpg"], purpose="front door")
        ...     for face in gallery.identify("party.jpg", fpir=0.01):
        ...         print(face.person, face.decision)
    """

    def __init__(
        self,
        location: str | os.PathLike[str] | None = None,
        *,
        collection: str = "main",
        pipeline: Pipeline | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self.collection = parse_label(collection)
        self._given_pipeline = pipeline
        self._given_calibration = calibration
        self._loading = threading.Lock()
        self._index: ExactIndex | None = None
        self._store = open_store(location)
        self.location = self._store.location
        if pipeline is not None:
            try:
                with self._store.reading(self.collection) as transaction:
                    self._check_space(transaction, pipeline)
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

    def enroll(
        self,
        label: str,
        sources: Source | Iterable[Source],
        *,
        purpose: str | None = None,
        until: str | dt.date | None = None,
        new: bool = False,
        person_id: str | None = None,
        allow: Collection[str] = (),
    ) -> Enrolment:
        """Enrol a person, or add samples to one; what does not serve is refused with reasons, the rest is enrolled.

        Everything is committed at once at the end. The same content enrolled again for a person changes nothing. A
        face is refused that does not match the person's samples at an FMR of 1e-3 (of a new person's first samples,
        those that do not match the majority; all, where there is none), or that matches somebody else of the
        collection at an FMR of 1e-4, or lower in collections of more than 100 people.

        Args:
            label: What people call them. Where one person bears it, the samples are theirs.
            sources: Images of this one person: a source, or several.
            purpose: What their face is kept for; with ``until``, recorded as a consent given now.
            until: Last day (UTC) on which they are identified; renews a consent that has expired.
            new: Make another person, even where the label is taken.
            person_id: The person to add to, where several bear the label.
            allow: Reasons that are no reason to refuse, such as ``("matches_other_person",)`` for twins.

        Returns:
            What was added, was there already, and was refused; ``person_id`` is None where nobody was created.

        Raises:
            InvalidArgument: A label, day or combination that cannot be, or samples for an expired consent.
            NoImages: No source at all.
            AmbiguousPerson: Several people bear the label.
            UnknownPerson: Nobody has that ``person_id``.
            SpaceMismatch: The collection is pinned to another embedding space than the pipeline's.
            StoreError: The store failed; nothing was changed.
        """
        from mien.gallery.enrolment import look

        label, expires, purpose = parse_label(label), parse_until(until), parse_purpose(purpose)
        if new and person_id is not None:
            raise InvalidArgument("enroll: give new=True or person_id=, not both")
        if set(allow) & FINAL:
            raise InvalidArgument(f"allow: {', '.join(sorted(set(allow) & FINAL))} leaves nothing to enrol")
        pipeline = self._pipeline()
        with self._store.reading(self.collection) as transaction:
            self._check_space(transaction, pipeline)
            person = enrollee(transaction, label, new, person_id, expires)
            enrolled = transaction.contents(person.person_id) if person else set()
        probes = look(_several(sources), pipeline, enrolled, allow)
        if not probes:
            raise NoImages(f"enroll {label}: expected at least one image, got none")
        with self._store.writing(self.collection) as transaction:
            self._check_space(transaction, pipeline)
            # Another thread or process may have enrolled them while this one looked at the images.
            person = enrollee(transaction, label, new, person_id, expires)
            checked = self._check(probes, person, transaction, pipeline, allow)
            enrolled_id = self._commit(probes, person, label, transaction, pipeline)
            if enrolled_id and (purpose or expires) and any(p.already or not p.reasons for p in probes):
                before = transaction.by_id(enrolled_id)
                assert before is not None
                transaction.consent(enrolled_id, purpose or before.purpose, expires or before.expires)
        return _enrolment(enrolled_id, label, probes, checked=checked)

    def _check(
        self,
        probes: list[Probe],
        person: Person | None,
        transaction: Transaction,
        pipeline: Pipeline,
        allow: Collection[str],
    ) -> bool:
        from mien.gallery.enrolment import Referee

        referee = Referee(self._calibration(pipeline), allow)
        person_id = person.person_id if person else None
        enrolled = transaction.contents(person_id) if person_id else set()
        for probe in probes:
            probe.already |= probe.sample is not None and probe.sample.sha256 in enrolled
        fresh = [probe for probe in probes if probe.sample and not probe.already]
        referee.check(fresh, person_id, transaction, self._view(transaction))
        return referee.checked

    def _commit(
        self, probes: list[Probe], person: Person | None, label: str, transaction: Transaction, pipeline: Pipeline
    ) -> str | None:
        samples = [probe.sample for probe in probes if probe.sample and not (probe.already or probe.reasons)]
        if not samples:
            return person.person_id if person else None
        if transaction.space() is None:
            transaction.pin(pipeline.space, pipeline.dimension)
        person_id = person.person_id if person else transaction.add_person(label)
        for sample in samples:
            transaction.add_sample(person_id, sample)
        return person_id

    def identify(self, source: Source, *, fpir: float = 0.01, candidates: int = 5) -> Faces:
        """Find the faces of an image and say who each is, or unknown.

        People whose consent has expired are not searched. Two faces of one image are never decided to be one person:
        the lower score of the two is unknown, with reason ``same_person_twice``. Where there is nobody to compare
        with, every face is unknown, with reason ``empty_gallery``.

        Args:
            source: An image.
            fpir: Share of searches by people who are not in the gallery that may name somebody, for this gallery.
            candidates: How many people to list for each face, best first.

        Returns:
            Faces with decisions.

        Raises:
            UnreadableImage: The file is missing, empty, truncated or no image.
            UnsupportedErrorRate: The calibration cannot support this rate for a gallery of this size.
            SpaceMismatch: The collection is pinned to another embedding space than the pipeline's.
            StoreError: The store failed.
        """
        _check_search(fpir, candidates)
        pipeline = self._pipeline()
        return self._identified(pipeline.find(source), pipeline, fpir, candidates)

    def identify_all(
        self,
        sources: Iterable[Source],
        *,
        fpir: float = 0.01,
        candidates: int = 5,
        on_error: Callable[[int, MienError], None] | None = None,
    ) -> Iterator[tuple[int, Image, Faces]]:
        """Identify the faces of many images: in order, batched, in constant memory; see `identify`.

        Args:
            sources: Images.
            fpir: See `identify`.
            candidates: See `identify`.
            on_error: Called with the position and the error of an image that cannot be read, which is then left out;
                None raises it.

        Yields:
            Position, image ((height, width, 3) uint8, RGB), and faces with decisions.
        """
        _check_search(fpir, candidates)
        pipeline = self._pipeline()
        found = pipeline.find_all_indexed(sources, on_error=on_error)
        return ((i, image, self._identified(faces, pipeline, fpir, candidates)) for i, image, faces in found)

    def _identified(self, faces: Faces, pipeline: Pipeline, fpir: float, candidates: int) -> Faces:
        from mien.gallery.identification import decide

        with self._store.reading(self.collection) as transaction:
            self._check_space(transaction, pipeline)
            view = self._view(transaction)
        return decide(faces, view, self._calibration(pipeline), fpir, candidates)

    def people(self) -> list[Person]:
        """Everybody, by label, those whose consent has expired among them."""
        with self._store.reading(self.collection) as transaction:
            return transaction.people()

    def person(self, person: str) -> Person:
        """One person.

        Args:
            person: A person_id, or a label that one person alone bears.

        Raises:
            UnknownPerson: Nobody of that id or label.
            AmbiguousPerson: Several people bear the label.
        """
        with self._store.reading(self.collection) as transaction:
            return one(transaction, person)

    def rename(self, person: str, label: str) -> Person:
        """Give a person another label; the id stays. Errors as in `person`; returns the person as they are now."""
        label = parse_label(label)
        with self._store.writing(self.collection) as transaction:
            found = one(transaction, person)
            transaction.rename(found.person_id, label)
        return dataclasses.replace(found, label=label)

    def merge(self, person: str, other: str) -> Person:
        """Give a person the samples of another, who is removed; id, label and consent of the first stay.

        Args:
            person: A person_id, or a label that one person alone bears.
            other: The person who turned out to be the same.

        Raises:
            InvalidArgument: Both are one person already.
            UnknownPerson: Nobody of that id or label.
            AmbiguousPerson: Several people bear a label.
        """
        with self._store.writing(self.collection) as transaction:
            kept, removed = one(transaction, person), one(transaction, other)
            if kept.person_id == removed.person_id:
                raise InvalidArgument(f"merge: expected two people, got {kept.label} ({kept.person_id}) twice")
            transaction.move_samples(removed.person_id, kept.person_id)
            transaction.remove(removed.person_id)
            merged = one(transaction, kept.person_id)
        # Samples that both had are dropped: their bytes have to go as in an erasure.
        self._store.purge()
        return merged

    def erase(self, person: str) -> Person:
        """Remove a person and every byte of their templates from all files of the store, for good.

        Args:
            person: A person_id, or a label that one person alone bears.

        Returns:
            The person as they were.

        Raises:
            UnknownPerson: Nobody of that id or label.
            AmbiguousPerson: Several people bear the label.
            StoreUnavailable: The person is removed, but another process kept reading, so that bytes are left in the
                log beside the file (``details["removed"]`` is True, ``details["purged"]`` False).
        """
        with self._store.writing(self.collection) as transaction:
            found = one(transaction, person)
            transaction.remove(found.person_id)
        self._store.purge()
        return found

    def _pipeline(self) -> Pipeline:
        if self._given_pipeline is not None:
            return self._given_pipeline
        from mien.recognition import default_pipeline

        return default_pipeline()

    def _calibration(self, pipeline: Pipeline) -> Calibration | None:
        if self._given_calibration is None:
            from mien.recognition import load_calibration

            self._given_calibration = load_calibration(pipeline.name)
        return self._given_calibration

    def _view(self, transaction: Transaction) -> View:
        with self._loading:
            if self._index is None:
                from mien.recognition import fuse

                self._index = ExactIndex(fuse)
        return self._index.refresh(transaction)

    def _check_space(self, transaction: Transaction, pipeline: Pipeline) -> None:
        pinned = transaction.space()
        if pinned not in {None, (pipeline.space, pipeline.dimension)}:
            assert pinned is not None
            raise SpaceMismatch(
                f"{self.location}: collection {self.collection} holds templates of {pinned[0]} ({pinned[1]} numbers), "
                f"the pipeline makes {pipeline.space} ({pipeline.dimension}); they cannot be compared: use the model "
                "it was enrolled with, or enrol people anew in another collection",
                expected=pinned[0],
                got=pipeline.space,
            )


def _several(sources: Source | Iterable[Source]) -> Iterable[Source]:
    single = isinstance(sources, str | os.PathLike | bytes | bytearray | memoryview) or hasattr(sources, "read")
    if single or (isinstance(sources, np.ndarray) and sources.ndim <= 3):
        return [sources]  # type: ignore[list-item]
    return sources  # type: ignore[return-value]


def _enrolment(person_id: str | None, label: str, probes: list[Probe], *, checked: bool) -> Enrolment:
    return Enrolment(
        person_id=person_id,
        label=label,
        added=tuple(probe.name for probe in probes if not (probe.already or probe.reasons)),
        already=tuple(probe.name for probe in probes if probe.already),
        refused=tuple(Refusal(p.name, tuple(p.reasons), "; ".join(p.messages)) for p in probes if p.reasons),
        checked=checked,
    )


def _check_search(fpir: float, candidates: int) -> None:
    if not 0 < fpir < 1:
        raise InvalidArgument(f"fpir: expected a rate between 0 and 1, got {fpir}")
    if candidates < 1:
        raise InvalidArgument(f"candidates: expected at least 1, got {candidates}")
