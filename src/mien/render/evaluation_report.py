"""An evaluation as one HTML file: what was measured, how far it can be trusted, and how to make it again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources

from mien import media
from mien.evaluation import Evaluation, GroupTable, Identification, Verification
from mien.render.evaluation_plots import group_plots, identification_plots, verification_plots
from mien.render.fragments import escape, tiles
from mien.render.mistakes import failures_to_acquire, mistakes
from mien.render.page import encode, page_end, page_start
from mien.render.words import interval, share

__all__ = ["write_evaluation_report"]

_UNSUPPORTED = (
    "A rate is supported by 30 errors that 30 people have a part in. Where there are fewer, only the bound stands; the "
    "measured value would say more of these few people than of the system."
)


def write_evaluation_report(path: str | os.PathLike[str], evaluation: Evaluation, *, pictures: bool = True) -> None:
    """Write the report; the file appears whole or not at all.

    Args:
        path: Where to, usually ``*.html``.
        evaluation: What to report.
        pictures: Whether to show the captures that went wrong, and name them; without, the report shows nobody and
            may be shared.

    Raises:
        UnwritableFile: No such folder, no permission, or no room; nothing was changed.
        RuntimeUnavailable: The plots need an extra that is not installed.
    """
    result, trace = evaluation.result, evaluation.provenance
    title = f"{evaluation.task.capitalize()}: {trace.title}"
    body = (
        _verification(evaluation, result, pictures=pictures)
        if isinstance(result, Verification)
        else _identification(result)
    )
    style = resources.files("mien.render").joinpath("evaluation.css").read_text("utf-8")
    parts = [
        page_start(title),
        f"<style>{style}</style><h1>{escape(title)}</h1>",
        f'<p class="soft">{escape(trace.pipeline)} on {trace.captures:,} captures, {escape(trace.made[:10])}</p>',
        *body,
        failures_to_acquire(evaluation.samples, pictures=pictures),
        _rests_on(evaluation),
        page_end([trace.calibration] if trace.calibration else []),
    ]
    with media.replacing(path) as file:
        file.write(encode("".join(parts)))


def _verification(evaluation: Evaluation, result: Verification, *, pictures: bool) -> list[str]:
    numbers: dict[str, int | str] = {
        "Captures": evaluation.provenance.captures,
        "Mated": result.mated_total,
        "Non-mated": result.non_mated_total,
    }
    if result.folds is not None:
        numbers["Accuracy"] = f"{result.folds.mean:.2%}"
    if result.eer is not None:
        numbers["EER"] = share(result.eer)
    if result.d_prime is not None:
        numbers["d\N{PRIME}"] = f"{result.d_prime:.2f}"
    rows = [
        (share(p.target), f"{p.threshold:.4f}", interval(p.fmr), interval(p.fnmr), p.fmr.supported)
        for p in result.points
    ]
    stated = [
        (
            _promise(row.fmr, row.interval),
            f"{row.threshold:.4f}",
            interval(row.measured_fmr),
            interval(row.measured_fnmr),
            row.measured_fmr.supported,
        )
        for row in result.stated
    ]
    return [
        tiles(numbers, evaluation.provenance.failed),
        _folds(result),
        "<h2>Operating points</h2>",
        f"<p>The lowest threshold at which this set's own false match rate keeps to the target. {_UNSUPPORTED}</p>",
        _table(("FMR at most", "Threshold", "FMR", "FNMR"), rows),
        _stated(("Stated FMR", "Threshold", "FMR here", "FNMR here"), stated),
        "<h2>Trade-off and scores</h2>",
        _plots(verification_plots(result)),
        *(_groups(table) for table in result.groups),
        mistakes(evaluation.samples, result, pictures=pictures),
    ]


def _groups(table: GroupTable) -> str:
    rows = [
        (
            one.group,
            f"{one.people:,}",
            "" if one.fmr is None else interval(one.fmr),
            "" if one.fnmr is None else interval(one.fnmr),
            one.fmr is not None and one.fmr.supported,
        )
        for one in table.groups
    ]
    said = f"At one threshold for all, {table.threshold:.4f}, at which all people together have a false match rate of "
    said += f"{share(table.fmr)}. Comparisons are made within a group, where false matches are most frequent. "
    if table.ratio is not None:
        said += f"The highest rate is {table.ratio:.3g} times the lowest. "
    if table.exceeding:
        said += f"Above the rate of all by more than its interval: {', '.join(table.exceeding)}."
    return (
        f"<h2>By {escape(table.attribute)}</h2><p>{escape(said)}</p>"
        f"{_table(('Group', 'People', 'FMR', 'FNMR'), rows)}{_plots(group_plots(table))}"
    )


def _folds(result: Verification) -> str:
    if result.folds is None:
        return ""
    folds = result.folds
    return (
        f"<p>Accuracy over {len(folds.accuracies)} folds: {folds.mean:.4f} \N{PLUS-MINUS SIGN} "
        f"{folds.standard_error:.4f} (standard error), each fold at the threshold that is best on the others.</p>"
    )


def _identification(result: Identification) -> list[str]:
    numbers: dict[str, int | str] = {
        "People": result.people,
        "With a second image": result.mated,
        "Rank-1, all enrolled": f"{result.cmc[0]:.1%}",
    }
    rows = [
        (f"{p.size:,}", share(p.target), f"{p.threshold:.4f}", interval(p.fpir), interval(p.fnir), p.fpir.supported)
        for p in result.points
    ]
    stated = [
        (
            f"{p.size:,}",
            _promise(p.target, p.stated),
            f"{p.threshold:.4f}",
            interval(p.fpir),
            interval(p.fnir),
            p.fpir.supported,
        )
        for p in result.stated
        if p.stated is not None
    ]
    return [
        tiles(numbers, 0),
        "<p>Galleries hold one image a person. Rates are those of every gallery of that size that could be drawn from "
        f"these people, searched with one image of each of the others; images were drawn {result.draws} times.</p>",
        "<h2>Operating points</h2>",
        f"<p>{_UNSUPPORTED}</p>",
        _table(("Gallery", "FPIR at most", "Threshold", "FPIR", "FNIR"), rows),
        _stated(("Gallery", "Stated FPIR", "Threshold", "FPIR here", "FNIR here"), stated),
        "<h2>Trade-off</h2>",
        _plots(identification_plots(result)),
    ]


def _promise(rate: float, interval: tuple[float, float]) -> str:
    low, high = (share(end, like=rate) for end in interval)
    return f"{share(rate)} ({low} to {high})"


def _stated(header: Sequence[str], rows: Sequence[tuple[object, ...]]) -> str:
    if not rows:
        return ""
    return (
        "<h2>What the calibration states</h2><p>Its thresholds, and what they give on this set. Rates of other people "
        f"and cameras than it was fitted on may lie elsewhere.</p>{_table(header, rows)}"
    )


def _table(header: Sequence[str], rows: Sequence[tuple[object, ...]]) -> str:
    """A table of figures; the last cell of a row says whether the data support it."""
    head = "".join(f'<th scope="col" class="n">{escape(name)}</th>' for name in header)
    body = "".join(
        ("<tr>" if row[-1] else '<tr class="weak">')
        + "".join(f'<td class="n">{escape(str(cell))}</td>' for cell in row[:-1])
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="image scroll"><table class="figures"><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
        "</table></div>"
    )


def _plots(plots: Sequence[tuple[str, str]]) -> str:
    figures = "".join(
        f'<figure class="card">{svg}<figcaption>{escape(caption)}</figcaption></figure>' for svg, caption in plots
    )
    return f'<div class="plots">{figures}</div>'


def _rests_on(evaluation: Evaluation) -> str:
    trace = evaluation.provenance
    weights = "<br>".join(f"{escape(name)} <code>{sha}</code>" for name, sha in trace.weights.items())
    who = "not told by the set" if trace.people is None else f"{trace.people:,}"
    weigh = "one per person" if trace.weigh == "person" else "one per comparison"
    entries = {
        "Command": f'<code class="command">{escape(trace.command)}</code>',
        "Protocol": escape(trace.protocol),
        "Captures": f"{trace.captures:,}, of which {trace.failed:,} gave no template",
        "People": who,
        "Data, sha256": f"<code>{trace.data_sha256}</code>",
        "Pipeline": f"{escape(trace.pipeline)}, {escape(trace.artefact)}",
        "Weights, sha256": weights,
        "Face of an image": f"the {trace.face} one",
        "Mated comparisons weigh": weigh,
        "Intervals": f"95 %, people drawn {trace.replicates:,} times, seed {trace.seed}",
        "Mien": escape(f"{trace.mien}, {trace.platform}"),
        "Made": escape(trace.made),
    }
    rows = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in entries.items())
    return f'<h2>What this rests on</h2><div class="card"><dl class="rests">{rows}</dl></div>'
