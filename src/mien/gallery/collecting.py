"""Faces to be named: looked for in photos nobody looked at before, and kept where they would do as samples."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien import media, quality
from mien.errors import InputError, MienError
from mien.gallery.sources import content
from mien.gallery.store import Sample, Transaction, face_digest
from mien.types import Faces

if TYPE_CHECKING:
    import datetime as dt

    from mien.media import Source
    from mien.recognition import Pipeline

__all__ = ["Find", "collect", "keep", "samples_of"]


@dataclass(frozen=True, slots=True)
class Find:
    """What was found in one image: its faces that would do as samples."""

    sha256: str
    path: str | None
    samples: tuple[Sample, ...]


def collect(
    sources: Iterable[Source],
    pipeline: Pipeline,
    scanned: set[str],
    on_error: Callable[[int, MienError], None] | None,
) -> Iterator[Find]:
    """Look for faces in images whose content was not looked at before; constant memory.

    Args:
        sources: Images.
        pipeline: Finds and embeds.
        scanned: Hashes of contents that need no second look; new ones are added.
        on_error: See `mien.Gallery.suggest`.
    """
    sent: list[tuple[int, Source, str]] = []

    def feed() -> Iterator[Source]:
        for position, source in enumerate(sources):
            try:
                readable, sha256 = content(source)
            except InputError as error:
                if on_error is None:
                    raise
                on_error(position, error)
                continue
            if sha256 not in scanned:
                scanned.add(sha256)
                sent.append((position, source, sha256))
                yield readable

    def failed(index: int, error: MienError) -> None:
        if on_error is None or not isinstance(error, InputError):
            raise error
        on_error(sent[index][0], error)

    for index, _, faces in pipeline.find_all_indexed(feed(), on_error=failed):
        _, source, sha256 = sent[index]
        name = Path(media.source_name(source)).name
        yield Find(sha256, _path(source), samples_of(faces, name, sha256, pipeline.artefact))


def samples_of(faces: Faces, source: str, sha256: str, artefact: str) -> tuple[Sample, ...]:
    """The faces that are good enough to be samples, as records.

    Args:
        faces: Faces with templates and quality.
        source: What to call their image.
        sha256: Hash of its content.
        artefact: What computed the templates.
    """
    if not len(faces):
        return ()
    assert faces.templates is not None
    return tuple(
        Sample(
            template=np.array(faces.templates[row], np.float32),
            source=source,
            sha256=sha256,
            artefact=artefact,
            quality=None if faces.quality is None else float(faces.quality[row]),
            box=tuple(faces.boxes[row].tolist()),
        )
        for row, reasons in enumerate(quality.reasons(faces, quality.ENROLMENT))
        if not reasons
    )


def keep(transaction: Transaction, samples: Iterable[Sample], path: str | None, expires: dt.date | None) -> list[str]:
    """Add unnamed faces, less those that the collection has, or had and erased, from the same image; returns keys."""
    return [
        transaction.add_face(sample, path=path, expires=expires)
        for sample in samples
        if not transaction.twins(sample.sha256, sample.template)
        and not transaction.erased_before([face_digest(sample.sha256, sample.box)])
    ]


def _path(source: Source) -> str | None:
    """Where a face can be shown from, None for what is no file, or has a name that no database takes."""
    if not isinstance(source, str | os.PathLike):
        return None
    path = os.path.abspath(os.fspath(source))  # noqa: PTH100 - links stay as the user gave them
    return path if isinstance(path, str) and path.isprintable() else None
