"""The plots of an evaluation, each an SVG and what it shows."""

from __future__ import annotations

from mien.evaluation import GroupTable, Identification, Verification
from mien.render.plots import Curve, cmc_plot, det_plot, edc_plot, fnir_plot, rate_plot, score_plot
from mien.render.words import share

__all__ = ["group_plots", "identification_plots", "verification_plots"]


def verification_plots(result: Verification) -> list[tuple[str, str]]:
    """DET and scores, as (SVG, caption)."""
    curve = result.curve
    points = [(point.fmr.value, point.fnmr.value) for point in result.points if point.fmr.supported]
    bands = " with 95 % bands: whole people are drawn, the threshold fitted anew" if curve.low is not None else ""
    thresholds = [(point.threshold, f"FMR {point.target:g}") for point in result.points if point.fmr.supported]
    plots = [
        (
            det_plot(
                [Curve("this set", curve.fmr, curve.fnmr, curve.low, curve.high)],
                points=points,
                supported_from=result.supported_from,
            ),
            f"Detection error trade-off{bands}. Where it is hatched, the data support no false match rate.",
        ),
        (
            score_plot(result.mated, result.non_mated, thresholds=thresholds),
            f"Scores of {result.mated_total:,} mated and {result.non_mated_total:,} non-mated comparisons, each kind "
            "of area 1; lines are thresholds.",
        ),
    ]
    if result.discard is not None:
        discard = result.discard
        plots.append(
            (
                edc_plot([Curve("unified quality", discard.discarded, discard.fnmr)]),
                f"Error versus discard at FMR {discard.fmr:g}: how the misses fall as comparisons of low quality are "
                f"left out. Partial area to 0.3, less the ideal one's: {discard.area:.5f}.",
            )
        )
    return plots


def group_plots(table: GroupTable) -> list[tuple[str, str]]:
    """False match rates of the groups of an attribute, as (SVG, caption)."""
    rows = [
        (f"{one.group} ({one.people:,})", one.fmr.value, one.fmr.low, one.fmr.high, one.fmr.supported)
        for one in table.groups
        if one.fmr is not None
    ]
    if not rows:
        return []
    return [
        (
            rate_plot(rows, stated=table.fmr, name="False match rate within the group"),
            f"By {table.attribute} (people in brackets), with 95 % intervals; the line is the rate of all, "
            f"{share(table.fmr)}. Hollow: too few errors to say.",
        )
    ]


def identification_plots(result: Identification) -> list[tuple[str, str]]:
    """FNIR over FPIR by gallery size, and CMC, as (SVG, caption)."""
    curves = [Curve(f"{c.size:,} people", c.fpir, c.fnir, c.low, c.high) for c in result.curves]
    ranks = list(range(1, len(result.cmc) + 1))
    return [
        (
            fnir_plot(curves),
            "False negative over false positive identification rate by the size of the gallery, open set; bands are "
            "95 % intervals.",
        ),
        (
            cmc_plot([Curve(f"{result.people:,} people", ranks, result.cmc)]),
            "Cumulative match characteristic of a gallery of everybody: a closed set, which no service is.",
        ),
    ]
