"""One HTML file that shows the people to be named, and with which command to name each."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence

import numpy as np

from mien import media
from mien.errors import InputError
from mien.gallery import FaceRecord, Suggestion
from mien.gallery.sources import content
from mien.render.fragments import crop, escape, failures_section, isolated, tiles
from mien.render.page import encode, page_end, page_start

__all__ = ["write_contact_sheet"]

_MOST_FACES = 60
_DIGITS = 12
"""Of a face's key: enough to tell it from a million others."""


def write_contact_sheet(
    path: str | os.PathLike[str],
    suggestions: Sequence[Suggestion],
    *,
    title: str = "People to be named",
    options: Sequence[str] = (),
    failures: Iterable[tuple[str, str]] = (),
) -> None:
    """Write a contact sheet; the file appears whole or not at all.

    Faces are cut from the original photos, which are read where they were found: one that was moved, changed or
    removed since is told instead of shown. Of a suggestion at most 60 faces are shown.

    Args:
        path: Where to, usually ``*.html``.
        suggestions: From `mien.Gallery.suggest`, in this order.
        title: Of the page.
        options: Arguments that name the gallery in the commands, such as ``("--gallery", "family.mien")``.
        failures: Source of each photo that could not be read, and why.

    Raises:
        UnwritableFile: No such folder, no permission, or no room; nothing was changed.
    """
    known = [suggestion for suggestion in suggestions if suggestion.candidate]
    failed = [(str(source), str(reason)) for source, reason in failures]
    numbers = {
        "People to be named": len(suggestions) - len(known),
        "Known people": len(known),
        "Faces": sum(len(suggestion.faces) for suggestion in suggestions),
    }
    with media.replacing(path) as file:
        head = [page_start(title), f"<h1>{escape(title)}</h1>", _advice(options), tiles(numbers, len(failed))]
        file.write(encode("".join([*head, failures_section(failed)])))
        for suggestion in suggestions:
            file.write(encode(_section(suggestion, options)))
        if not suggestions:
            file.write(encode("<p>There is nobody to be named.</p>"))
        file.write(encode(page_end(())))


def _advice(options: Sequence[str]) -> str:
    return (
        "<p>Each group seems to be one person. Put their name in place of LABEL; the keys below faces are for the "
        f"commands that take one: {_command(['people', 'not', 'FACE', 'PERSON'], options)} says that a face is not "
        f"theirs, and {_command(['people', 'undo'], options)} takes back the last edit.</p>"
        "<p>Nobody here has consented to anything yet: "
        f"{_command(['people', 'forget', '--all'], options)} removes every face that has no name.</p>"
    )


def _section(suggestion: Suggestion, options: Sequence[str]) -> str:
    known = suggestion.candidate
    who = "Somebody unknown" if known is None else f"More of {isolated(known.label)}"
    state, label = ("unknown", "LABEL") if known is None else ("matched", known.label)
    count = "1 face" if len(suggestion.faces) == 1 else f"{len(suggestion.faces):,} faces"
    shown = "".join(_figure(face) for face in suggestion.faces[:_MOST_FACES])
    rest = len(suggestion.faces) - _MOST_FACES
    more = f'<p class="soft">and {rest:,} more</p>' if rest > 0 else ""
    return (
        f'<section class="image" id="{escape(suggestion.suggestion_id)}"><header><h3><span class="badge {state}">{who}'
        f'</span></h3><span class="soft">{count}</span></header>'
        f'<div class="sheet">{shown}</div><div class="say">{more}'
        f"{_command(['people', 'name', suggestion.suggestion_id, label], options)}</div></section>"
    )


def _figure(face: FaceRecord) -> str:
    picture = _picture(face)
    quality = "" if face.quality is None else f", quality {face.quality:.0f}"
    where = escape(face.source or "no file")
    shown = (
        f'<img src="{picture}" alt="face in {where}" loading="lazy">'
        if picture
        else '<span class="gone">no picture</span>'
    )
    return (
        f'<figure title="{where}{quality}">{shown}<figcaption><code>{escape(face.face_id[:_DIGITS])}</code>'
        f"<span>{where}</span></figcaption></figure>"
    )


def _picture(face: FaceRecord) -> str | None:
    """The face as a data URI, None where its photo is not what it was any more, or never was a file."""
    if face.path is None or face.box is None:
        return None
    try:
        readable, sha256 = content(face.path)
        return crop(media.read(readable), np.array(face.box, np.float32)) if sha256 == face.sha256 else None
    except InputError:
        return None


def _command(words: Sequence[str], options: Sequence[str]) -> str:
    return f'<code class="command">{escape(shlex.join(["mien", *words, *options]))}</code>'
