"""`Identifying`: who is in an image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from mien.errors import InvalidArgument, MienError, SpaceMismatch
from mien.gallery.collection import Collection
from mien.types import Faces, Image

if TYPE_CHECKING:
    from mien.media import Source
    from mien.quality import Gate, Require
    from mien.recognition import Pipeline

__all__ = ["Identifying", "check_search"]


class Identifying(Collection):
    """Identification of faces."""

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
        gate = _gate(require)  # what cannot be is refused before the image is looked at
        check_search(fpir, candidates)
        return self.decide(self._pipeline().find(source), fpir=fpir, candidates=candidates, require=gate)

    def decide(self, faces: Faces, *, fpir: float = 0.01, candidates: int = 5, require: Require = None) -> Faces:
        """As `identify`, of faces that were found in one image already: with templates of the collection's space.

        Raises:
            SpaceMismatch: They are of another embedding space.
            UnsupportedErrorRate, StoreError: As in `identify`.
        """
        gate = _gate(require)
        check_search(fpir, candidates)
        pipeline = self._pipeline()
        if len(faces) and faces.space != pipeline.space:
            raise SpaceMismatch(
                f"faces: expected templates of {pipeline.space}, as in collection {self.collection}, got {faces.space}",
                expected=pipeline.space,
                got=faces.space,
            )
        return self._identified(faces, pipeline, fpir, candidates, gate)

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
        gate = _gate(require)
        check_search(fpir, candidates)
        pipeline = self._pipeline()
        found = pipeline.find_all_indexed(sources, on_error=on_error)
        return ((i, image, self._identified(faces, pipeline, fpir, candidates, gate)) for i, image, faces in found)

    def _identified(self, faces: Faces, pipeline: Pipeline, fpir: float, candidates: int, gate: Gate) -> Faces:
        from mien.gallery.identification import decide

        self._sweep()
        with self._store.reading(self.collection) as transaction:
            self._check_space(transaction, pipeline)
            return decide(faces, self._view(transaction), self._calibration(pipeline), fpir, candidates, gate)


def _gate(require: Require) -> Gate:
    from mien.quality import Gate

    return Gate.of(require)


def check_search(fpir: float, candidates: int) -> None:
    """Refuse what no search can be made with."""
    if not 0 < fpir < 1:
        raise InvalidArgument(f"fpir: expected a rate between 0 and 1, got {fpir}")
    if candidates < 1:
        raise InvalidArgument(f"candidates: expected at least 1, got {candidates}")
