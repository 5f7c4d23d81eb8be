"""Pieces of the report: escaped HTML, pictures as data URIs."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image as Pillow

from mien.render.annotation import annotate
from mien.render.crops import face_square
from mien.render.words import Verdict, number, reason_words, title, verdict
from mien.types import Array, Face, Faces, Image

__all__ = ["crop", "escape", "failures_section", "image_section", "isolated", "people_section", "tiles"]

_PICTURE = 1280
_CROP = 128
_HEADER = (("", ""), ("Who", ""), ("Score", "n"), ("Threshold", "n"), ("Quality", "n"), ("Reasons", ""))


def escape(text: str) -> str:
    """The text as HTML, safe in quoted attributes too; control characters become replacement characters."""
    visible = (char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return html.escape("".join(visible))


def tiles(numbers: Mapping[str, int | str], failures: int) -> str:
    """The counts on top; a text stands as it is."""
    texts = {name: value if isinstance(value, str) else f"{value:,}" for name, value in numbers.items()}
    cells = [f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in texts.items()]
    if failures:
        cells.append(f'<div class="bad"><dt>Failed</dt><dd>{failures:,}</dd></div>')
    return f'<dl class="tiles">{"".join(cells)}</dl>'


def people_section(people: Sequence[tuple[str, int, int]]) -> str:
    """Who was found: label, number of faces, and a link to the first image; empty where nobody was."""
    if not people:
        return ""
    badges = (
        f'<li><a class="badge matched" href="#image-{first}">{isolated(label)}'
        f"{f' ({faces:,} faces)' if faces > 1 else ''}</a></li>"
        for label, faces, first in sorted(people, key=lambda person: person[0].casefold())
    )
    return f'<h2>People found</h2><ul class="people">{"".join(badges)}</ul>'


def failures_section(failures: Sequence[tuple[str, str]]) -> str:
    """The images that could not be read, and why; empty where all could."""
    if not failures:
        return ""
    rows = "".join(f"<li><strong>{escape(source)}</strong>{escape(reason)}</li>" for source, reason in failures)
    return f'<h2>Failed</h2><ul class="failures">{rows}</ul>'


def image_section(position: int, source: str, image: Image, faces: Faces) -> str:
    """One image: its annotated picture and a table of its faces.

    Args:
        position: 1 for the first image of the report.
        source: What to call it.
        image: (height, width, 3) uint8 RGB.
        faces: Its faces.
    """
    width, height = faces.image_size
    count = "no face" if not len(faces) else "1 face" if len(faces) == 1 else f"{len(faces):,} faces"
    who = ", ".join(title(face) or "a face" for face in faces)
    alt = escape(f"{source}: {count}{f', {who}' if who else ''}")
    return (
        f'<section class="image" id="image-{position}"><header><h3>{escape(source)}</h3>'
        f'<span class="soft">{count} \N{MIDDLE DOT} {width:,} \N{MULTIPLICATION SIGN} {height:,}</span></header>'
        f'<img src="{_picture(image, faces)}" alt="{alt}">{_table(image, faces)}</section>'
    )


def _table(image: Image, faces: Faces) -> str:
    if not len(faces):
        return ""
    head = "".join(f'<th scope="col" class="{kind}">{name}</th>' for name, kind in _HEADER)
    rows = "".join(_row(image, face) for face in faces)
    return f"<table><caption>Faces</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(image: Image, face: Face) -> str:
    decision = face.decision
    state = verdict(decision)
    who = {Verdict.MATCHED: face.person or "match", Verdict.REFUSED: "refused"}.get(state, str(state))
    score, threshold, reasons = None, None, ""
    if decision is not None:
        score, threshold = decision.score, decision.threshold
        reasons = ", ".join(reason_words(reason) for reason in decision.reasons)
    return (
        f'<tr><td><img src="{crop(image, face.box)}" alt="face {face.index + 1}" loading="lazy"></td>'
        f'<td class="who"><span class="badge {state}">{isolated(who)}</span></td>'
        f'<td class="n" data-name="score">{number(score)}</td>'
        f'<td class="n" data-name="threshold">{number(threshold)}</td>'
        f'<td class="n" data-name="quality">{number(face.quality, 0)}</td>'
        f'<td class="why">{escape(reasons)}</td></tr>'
    )


def isolated(label: str) -> str:
    """A name that may run from right to left, kept from turning what follows it around."""
    return f"<bdi>{escape(label)}</bdi>"


def _picture(image: Image, faces: Faces) -> str:
    """The annotated picture, scaled down before it is drawn on, so that its lines stay sharp."""
    height, width = image.shape[:2]
    scale = min(1.0, _PICTURE / max(height, width))
    if scale == 1.0:
        return _data_uri(annotate(image, faces))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    ratio = np.array([size[0] / width, size[1] / height], np.float32)
    small = np.asarray(Pillow.fromarray(image).resize(size, Pillow.Resampling.LANCZOS, reducing_gap=2))
    return _data_uri(annotate(small, _scaled(faces, ratio, size)))


def _scaled(faces: Faces, ratio: Array, size: tuple[int, int]) -> Faces:
    return Faces(
        boxes=faces.boxes * np.tile(ratio, 2),
        scores=faces.scores,
        landmarks=faces.landmarks * ratio,
        image_size=size,
        image_index=faces.image_index,
        timestamp=faces.timestamp,
        track_id=faces.track_id,
        decisions=faces.decisions,
    )


def crop(image: Image, box: Array) -> str:
    """A square around the face with some margin, as far as the image reaches, as a data URI."""
    small = Pillow.fromarray(face_square(image, box))
    small.thumbnail((_CROP, _CROP))
    return _data_uri(np.asarray(small))


def _data_uri(image: Image) -> str:
    encoded = io.BytesIO()
    Pillow.fromarray(image).save(encoded, "JPEG", quality=85, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.getvalue()).decode('ascii')}"
