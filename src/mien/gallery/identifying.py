"""`Identifying`: who is in an image, and whether it is the one that is claimed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from mien.errors import InvalidArgument, MienError, SpaceMismatch, UnknownPerson
from mien.gallery.collection import Collection
from mien.gallery.resolve import one
from mien.types import Decision, Faces, Image

if TYPE_CHECKING:
    from mien.media import Source
    from mien.quality import Gate, Require
    from mien.recognition import Calibration, Pipeline

__all__ = ["Identifying", "check_search", "gate_of"]


class Identifying(Collection):
    """Identification of faces, and verification against a person."""

    def pipeline(self) -> Pipeline:
        """What finds and embeds faces for this collection.

        Raises:
            StoreError: The store failed.
        """
        return self._pipeline()

    def identify(self, source: Source, *, fpir: float = 0.01, candidates: int = 5, require: Require = None) -> Faces:
        """Find the faces of an image and say who each is, or unknown.

        People whose consent has expired are not searched. Two faces of one image are never decided to be one person:
        the lower score of the two is unknown, with reason ``same_person_twice``. Where there is nobody to compare
        with, every face is unknown, with reason ``empty_gallery``.

        Args:
            source: An image.
            fpir: Share of searches by people who are not in the gallery that may name somebody, for this gallery.
            candidates: How many people to list for each face, best first.
            require: What a face must be beyond what every face is asked: ``"quality=medium"``, or a
                `mien.quality.Gate`; one that falls short is unknown, with the reasons.

        Returns:
            Faces with decisions.

        Raises:
            UnreadableImage: The file is missing, empty, truncated or no image.
            UnsupportedErrorRate: The calibration cannot support this rate for a gallery of this size.
            SpaceMismatch: The collection is pinned to another embedding space than the pipeline's.
            StoreError: The store failed.
        """
        gate = gate_of(require)  # what cannot be is refused before the image is looked at
        check_search(fpir, candidates)
        return self.decide(self._pipeline().find(source), fpir=fpir, candidates=candidates, require=gate)

    def decide(self, faces: Faces, *, fpir: float = 0.01, candidates: int = 5, require: Require = None) -> Faces:
        """As `identify`, of faces that were found in one image already: with templates of the collection's space.

        Raises:
            SpaceMismatch: They are of another embedding space.
            UnsupportedErrorRate, StoreError: As in `identify`.
        """
        return self.decide_all([faces], fpir=fpir, candidates=candidates, require=require)[0]

    def decide_all(
        self, images: Sequence[Faces], *, fpir: float = 0.01, candidates: int = 5, require: Require = None
    ) -> list[Faces]:
        """As `decide`, of several images: one search for all of them, which takes less than one for each.

        Args:
            images: The faces of each image.
            fpir: See `identify`, like the others.
            candidates: How many people to list.
            require: What a face must be.

        Raises:
            SpaceMismatch, UnsupportedErrorRate, StoreError: As in `decide`; nobody is decided on.
        """
        gate = gate_of(require)
        check_search(fpir, candidates)
        pipeline = self._pipeline()
        for faces in images:
            self._check_faces(faces, pipeline)
        return self._identified(images, pipeline, fpir, candidates, gate)

    def verify(self, source: Source, person: str, *, fmr: float = 1e-4) -> Decision:
        """Decide whether the largest face of an image is that of a person who is enrolled.

        Args:
            source: An image.
            person: A person_id, or a label that one person alone bears.
            fmr: Share of other people's attempts that may pass.

        Returns:
            The decision, with the person as its one candidate. A face that is missing gives score ``-inf`` and reason
            ``"no_face"``, a person without samples ``"empty_gallery"``.

        Raises:
            UnreadableImage: The file is missing, empty, truncated or no image.
            UnknownPerson, AmbiguousPerson, UnsupportedErrorRate, SpaceMismatch, StoreError: As in `confirm`.
        """
        return self.confirm(self._pipeline().find(source), person, fmr=fmr)

    def confirm(self, faces: Faces, person: str, *, fmr: float = 1e-4) -> Decision:
        """As `verify`, of faces that were found in one image already: with templates of the collection's space.

        Raises:
            UnknownPerson: Nobody of that id or label, or their consent has expired.
            AmbiguousPerson: Several people bear the label.
            UnsupportedErrorRate: The calibration cannot support this rate.
            SpaceMismatch: The faces are of another embedding space.
            StoreError: The store failed.
        """
        from mien.gallery.identification import confirm

        pipeline = self._pipeline()
        self._check_faces(faces, pipeline)
        self._sweep()
        with self._store.reading(self.collection) as transaction:
            self._check_space(transaction, pipeline)
            known = one(transaction, person)
            if known.expired:
                raise UnknownPerson(f"the consent of {known.label} ended on {known.expires}", person=person)
            templates = transaction.templates(known.person_id)
        return confirm(faces, known, templates, self._calibration(pipeline), fmr)

    @property
    def calibration(self) -> Calibration | None:
        """What decisions of this collection rest on; None where nobody ever calibrated its pipeline."""
        return self._calibration(self._pipeline())

    def identify_all(
        self,
        sources: Iterable[Source],
        *,
        fpir: float = 0.01,
        candidates: int = 5,
        require: Require = None,
        on_error: Callable[[int, MienError], None] | None = None,
    ) -> Iterator[tuple[int, Image, Faces]]:
        """Identify the faces of many images: in order, batched, in constant memory; see `identify`.

        Args:
            sources: Images.
            fpir: See `identify`.
            candidates: See `identify`.
            require: See `identify`.
            on_error: Called with the position and the error of an image that cannot be read, which is then left out;
                None raises it.

        Yields:
            Position, image ((height, width, 3) uint8, RGB), and faces with decisions.
        """
        gate = gate_of(require)
        check_search(fpir, candidates)
        pipeline = self._pipeline()
        found = pipeline.find_all_indexed(sources, on_error=on_error)
        return ((i, image, self._identified([faces], pipeline, fpir, candidates, gate)[0]) for i, image, faces in found)

    def _check_faces(self, faces: Faces, pipeline: Pipeline) -> None:
        if len(faces) and faces.space != pipeline.space:
            raise SpaceMismatch(
                f"faces: expected templates of {pipeline.space}, as in collection {self.collection}, got {faces.space}",
                expected=pipeline.space,
                got=faces.space,
            )

    def _identified(
        self, images: Sequence[Faces], pipeline: Pipeline, fpir: float, candidates: int, gate: Gate
    ) -> list[Faces]:
        from mien.gallery.identification import decide

        self._sweep()
        with self._store.reading(self.collection) as transaction:
            self._check_space(transaction, pipeline)
            return decide(images, self._view(transaction), self._calibration(pipeline), fpir, candidates, gate)


def gate_of(require: Require) -> Gate:
    """A gate as it is given; what cannot be required is refused."""
    from mien.quality import Gate

    return Gate.of(require)


def check_search(fpir: float, candidates: int) -> None:
    """Refuse what no search can be made with."""
    if not 0 < fpir < 1:
        raise InvalidArgument(f"fpir: expected a rate between 0 and 1, got {fpir}")
    if candidates < 1:
        raise InvalidArgument(f"candidates: expected at least 1, got {candidates}")
