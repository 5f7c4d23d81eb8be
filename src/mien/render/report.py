"""One HTML file that shows what was decided about a set of images, and at which error rate.

The file holds everything it shows: pictures are embedded, there is no script, and a content security policy forbids
it to load anything. It is written as results come, so that memory does not grow with their number.
"""

from __future__ import annotations

import collections
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import IO

from mien import media
from mien.render.fragments import escape, failures_section, image_section, people_section, tiles
from mien.render.page import encode, page_end, page_start
from mien.render.words import Verdict, rate_meaning, verdict
from mien.types import Faces, Image

__all__ = ["write_report"]

_SPOOL = 64 * 2**20


@dataclass(slots=True)
class _Tally:
    """What the summary says, counted while the images go by."""

    images: int = 0
    verdicts: collections.Counter[Verdict] = field(default_factory=collections.Counter)
    people: dict[str, tuple[str, int, int]] = field(default_factory=dict)  # label, faces, first image
    meanings: dict[str, None] = field(default_factory=dict)
    calibrations: dict[str, None] = field(default_factory=dict)

    def add(self, faces: Faces) -> None:
        self.images += 1
        for decision in faces.decisions or (None,) * len(faces):
            self.verdicts[verdict(decision)] += 1
            if decision is None:
                continue
            if decision.person is not None:
                label, seen, first = self.people.get(decision.person.person_id, (decision.person.label, 0, self.images))
                self.people[decision.person.person_id] = (label, seen + 1, first)
            if decision.calibration is not None:
                self.meanings[rate_meaning(decision)] = None
                self.calibrations[decision.calibration] = None


def write_report(
    path: str | os.PathLike[str],
    entries: Iterable[tuple[str, Image, Faces]],
    *,
    title: str = "Faces in these images",
    notes: str = "",
    failures: Iterable[tuple[str, str]] = (),
) -> None:
    """Write a report; the file appears whole or not at all.

    Args:
        path: Where to, usually ``*.html``.
        entries: Source, image and faces of each image, consumed one at a time.
        title: Of the page.
        notes: A paragraph below the title, plain text.
        failures: Source of each image that could not be read, and why; looked at after the last entry, so that a
            list which fills up meanwhile will do.

    Raises:
        UnwritableFile: No such folder, no permission, or no room; nothing was changed.
    """
    tally = _Tally()
    with tempfile.SpooledTemporaryFile(_SPOOL) as body:
        for source, image, faces in entries:
            tally.add(faces)
            body.write(encode(image_section(tally.images, source, image, faces)))
        body.seek(0)
        _assemble(path, body, tally, title, notes, [(str(source), str(reason)) for source, reason in failures])


def _assemble(
    path: str | os.PathLike[str],
    body: IO[bytes],
    tally: _Tally,
    title: str,
    notes: str,
    failures: Sequence[tuple[str, str]],
) -> None:
    with media.replacing(path) as file:
        file.write(encode(page_start(title) + _summary(tally, title, notes, failures)))
        while chunk := body.read(2**20):
            file.write(chunk)
        file.write(encode(page_end(tally.calibrations)))


def _summary(tally: _Tally, title: str, notes: str, failures: Sequence[tuple[str, str]]) -> str:
    counts = tally.verdicts
    numbers: dict[str, int | str] = {"Images": tally.images, "Faces": counts.total()}
    if counts.total() != counts[Verdict.FOUND]:
        numbers |= {
            "People found": len(tally.people),
            "Faces matched": counts[Verdict.MATCHED],
            "Unknown": counts[Verdict.UNKNOWN],
            "Refused": counts[Verdict.REFUSED],
        }
    parts = [f"<h1>{escape(title)}</h1>"]
    parts += [f"<p>{escape(notes)}</p>"] if notes else []
    parts += [tiles(numbers, len(failures))]
    parts += [f"<p>{escape(meaning)}</p>" for meaning in tally.meanings if meaning]
    if counts.total() > counts[Verdict.FOUND] and not tally.calibrations:
        parts.append("<p>No calibration fits these faces, so nobody was given a name.</p>")
    parts += [people_section(list(tally.people.values())), failures_section(failures)]
    return "".join(parts) + ("<h2>Images</h2>" if tally.images else "<p>No image was read.</p>")
