"""Plots of what was measured, for pages on white and on black."""

from __future__ import annotations

from typing import Any

from wording import small


def coverage_picture(results: dict[str, Any]) -> str:
    """Coverage of the intervals as a plot that reads on white and on black."""
    from mien.render.plots import rate_plot

    rows = []
    for row in results["simulated"]:
        name = f"simulated, sd {row['effect']:g}, FMR {small(row['fmr'], 0)}"
        rows.append((name, *(row["interval"][key] for key in ("value", "low", "high")), True))
    for row in results["halves"]:
        covered = row["covered"]
        rows.append(
            (f"halves of LFW, FMR {small(row['fmr'], 0)}", covered["value"], covered["low"], covered["high"], True)
        )
    for row in results["searches"]:
        covered = row["covered"]
        name = f"halves of LFW, FPIR {row['fpir']:g} of {row['gallery']:,}"
        rows.append((name, covered["value"], covered["low"], covered["high"], True))
    svg = rate_plot(rows, stated=0.95, name="How often the interval holds the rate")
    return svg.replace("currentColor", "#777777")


def det_picture(results: dict[str, Any]) -> str:
    """The trade-off of all comparisons of LFW crops with its band."""
    from mien.render.plots import Curve, det_plot

    found = results["curve"]
    line = Curve("LFW crops, Mien", *(found[name] for name in ("fmr", "fnmr", "low", "high")))
    return det_plot([line], supported_from=found["supported_from"]).replace("currentColor", "#777777")


def study_picture(results: dict[str, Any]) -> str:
    """How much recognition is lost by how far the outline of a mask moves."""
    from mien.render.plots import Curve, response_plot

    found = results["lfw"]
    curves = []
    for way, label in (("embedded", "made and embedded all the same"), ("guarded", "with Mien's guard")):
        doses = [(0.0, found["arms"]["selfie hard"]["change"])]
        for row in found["doses"]:
            if row["damage"] != "dropped":
                sign = -1 if row["damage"] == "eroded" else 1
                doses.append((sign * row["dose"], row[way]["change"]))
        doses.sort(key=lambda dose: dose[0])
        columns = [[-100 * change[end] for _, change in doses] for end in ("value", "high", "low")]
        curves.append(Curve(label, [dose for dose, _ in doses], *columns))
    svg = response_plot(curves, dose="Outline moved, inter-eye distances", response="TMR lost at FMR 1e-3, points")
    return svg.replace("currentColor", "#777777")
