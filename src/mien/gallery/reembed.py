"""`Reembedding`: the people of a collection in another embedding space, from their original images.

A gallery keeps no images, and a template cannot be turned into one of another space. What is kept of every sample is
the hash of the image that it was found in and where its face was: the image is found again by the one, the face by the
other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import Detail, InputError, InvalidArgument, MienError, NoImages
from mien.gallery.bulk import runner
from mien.gallery.collection import Collection
from mien.gallery.people import Person, parse_label
from mien.gallery.records import FaceRecord
from mien.gallery.sources import content, several
from mien.gallery.store import Sample
from mien.types import Array, Faces

if TYPE_CHECKING:
    from mien.gallery.bulk import Runner
    from mien.media import Source
    from mien.recognition import Pipeline

__all__ = ["Lost", "Reembedded", "Reembedding"]

_TOGETHER = 16
"""Originals that a process is given at once."""

_SAME_BOX = 0.5
"""Overlap (intersection over union) from which two boxes in one image are of one face."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A sample that is not in the new collection.

    Attributes:
        person_id: Whose it is, in the old collection.
        label: Their label.
        source: Base name of the image that it came from.
        reason: ``"no_original"``: none of the images has that content. ``"no_face"``: the face was not found in it
            again. ``"several_faces"``: it was enrolled before boxes were kept, and who is meant is open.
    """

    person_id: str
    label: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reembedded:
    """What `mien.Gallery.reembed` did.

    Attributes:
        collection: The new collection.
        space: Its embedding space.
        people: Key in the new collection of everybody who was copied, by their key in the old one.
        samples: How many samples they have there.
        left_out: People of whom no sample could be embedded again, and who are not in the new collection.
        lost: Samples that are not in the new collection, those of ``left_out`` among them.
    """

    collection: str
    space: str
    people: dict[str, str]
    samples: int
    left_out: tuple[Person, ...]
    lost: tuple[Lost, ...]

    def to_dict(self) -> dict[str, Detail]:
        """As JSON."""
        return {
            "collection": self.collection,
            "space": self.space,
            "people": dict(self.people),
            "samples": self.samples,
            "left_out": [person.to_dict() for person in self.left_out],
            "lost": [{name: getattr(entry, name) for name in Lost.__slots__} for entry in self.lost],
        }


class Reembedding(Collection):
    """Collections move from one embedding space to another."""

    def reembed(
        self,
        sources: Source | Iterable[Source],
        *,
        into: str,
        pipeline: Pipeline,
        workers: int | str = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Reembedded:
        """Make a new collection of the same people with templates of another recogniser.

        The very faces that people are enrolled with are embedded again; labels and consents are copied as they are,
        unnamed faces, suggestions and what can be undone are not. This collection is not changed. The new one appears
        with everybody in it or not at all. As a key belongs to one collection, people have new ones there.

        Args:
            sources: Where the original images are: folders, which are searched through, and images. Those that nobody
                is enrolled with are passed over, and so are those that cannot be read.
            into: Name of the new collection, in the same store.
            pipeline: What embeds the faces; its space becomes that of the new collection.
            workers: Processes that look at images, or a Ray cluster, as for `Bulk.enroll_all`; others need paths.
            progress: Called with the number of originals done so far.

        Returns:
            Who was copied, and who and what was left without an original.

        Raises:
            InvalidArgument: The collection ``into`` is there already, or nobody is enrolled in this one.
            NoImages: A folder has no images, or none of the images is an original.
            ModelError: The recogniser cannot be run; nothing was changed.
            StoreError: The store failed; nothing was changed.
        """
        name = parse_label(into)
        with self._store.reading(name) as transaction:
            _check_new(transaction.space(), name)
        wanted = self._samples_by_content()
        if not wanted:
            raise InvalidArgument(f"collection {self.collection}: nobody is enrolled in it")
        if workers == 1:
            found = _embed(several(sources), wanted, pipeline, progress)
        else:
            found = _embed_by(runner(workers), several(sources), wanted, pipeline, progress)
        if not any(isinstance(answer, Sample) for answer in found.values()):
            raise NoImages(
                f"none of the {len(wanted)} images that people were enrolled with has been found, or none with its "
                "face; give the folders that hold the originals, unchanged"
            )
        return self._copy(name, found, pipeline)

    def switch_to(self, collection: str, *, keep_as: str) -> None:
        """Let another collection of the store take this one's name, and this one another: both at once.

        Who uses the name, this object included, is in the other collection from then on.

        Args:
            collection: Which, such as one that `reembed` made.
            keep_as: The name of this one from then on.

        Raises:
            InvalidArgument: One of the two is not there, or ``keep_as`` is.
            StoreError: The store failed; nothing was changed.
        """
        kept = parse_label(keep_as)
        with self._store.writing(self.collection) as transaction:
            there = transaction.collections()
            for name in (self.collection, collection):
                if name not in there:
                    raise InvalidArgument(f"{self.location}: nobody is enrolled in collection {name!a}")
            if kept in there:
                raise InvalidArgument(f"keep_as: collection {kept} is there already; name a new one", collection=kept)
            transaction.rename_collection(self.collection, kept)
            transaction.rename_collection(collection, self.collection)

    def _samples_by_content(self) -> dict[str, list[FaceRecord]]:
        wanted: dict[str, list[FaceRecord]] = {}
        with self._store.reading(self.collection) as transaction:
            for person in transaction.people():
                for face in transaction.samples(person.person_id):
                    wanted.setdefault(face.sha256, []).append(face)
        return wanted

    def _copy(self, name: str, found: dict[str, Sample | str], pipeline: Pipeline) -> Reembedded:
        people: dict[str, str] = {}
        left_out: list[Person] = []
        lost: list[Lost] = []
        # A writer has the whole store to itself: who was erased while the images were searched is not copied.
        with self._store.writing(name) as new, self._store.reading(self.collection) as old:
            _check_new(new.space(), name)
            new.pin(pipeline.space, pipeline.dimension)
            new.inherit_erased(self.collection)
            samples = 0
            for person in old.people():
                answers = [(face, found.get(face.face_id, "no_original")) for face in old.samples(person.person_id)]
                again = [answer for _, answer in answers if isinstance(answer, Sample)]
                missing = [(face.source, answer) for face, answer in answers if isinstance(answer, str)]
                lost += [Lost(person.person_id, person.label, source, reason) for source, reason in missing]
                if not again:
                    left_out.append(person)
                    continue
                people[person.person_id] = new.copy_person(person)
                samples += len(again)
                for sample in again:
                    new.add_sample(people[person.person_id], sample)
        return Reembedded(name, pipeline.space, people, samples, tuple(left_out), tuple(lost))


def _check_new(space: tuple[str, int] | None, name: str) -> None:
    if space is not None:
        raise InvalidArgument(f"into: collection {name} is there already ({space[0]}); name a new one", collection=name)


@dataclass(frozen=True, slots=True, eq=False)
class _Originals:
    """Some originals, and whose faces are in them."""

    sources: tuple[Source, ...]
    wanted: dict[str, list[FaceRecord]]
    wrong: None = None

    @property
    def label(self) -> str:
        from mien import media

        return ", ".join(media.source_name(source) for source in self.sources)

    def look(self, pipeline: Pipeline) -> dict[str, Sample | str]:
        return _embed(self.sources, self.wanted, pipeline, None)


def _embed_by(
    run: Runner,
    sources: Iterable[Source],
    wanted: dict[str, list[FaceRecord]],
    pipeline: Pipeline,
    progress: Callable[[int], None] | None,
) -> dict[str, Sample | str]:
    """As `_embed`, by other processes, some originals each time."""
    answers: dict[str, Sample | str] = {}
    done = 0
    for job, found in run(_jobs(sources, wanted), pipeline):
        if isinstance(found, MienError):
            found = {face.face_id: "no_face" for faces in job.wanted.values() for face in faces}
        answers.update(found)
        done += len(job.sources)
        if progress is not None:
            progress(done)
    return answers


def _jobs(sources: Iterable[Source], wanted: dict[str, list[FaceRecord]]) -> Iterator[_Originals]:
    originals = _originals(sources, wanted)
    while some := list(islice(originals, _TOGETHER)):
        yield _Originals(tuple(source for source, _ in some), {sha256: wanted[sha256] for _, sha256 in some})


def _originals(sources: Iterable[Source], wanted: dict[str, list[FaceRecord]]) -> Iterator[tuple[Source, str]]:
    """Images that somebody is enrolled with, each content once, and their hashes."""
    sent: set[str] = set()
    for source in _images(sources):
        try:
            readable, sha256 = content(source)
        except InputError:
            continue
        if sha256 in wanted and sha256 not in sent:
            sent.add(sha256)
            yield readable, sha256


def _embed(
    sources: Iterable[Source],
    wanted: dict[str, list[FaceRecord]],
    pipeline: Pipeline,
    progress: Callable[[int], None] | None,
) -> dict[str, Sample | str]:
    """For every face whose original is there its sample, or the reason why it has none; constant memory a sample."""
    sent: list[str] = []
    answers: dict[str, Sample | str] = {}

    def feed() -> Iterator[Source]:
        for readable, sha256 in _originals(sources, wanted):
            sent.append(sha256)
            yield readable

    def failed(index: int, error: MienError) -> None:
        if not isinstance(error, InputError):
            raise error
        answers.update({face.face_id: "no_face" for face in wanted[sent[index]]})

    for done, (index, _, faces) in enumerate(pipeline.find_all_indexed(feed(), on_error=failed), 1):
        for face in wanted[sent[index]]:
            answers[face.face_id] = _same_face(face, faces, pipeline.artefact)
        if progress is not None:
            progress(done)
    return answers


def _images(sources: Iterable[Source]) -> Iterator[Source]:
    from mien import media

    for source in sources:
        if not isinstance(source, str | os.PathLike):
            yield source
        elif os.path.isdir(source):  # noqa: PTH112 - Path.is_dir raises without permission
            yield from media.list_images(source)
        else:
            yield source


def _same_face(face: FaceRecord, faces: Faces, artefact: str) -> Sample | str:
    """The sample of the face that a record tells of, among those found in its image."""
    if not len(faces):
        return "no_face"
    if face.box is not None:
        overlaps = _overlaps(np.array(face.box, np.float32), faces.boxes)
        row = int(np.argmax(overlaps))
        if overlaps[row] < _SAME_BOX:
            return "no_face"
    else:
        from mien.gallery.enrolment import MAIN_FACE

        row = int(np.argmax(faces.sizes))
        if np.count_nonzero(faces.sizes >= MAIN_FACE * faces.sizes[row]) > 1:
            return "several_faces"
    assert faces.templates is not None
    box = tuple(faces.boxes[row].tolist())
    return Sample(np.array(faces.templates[row], np.float32), face.source, face.sha256, artefact, face.quality, box)


def _overlaps(box: Array, others: Array) -> Array:
    """Intersection over union of (4,) with each of (n, 4)."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.clip(high - low, 0, None).prod(1)
    areas = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1)
    return np.asarray(shared / np.maximum(areas - shared, 1e-9), np.float32)
