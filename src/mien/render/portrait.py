"""A portrait examined, for people and programs: schema ``mien.quality/1``.

schema              "mien.quality/1"
source              name of the image
sha256              of the file, null where there is none
image               width, height: pixels
box                 left, top, right, bottom of the face: pixels
quality             the unified score, 0 to 100
fit                 whether it would do for a document; null where nothing is wrong but something was not measured
components          by name: value, unit, score (0 to 100); null where it could not be measured
reasons[]           what is wrong
  reason            such as "eyes_closed"
  words             the same for people
  advice            what a photographer may do
  components        which ones gave it
not_measured[]      components that are asked for and not known
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mien.quality import Examination, portrait_reasons
from mien.render.annotation import annotate
from mien.render.lettering import lettering, shorten
from mien.render.words import advice, reason_words
from mien.types import Faces, Image

__all__ = ["PORTRAIT_SCHEMA", "annotate_portrait", "portrait_to_dict", "summary"]

PORTRAIT_SCHEMA = "mien.quality/1"
"""Name and version of the document of an examined portrait."""

_PAPER, _INK = (250, 250, 248), (24, 28, 34)


def portrait_to_dict(examination: Examination, source: str, *, sha256: str | None = None) -> dict[str, Any]:
    """The examination of a portrait as plain JSON values; the fields are listed at the top of this module."""
    found = dict(portrait_reasons(examination))
    unknown = found.pop("not_measured", ())
    return {
        "schema": PORTRAIT_SCHEMA,
        "source": source,
        "sha256": sha256,
        **examination.to_dict(),
        "fit": False if found else None if unknown else True,
        "reasons": [
            {"reason": reason, "words": reason_words(reason), "advice": advice(reason), "components": list(components)}
            for reason, components in found.items()
        ],
        "not_measured": list(unknown),
    }


def summary(document: dict[str, Any]) -> list[str]:
    """A portrait's document in lines for people: the score and whether it will do, then what is wrong, with advice."""
    fit = {True: "fit for a document", False: "not fit for a document", None: "nothing wrong that could be measured"}
    score = "" if document["quality"] is None else f"quality {document['quality']:.0f}, "
    lines = [score + fit[document["fit"]]]
    lines += [f"{one['words']}: {one['advice']}" for one in document["reasons"]]
    if document["not_measured"]:
        lines.append(f"not measured: {', '.join(name.replace('_', ' ') for name in document['not_measured'])}")
    return lines


def annotate_portrait(image: Image, faces: Faces, document: dict[str, Any]) -> Image:
    """The picture with its face marked, and what is wrong with it written below.

    Args:
        image: (height, width, 3) uint8 RGB.
        faces: The face that was examined.
        document: As from `portrait_to_dict`.

    Returns:
        (more than height, width, 3) uint8 RGB: nothing of the picture is covered.
    """
    marked = annotate(image, faces)
    width = marked.shape[1]
    size = max(12, round(0.022 * math.hypot(*marked.shape[:2])))
    lines = [part for line in summary(document) for part in _wrapped(line, size, width - 2 * size)]
    strips = [_strip(line, size, width) for line in lines]
    edge = np.full((max(1, size // 2), width, 3), _PAPER, np.uint8)
    return np.concatenate([marked, edge, *strips, edge])


def _wrapped(text: str, size: int, width: int) -> list[str]:
    """The text in lines that fit, where its words do."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and lettering(longer, size).shape[1] <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _strip(text: str, size: int, width: int) -> Image:
    margin = size
    coverage = lettering(shorten(text, size, max(0, width - 2 * margin)), size)
    rows, columns = coverage.shape
    strip = np.full((rows + size // 3, width, 3), _PAPER, np.float32)
    part = strip[:rows, margin : margin + columns]
    part += coverage[:, : part.shape[1], None] * (np.array(_INK, np.float32) - part)
    return np.asarray(np.round(strip), np.uint8)
