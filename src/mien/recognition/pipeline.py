"""The way from a picture to templates: detect, refine landmarks, align, embed, assess."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np

from mien import media, models, quality
from mien.errors import InvalidArgument, MienError
from mien.faces import Detector, Landmarker
from mien.media.image import Photo, decode
from mien.recognition.embed import Embedder
from mien.types import Array, Faces, Image

__all__ = ["OnError", "Pipeline"]

OnError: TypeAlias = Callable[[int, MienError], None]
_Batch: TypeAlias = "list[tuple[int, tuple[Image, Faces] | MienError]]"

_BATCH = 8
# A batch ends early past this many bytes of files, so that memory does not depend on how large the photos are.
_BATCH_BYTES = 4_000_000


class Pipeline:
    """Finds faces and computes their templates; safe to share between threads.

    Args:
        detector: Finds the faces.
        landmarker: Refines their landmarks.
        embedder: Computes their templates.
        name: Identifies detector, aligner, embedding space, mirroring and fusion: what a calibration belongs to.
        space: Embedding space of the templates.
        artefact: What computed them, such as ``"openvino/bf16"``; recorded, not compared.
        dimension: Length of a template.
        workers: Batches worked on at once by `find_all`; the number of CPUs this process may use by default.
    """

    def __init__(
        self,
        detector: Detector,
        landmarker: Landmarker,
        embedder: Embedder,
        *,
        name: str,
        space: str,
        artefact: str,
        dimension: int,
        workers: int | None = None,
    ) -> None:
        self._detector = detector
        self._landmarker = landmarker
        self._embedder = embedder
        self.name = name
        self.space = space
        self.artefact = artefact
        self.dimension = dimension
        self._workers = workers or models.available_threads()

    def find(self, source: media.Source) -> Faces:
        """The faces of one image, with templates and quality.

        Args:
            source: Path, bytes, file object, or (H, W, 3) uint8 RGB array.

        Raises:
            UnreadableImage: The file is missing, damaged or no image.
            ImageTooLarge: More pixels or bytes than `mien.media.read` allows.
        """
        return self.find_decoded([decode(source)])[0]

    def find_all(self, sources: Iterable[media.Source], *, on_error: OnError | None = None) -> Iterator[Faces]:
        """The faces of many images, one `Faces` each, in order; memory does not grow with their number.

        Args:
            sources: As for `find`; may be a generator.
            on_error: Called with the position and the error of an image that cannot be read, which is then left
                out. Without it the error is raised.
        """
        return (faces for _, _, faces in self.find_all_indexed(sources, on_error=on_error))

    def find_all_indexed(
        self, sources: Iterable[media.Source], *, on_error: OnError | None = None
    ) -> Iterator[tuple[int, Image, Faces]]:
        """As `find_all`, with each image's position and pixels, also where it has no face.

        Raises:
            InvalidArgument: A single path or image was given where several are expected.
        """
        if isinstance(sources, str | bytes | os.PathLike | np.ndarray):
            raise InvalidArgument(
                f"sources: expected several images, got one {type(sources).__name__}; put it in a list"
            )
        return self._indexed(sources, on_error)

    def _indexed(self, sources: Iterable[media.Source], on_error: OnError | None) -> Iterator[tuple[int, Image, Faces]]:
        for batch in self._batches(enumerate(sources)):
            for index, result in batch:
                if not isinstance(result, MienError):
                    yield index, *result
                elif on_error is None:
                    raise result
                else:
                    on_error(index, result)

    def process(self, images: Sequence[Image], indices: Sequence[int] | None = None) -> list[Faces]:
        """The faces of decoded images as one batch.

        Args:
            images: (H, W, 3) uint8 RGB, of any sizes.
            indices: ``image_index`` of each; their position by default.

        Returns:
            One `Faces` an image, with templates and quality.
        """
        return self.describe(images, self.locate(images, indices))

    def find_decoded(self, photos: Sequence[Photo], indices: Sequence[int] | None = None) -> list[Faces]:
        """As `find`, of photos that were decoded already, as one batch.

        Args:
            photos: As from `mien.media.image.decode`; one that does not say which way is up may be seen turned.
            indices: ``image_index`` of each; their position by default.
        """
        images = [photo.image for photo in photos]
        indices = range(len(photos)) if indices is None else indices
        located = [
            found if photo.orientation_recorded else self._detector.retry_turned(photo.image, found, index)
            for photo, found, index in zip(photos, self.locate(images, indices), indices, strict=True)
        ]
        return self.describe(images, located)

    def locate(self, images: Sequence[Image], indices: Sequence[int] | None = None) -> list[Faces]:
        """As `process`, but only where the faces are: boxes, detector scores and the detector's landmarks."""
        return self._detector.detect(images, indices)

    def follow(self, image: Image, before: Faces) -> Faces | None:
        """As `locate` for the next frame of a video, by looking only around the faces of the frame before.

        Returns:
            The same faces in the same order where they are now, or None where that takes `locate`.
        """
        return self._detector.follow(image, before)

    def describe(self, images: Sequence[Image], located: Sequence[Faces]) -> list[Faces]:
        """Refine landmarks, embed and assess faces that were located.

        Args:
            images: (H, W, 3) uint8 RGB, of any sizes.
            located: The faces of each, as from `locate`, or some of them.

        Returns:
            The same faces with templates and quality.
        """
        found = self._landmarker.refine(images, located)
        chips = [self._embedder.align(image, faces.landmarks) for image, faces in zip(images, found, strict=True)]
        if not found:
            return []
        templates, norms = self._embedder.embed_with_norms(np.concatenate(chips))
        starts = np.cumsum([0, *(len(faces) for faces in found)])
        parts = [slice(start, end) for start, end in pairwise(starts.tolist())]
        return [
            quality.assess(image, self._embedded(faces, templates[part], norms[part]))
            for image, faces, part in zip(images, found, parts, strict=True)
        ]

    def _embedded(self, faces: Faces, templates: Array, norms: Array) -> Faces:
        extra = {**faces.extra, "feature_norm": norms}
        return replace(faces, templates=templates, space=self.space, extra=extra)

    def meshes(self, images: Sequence[Image], faces: Sequence[Faces]) -> list[Array]:
        """The 468-point mesh of each face, see `mien.faces.Landmarker.meshes`."""
        return self._landmarker.meshes(images, faces)

    def _batches(self, sources: Iterator[tuple[int, media.Source]]) -> Iterator[_Batch]:
        first = list(islice(sources, 1))
        second = list(islice(sources, 1))
        if not second:
            yield self._work(first)
            return
        pending: deque[Future[_Batch]] = deque()
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="mien")
        try:
            for batch in _cut([*first, *second], sources):
                pending.append(pool.submit(self._work, batch))
                if len(pending) > self._workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, batch: Sequence[tuple[int, media.Source]]) -> _Batch:
        results: dict[int, tuple[Image, Faces] | MienError] = {}
        photos: dict[int, Photo] = {}
        for index, source in batch:
            try:
                photos[index] = decode(source)
            except MienError as error:
                results[index] = error
        faces = self.find_decoded(list(photos.values()), list(photos))
        results |= {index: (photo.image, found) for (index, photo), found in zip(photos.items(), faces, strict=True)}
        return sorted(results.items(), key=lambda item: item[0])


def _cut(
    first: list[tuple[int, media.Source]], rest: Iterator[tuple[int, media.Source]]
) -> Iterator[list[tuple[int, media.Source]]]:
    batch: list[tuple[int, media.Source]] = []
    weight = 0
    for entry in chain(first, rest):
        batch.append(entry)
        weight += _bytes(entry[1])
        if len(batch) == _BATCH or weight > _BATCH_BYTES:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def _bytes(source: media.Source) -> int:
    """Roughly what a source weighs when it is not yet decoded; a decoded one counts as a file ten times smaller."""
    if isinstance(source, np.ndarray):
        return source.nbytes // 10
    if isinstance(source, bytes):
        return len(source)
    try:
        return Path(source).stat().st_size if isinstance(source, str | os.PathLike) else 0
    except (OSError, ValueError):  # ValueError: a NUL in the path; reading it says so
        return 0
