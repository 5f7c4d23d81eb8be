"""The captures behind the errors of an evaluation, as pictures, or by their scores alone."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from mien import media
from mien.errors import MienError
from mien.evaluation import Mistake, Samples, Verification
from mien.render.fragments import crop, escape

__all__ = ["failures_to_acquire", "mistakes"]

_MOST = 100


def mistakes(samples: Samples, result: Verification, *, pictures: bool) -> str:
    """The most alike of different people and the least alike of one; by scores alone where nobody is to be shown."""
    kinds = (
        ("Most alike of different people", result.false_matches),
        ("Least alike of one person", result.false_non_matches),
    )
    return "".join(
        f"<h2>{name}</h2>{_pairs(samples, found) if pictures else _scores(found)}" for name, found in kinds if found
    )


def failures_to_acquire(samples: Samples, *, pictures: bool) -> str:
    """The captures that gave no template, and why; counted by reason where nobody is to be named."""
    if not samples.reasons:
        return ""
    if pictures:
        lines = [
            f"<li><strong>{escape(samples.records[row].capture)}</strong>{escape(reason)}</li>"
            for row, reason in list(samples.reasons.items())[:_MOST]
        ]
        if len(samples.reasons) > _MOST:
            lines.append(f"<li>and {len(samples.reasons) - _MOST:,} more</li>")
    else:
        counts = collections.Counter(
            "no face" if reason == "no face" else "unreadable" for reason in samples.reasons.values()
        )
        lines = [f"<li><strong>{count:,}</strong>{name}</li>" for name, count in counts.most_common()]
    return f'<h2>Failed to acquire</h2><ul class="failures">{"".join(lines)}</ul>'


def _pairs(samples: Samples, found: Sequence[Mistake]) -> str:
    figures = "".join(
        f'<figure class="card"><div class="two">{_picture(samples, one.first)}{_picture(samples, one.second)}</div>'
        f"<figcaption><span>score {one.score:.3f}</span>{_name(samples, one.first)}{_name(samples, one.second)}"
        "</figcaption></figure>"
        for one in found
    )
    return f'<div class="pairs">{figures}</div>'


def _scores(found: Sequence[Mistake]) -> str:
    return f"<p>Scores {', '.join(f'{one.score:.3f}' for one in found)}.</p>"


def _picture(samples: Samples, row: int) -> str:
    name = escape(samples.records[row].capture)
    try:
        image = media.read(samples.records[row].source)
    except MienError:
        return f'<span class="gone" title="{name}">gone</span>'
    return f'<img src="{crop(image, samples.boxes[row])}" alt="{name}" loading="lazy">'


def _name(samples: Samples, row: int) -> str:
    name = escape(samples.records[row].capture)
    return f'<span title="{name}">{name}</span>'
