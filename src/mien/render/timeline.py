"""Who was seen when, drawn as SVG: one row a person, one for each unknown track, bars where they were in view."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import NamedTuple

from mien.render.fragments import escape
from mien.render.words import Verdict, clock

__all__ = ["TimelineRow", "ticks", "timeline"]

_MOST_ROWS = {Verdict.MATCHED: 60}
_MOST_OTHERS = 12
_MOST_BARS = 600
_LONGEST_NAME = 40
_DESCRIBED = 20
_INTERVALS = 5

_HEAD, _ROW, _LANE, _MARGIN = 26, 44, 14, 8
_STEPS = (
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    15,
    20,
    30,
    60,
    120,
    300,
    600,
    900,
    1200,
    1800,
    3600,
    7200,
    10800,
    21600,
    43200,
    86400,
)


class TimelineRow(NamedTuple):
    """One row of a timeline.

    Attributes:
        name: Of the person, or what to call the track.
        verdict: What became of it.
        spans: When it was in view: first and last second of each time, in order.
    """

    name: str
    verdict: Verdict
    spans: Sequence[tuple[float, float]]


def timeline(rows: Iterable[TimelineRow], start: float, end: float) -> str:
    """Draw who was seen when.

    The drawing stands alone or within a page: it takes the width there is, follows light and dark, and holds no
    script. Rows come people first, by when they were first seen. Where there are very many, those seen least share
    one row.

    Args:
        rows: In any order.
        start: Seconds at which the axis begins.
        end: Seconds at which it ends; an empty stretch is drawn as one second.

    Returns:
        An ``<svg>`` element.
    """
    end = end if end > start else start + 1.0
    shown = _arranged(list(rows), (end - start) / _MOST_BARS)
    height = _HEAD + _ROW * len(shown) + _MARGIN
    style = resources.files("mien.render").joinpath("timeline.css").read_text("utf-8")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="timeline" width="100%" height="{height}" role="img" '
        f'aria-labelledby="timeline-title timeline-text"><title id="timeline-title">Who was seen when</title>'
        f'<desc id="timeline-text">{_description(shown, start, end)}</desc><style>{style}</style>'
    ]
    parts += [_tick(at, start, end, height) for at in ticks(start, end)]
    parts += [_lane(row, _HEAD + _ROW * index, start, end) for index, row in enumerate(shown)]
    return "".join(parts) + "</svg>"


def ticks(start: float, end: float) -> list[float]:
    """Round times from ``start`` to ``end``, six at most, for the marks of an axis."""
    rough = (end - start) / _INTERVALS
    days = math.ceil(rough / _STEPS[-1])
    step = next((step for step in _STEPS if step >= rough), _STEPS[-1] * days)
    first, last = math.ceil(start / step - 1e-9), math.floor(end / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def _arranged(rows: list[TimelineRow], gap: float) -> list[TimelineRow]:
    """People first, by when they were first seen; those who are too many share a row."""
    arranged: list[TimelineRow] = []
    for state in (Verdict.MATCHED, Verdict.UNKNOWN, Verdict.REFUSED, Verdict.FOUND):
        among = [row for row in rows if row.verdict is state and row.spans]
        most = _MOST_ROWS.get(state, _MOST_OTHERS)
        among.sort(key=lambda row: -sum(last - first for first, last in row.spans))
        kept, folded = (among, []) if len(among) <= most else (among[: most - 1], among[most - 1 :])
        arranged += sorted(kept, key=lambda row: row.spans[0])
        if folded:
            noun = "people" if state is Verdict.MATCHED else f"{state} tracks"
            name = f"{len(folded):,} more {noun}"
            arranged.append(TimelineRow(name, state, sorted(span for row in folded for span in row.spans)))
    return [row._replace(spans=_merged(row.spans, gap)) for row in arranged]


def _merged(spans: Sequence[tuple[float, float]], gap: float) -> list[tuple[float, float]]:
    """Spans in order, joined where no gap could be seen between them."""
    merged: list[tuple[float, float]] = []
    for first, last in spans:
        if merged and first - merged[-1][1] <= gap:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def _description(rows: Sequence[TimelineRow], start: float, end: float) -> str:
    if not rows:
        return f"Nobody was seen from {clock(start)} to {clock(end)}."
    lines = [
        f"{_isolated(row.name)}: {clock(row.spans[0][0])} to {clock(row.spans[-1][1])}"
        f"{f', {len(row.spans)} times' if len(row.spans) > 1 else ''}"
        for row in rows[:_DESCRIBED]
    ]
    more = [f"{len(rows) - _DESCRIBED} more rows"] if len(rows) > _DESCRIBED else []
    return "; ".join(lines + more) + "."


def _tick(at: float, start: float, end: float, height: int) -> str:
    share = _share(at, start, end)
    anchor = "start" if share < 4 else "end" if share > 96 else "middle"
    return (
        f'<line x1="{share:g}%" x2="{share:g}%" y1="{_HEAD - 6}" y2="{height}"/>'
        f'<text class="soft" x="{share:g}%" y="14" text-anchor="{anchor}">{clock(at)}</text>'
    )


def _lane(row: TimelineRow, top: int, start: float, end: float) -> str:
    bars = "".join(_bar(row, span, top + 26, start, end) for span in row.spans)
    shown = row.name if len(row.name) <= _LONGEST_NAME else f"{row.name[: _LONGEST_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"
    return (
        f'<g><text y="{top + 19}">{_isolated(shown)}<title>{_isolated(row.name)}</title></text>'
        f'<rect class="lane" x="0" y="{top + 26}" width="100%" height="{_LANE}" rx="3"/>{bars}</g>'
    )


def _bar(row: TimelineRow, span: tuple[float, float], top: int, start: float, end: float) -> str:
    left, right = (_share(min(max(at, start), end), start, end) for at in span)
    # A glance of one frame has no width, and shows nevertheless: also at the very end.
    width = max(right - left, 0.0)
    left = min(left, 99.4)
    return (
        f'<rect class="bar {row.verdict}" x="{left:g}%" y="{top}" width="{max(width, 0.6):.4g}%" '
        f'height="{_LANE}" rx="3"><title>{_isolated(row.name)}, {clock(span[0])} to {clock(span[1])}</title></rect>'
    )


def _share(at: float, start: float, end: float) -> float:
    return round(100 * (at - start) / (end - start), 3)


def _isolated(name: str) -> str:
    """A name that may run from right to left, kept from turning what follows it around."""
    return f"&#x2068;{escape(name)}&#x2069;"
