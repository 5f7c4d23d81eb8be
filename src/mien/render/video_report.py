"""One HTML file that shows who was seen in a video, when, and how sure that is."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Sequence

from mien import media
from mien.render.fragments import escape, failures_section, isolated, tiles
from mien.render.page import encode, page_end, page_start
from mien.render.presence import Presence, Presences, rows
from mien.render.timeline import timeline
from mien.render.words import Verdict, clock, number, rate_meaning, reason_words, verdict
from mien.watch import EventRules, WatchedFrame

__all__ = ["write_video_report"]

_HEADER = (("", ""), ("Who", ""), ("Seen", "when"), ("Score", "n"), ("Threshold", "n"), ("Reasons", ""))
_MOST_TIMES = 6


def write_video_report(
    path: str | os.PathLike[str],
    frames: Iterable[WatchedFrame],
    *,
    title: str = "Faces in this video",
    notes: str = "",
    rules: EventRules | None = None,
    failures: Iterable[tuple[str, str]] = (),
) -> None:
    """Write a report of a video; the file appears whole or not at all.

    It holds everything it shows, and memory does not grow with the length of the video: of each track its times, its
    decision and one small picture are kept.

    Args:
        path: Where to, usually ``*.html``.
        frames: Of the video, consumed one at a time.
        title: Of the page.
        notes: A paragraph below the title, plain text.
        rules: Tracks of fewer than ``confirm_frames`` are left out, an absence of ``absence_seconds`` parts the times.
        failures: Source and reason of what could not be read; looked at after the last frame, so that a list which
            fills up meanwhile will do.

    Raises:
        UnwritableFile: No such folder, no permission, or no room; nothing was changed.
    """
    presences = Presences(rules or EventRules())
    with media.replacing(path) as file:
        for frame in frames:
            presences.add(frame)
        file.write(encode(_page(presences, title, notes, [(str(s), str(r)) for s, r in failures])))


def _page(presences: Presences, title: str, notes: str, failures: Sequence[tuple[str, str]]) -> str:
    tracks = presences.shown()
    decisions = [track.decision for track in tracks if track.decision is not None]
    calibrations = dict.fromkeys(d.calibration for d in decisions if d.calibration is not None)
    meanings = dict.fromkeys(rate_meaning(decision) for decision in decisions)
    parts = [page_start(title), f"<h1>{escape(title)}</h1>"]
    parts += [f"<p>{escape(notes)}</p>"] if notes else []
    parts += [tiles(_numbers(presences, tracks), len(failures))]
    parts += [f"<p>{escape(meaning)}</p>" for meaning in meanings if meaning]
    if any(track.decision is not None for track in tracks) and not calibrations:
        parts.append("<p>No calibration fits these faces, so nobody was given a name.</p>")
    parts += [failures_section(failures)]
    if tracks:
        start = presences.start or 0.0
        parts += ["<h2>Timeline</h2>", f'<div class="card">{timeline(rows(tracks), start, presences.end)}</div>']
        parts += ["<h2>Tracks</h2>", _left_out(presences), f'<div class="image">{_table(tracks)}</div>']
    else:
        parts.append("<p>No face was seen.</p>" if presences.frames else "<p>No frame was read.</p>")
    return "".join([*parts, page_end(calibrations)])


def _numbers(presences: Presences, tracks: Sequence[Presence]) -> dict[str, int | str]:
    counts = collections.Counter(verdict(track.decision) for track in tracks)
    people = {t.decision.person.person_id for t in tracks if t.decision is not None and t.decision.person is not None}
    seconds = presences.end - (presences.start or 0.0)
    numbers: dict[str, int | str] = {
        "Watched": clock(seconds if seconds < 10 else round(seconds)),
        "Frames": presences.frames,
        "Tracks": len(tracks),
        "People found": len(people),
        "Unknown": counts[Verdict.UNKNOWN],
    }
    optional = {"Refused": counts[Verdict.REFUSED], "Not decided": counts[Verdict.FOUND]}
    return numbers | {name: count for name, count in optional.items() if count}


def _left_out(presences: Presences) -> str:
    if not presences.left_out:
        return ""
    return f'<p class="soft">{presences.left_out:,} later tracks are not shown: there were too many.</p>'


def _table(tracks: Sequence[Presence]) -> str:
    head = "".join(f'<th scope="col" class="{kind}">{name}</th>' for name, kind in _HEADER)
    body = "".join(_row(track) for track in tracks)
    return f"<table><caption>Tracks</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _row(track: Presence) -> str:
    decision = track.decision
    state = verdict(decision)
    who = {Verdict.MATCHED: track.name, Verdict.FOUND: "not decided"}.get(state, str(state))
    score, threshold, reasons = None, None, ""
    if decision is not None:
        score, threshold = decision.score, decision.threshold
        reasons = ", ".join(reason_words(reason) for reason in decision.reasons if reason != "undecided")
    return (
        f'<tr><td><img src="{track.picture}" alt="track {track.track_id}" loading="lazy"></td>'
        f'<td class="who"><span class="badge {state}">{isolated(who)}</span> '
        f'<span class="soft">track {track.track_id}</span></td>'
        f'<td class="when">{_times(track)}</td>'
        f'<td class="n" data-name="score">{number(score)}</td>'
        f'<td class="n" data-name="threshold">{number(threshold)}</td>'
        f'<td class="why">{escape(reasons)}</td></tr>'
    )


def _times(track: Presence) -> str:
    stretches = track.spans.stretches
    times = [f"<span>{clock(first)}\N{EN DASH}{clock(last)}</span>" for first, last in stretches[:_MOST_TIMES]]
    more = len(stretches) - _MOST_TIMES
    return ", ".join(times + ([f"and {more:,} more"] if more > 0 else []))
