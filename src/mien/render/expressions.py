"""Apparent expressions as JSON, one document an image or a track, and as a plot of a video's tracks.

schema              "mien.expressions/1"
source              name of the image
timestamp           seconds from the start of the video, null for photos
faces[]             in the order of the `Faces`
  index             0, 1, ...
  track_id          null outside a track
  box               left, top, right, bottom: pixels; may reach beyond the image
  expression        the most probable class
  probabilities     of each class, by name, sum 1

schema              "mien.expression_track/1"
source              name of the video
track_id            the track
start, end          seconds between which it was seen
expression          the class of the highest mean probability
probabilities       mean of each class, by name
timeline[]          seconds, probabilities: means of stretches in which it was seen
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.expression import CLASSES, Timeline
from mien.render.fragments import escape
from mien.render.timeline import ticks
from mien.render.words import clock
from mien.types import Faces

__all__ = ["EXPRESSIONS_SCHEMA", "EXPRESSION_TRACK_SCHEMA", "expression_timeline", "expressions_to_dict", "track_dicts"]

EXPRESSIONS_SCHEMA = "mien.expressions/1"
"""Name and version of the document of an image's faces."""

EXPRESSION_TRACK_SCHEMA = "mien.expression_track/1"
"""Name and version of the document of one track."""

# Wong, "Points of view: Color blindness", Nature Methods 2011, in the order of `CLASSES`; neutral is grey.
_COLOURS = ("#d55e00", "#009e73", "#cc79a7", "#e69f00", "#0072b2", "#56b4e9", "#8a8a8a")
_MOST_ROWS = 40
_WIDTH, _HEAD, _ROW, _LEFT, _MARGIN = 960, 46, 64, 90, 10


def expressions_to_dict(faces: Faces, source: str) -> dict[str, Any]:
    """The faces of one image as plain JSON values; the fields are listed at the top of this module.

    Args:
        faces: Faces with ``extra["expression"]``, as from `mien.expression.ExpressionReader`.
        source: What to call the image.
    """
    moment = float(faces.timestamp[0]) if len(faces) else math.nan
    return {
        "schema": EXPRESSIONS_SCHEMA,
        "source": source,
        "timestamp": None if math.isnan(moment) else round(moment, 3),
        "faces": [
            {
                "index": face.index,
                "track_id": None if face.track_id < 0 else face.track_id,
                "box": dict(zip(("left", "top", "right", "bottom"), map(float, face.box), strict=True)),
                **_told(face.extra["expression"]),
            }
            for face in faces
        ],
    }


def track_dicts(timeline: Timeline, source: str) -> Iterator[dict[str, Any]]:
    """A document a track; the fields are listed at the top of this module."""
    for track in sorted(timeline.tracks):
        moments, means = timeline.means(track)
        weights = timeline.tracks[track][:, -1]
        whole = np.average(means, axis=0, weights=weights[weights > 0])
        half = timeline.seconds / 2
        yield {
            "schema": EXPRESSION_TRACK_SCHEMA,
            "source": source,
            "track_id": track,
            "start": round(float(moments[0] - half), 3),
            "end": round(float(moments[-1] + half), 3),
            **_told(whole),
            "timeline": [
                {"seconds": round(float(moment), 3), "probabilities": _named(row)}
                for moment, row in zip(moments, means, strict=True)
            ],
        }


def expression_timeline(timeline: Timeline) -> str:
    """Mean probabilities over time, a row a track, as SVG: how high each colour stands is how probable its class is."""
    shown = sorted(timeline.tracks)[:_MOST_ROWS]
    end = max((float(timeline.means(track)[0][-1]) for track in shown), default=0.0) + timeline.seconds / 2
    scale = (_WIDTH - _LEFT - _MARGIN) / max(end, timeline.seconds)
    height = _HEAD + _ROW * max(1, len(shown)) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
        f'font-size="12" role="img"><title>Apparent expressions over time</title>'
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>'
    ]
    parts += [_legend(place, name) for place, name in enumerate(CLASSES)]
    for row, track in enumerate(shown):
        top = _HEAD + row * _ROW
        parts.append(f'<text x="{_MARGIN}" y="{top + _ROW / 2}">track {track}</text>')
        parts += _bars(timeline, track, top, scale)
    for moment in ticks(0, end):
        place = _LEFT + moment * scale
        parts.append(f'<text x="{place:.1f}" y="{height - 8}" text-anchor="middle">{escape(clock(moment))}</text>')
    return "".join(parts) + "</svg>\n"


def _legend(place: int, name: str) -> str:
    x = _LEFT + place * 120
    return (
        f'<rect x="{x}" y="12" width="14" height="14" fill="{_COLOURS[place]}"/><text x="{x + 20}" y="23">{name}</text>'
    )


def _bars(timeline: Timeline, track: int, top: float, scale: float) -> Iterator[str]:
    moments, means = timeline.means(track)
    width, tall = timeline.seconds * scale, _ROW - 8
    for moment, row in zip(moments, means, strict=True):
        x, y = _LEFT + (moment - timeline.seconds / 2) * scale, float(top)
        for colour, value in zip(_COLOURS, row, strict=True):
            if value >= 0.01:
                yield f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{value * tall:.2f}" fill="{colour}"/>'
            y += value * tall


def _told(probabilities: NDArray[Any]) -> dict[str, Any]:
    return {"expression": CLASSES[int(np.argmax(probabilities))], "probabilities": _named(probabilities)}


def _named(probabilities: NDArray[Any]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(CLASSES, probabilities, strict=True)}
