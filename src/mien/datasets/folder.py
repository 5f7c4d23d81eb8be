"""A folder of images a person, and a table of groups beside it."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from mien import media
from mien.datasets import _layout
from mien.datasets.records import Record
from mien.errors import NoImages, WrongLayout

__all__ = ["attach_groups", "read_folder", "read_groups"]


def read_folder(root: str | os.PathLike[str]) -> Iterator[Record]:
    """Captures of ``root/<person>/.../<image>``, sorted; images directly in the root are nobody's and left out.

    Raises:
        WrongLayout: No folder of a person with images.
    """
    base = Path(root)
    expected = "a folder of images a person: <person>/<image>"
    try:
        paths = [path for path in media.list_images(base) if path.parent != base]
    except NoImages as error:
        raise WrongLayout(f"{error}; expected {expected}", path=str(base)) from error
    if not paths:
        raise WrongLayout(f"{base}: expected {expected}. Found: {_layout.contents(base)}", path=str(base))
    for path in paths:
        relative = path.relative_to(base)
        yield Record(relative.parts[0], relative.as_posix(), path)


def read_groups(path: str | os.PathLike[str]) -> dict[str, dict[str, str]]:
    """Groups by person from a CSV file: a header, then a row a person, whose identifier is in the first column.

    Raises:
        WrongLayout: Not there, no UTF-8, no row, a row of another length, or a person twice.
    """
    source = Path(path)
    expected = "a CSV file with a header and a row a person"
    numbered = list(_layout.lines(source, expected))
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader((text for _, text in numbered), strict=True)]
    except csv.Error as error:
        raise WrongLayout(f"{source}: expected {expected}: {error}", path=str(source)) from error
    if len(rows) < 2 or len(rows[0]) < 2:
        raise WrongLayout(f"{source}: expected {expected}, got {len(rows)} rows", path=str(source))
    header, groups = rows[0], dict[str, dict[str, str]]()
    for row in rows[1:]:
        if len(row) != len(header) or not row[0] or row[0] in groups:
            reason = f"expected {len(header)} cells, the first a person not named before, got {row}"
            raise WrongLayout(f"{source}: {reason}", path=str(source))
        groups[row[0]] = dict(zip(header[1:], row[1:], strict=True))
    return groups


def attach_groups(records: Iterable[Record], groups: Mapping[str, Mapping[str, str]]) -> Iterator[Record]:
    """The records with their person's groups added.

    Raises:
        WrongLayout: A person without a row; or, at the end, rows of people who are not among the records.
    """
    unseen = set(groups)
    for record in records:
        if record.person is None or record.person not in groups:
            raise WrongLayout(
                f"{record.capture}: no groups for person {record.person!r}; add a row", path=record.capture
            )
        unseen.discard(record.person)
        yield replace(record, groups={**record.groups, **groups[record.person]})
    if unseen:
        names = ", ".join(sorted(unseen)[:8])
        raise WrongLayout(f"groups of {len(unseen)} people without a capture ({names}); remove their rows", path=names)
