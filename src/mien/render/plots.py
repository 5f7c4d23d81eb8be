"""Plots of error rates as SVG that stands in a page: its text is text, its ink the page's own, light or dark."""

from __future__ import annotations

import hashlib
import html
import io
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InvalidArgument, RuntimeUnavailable
from mien.render.words import share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "Curve",
    "cmc_plot",
    "det_plot",
    "edc_plot",
    "fnir_plot",
    "rate_plot",
    "require_plots",
    "response_plot",
    "score_plot",
]

Values: TypeAlias = NDArray[np.float64]
Histogram: TypeAlias = "tuple[ArrayLike, ArrayLike]"

# Wong, "Points of view: Color blindness", Nature Methods 2011; those that read on white and on black alike.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
# Stands for the page's ink until the picture is written: nothing else in it is of this colour.
_INK = "#010203"
_TICKS = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.95, 0.99)
_LOWEST = 1e-8
_MOST_TICKS = 9
_MOST_POINTS = 500
_LONGEST_LABEL = 40


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A line with its name.

    Attributes:
        label: What the legend calls it.
        x: (n,) where it goes along.
        y: (n,) how high it is.
        low: (n,) lower edge of a band around it, None for no band.
        high: (n,) its upper edge.
    """

    label: str
    x: ArrayLike
    y: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None


def require_plots() -> None:
    """Check that plots can be drawn, before a long run ends in one.

    Raises:
        RuntimeUnavailable: The extra for plots is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: F401
    except ImportError as error:
        raise RuntimeUnavailable("plots need an extra: pip install 'mien[evaluate]'") from error


def det_plot(
    curves: Sequence[Curve], *, points: Sequence[tuple[float, float]] = (), supported_from: float | None = None
) -> str:
    """Detection error trade-off on probit axes, on which normal scores give a straight line.

    Rates of 0 and 1 have no place on such an axis and are drawn at its end.

    Args:
        curves: False non-match rates (y) over false match rates (x).
        points: Operating points, (FMR, FNMR).
        supported_from: Below this false match rate the data have too few errors; that part is hatched.

    Raises:
        InvalidArgument: No curve, or columns of different lengths.
        RuntimeUnavailable: The extra for plots is not installed.
    """
    columns = [_columns(curve) for curve in curves]

    def draw(axes: Axes) -> None:
        across, up = _trade_off(axes, curves, columns, least=0.2 * (supported_from or 0.0))
        if supported_from is not None and supported_from > across[0]:
            low, edge = _probit(np.array([across[0], min(supported_from, across[1])]))
            hatched = axes.axvspan(low, edge, facecolor="none", edgecolor=_INK, hatch="///", alpha=0.3, lw=0)
            hatched.set_label("too few errors to say")
        for fmr, fnmr in points:
            at = _probit(np.clip([fmr], *across)), _probit(np.clip([fnmr], *up))
            axes.plot(*at, "o", color=_INK, markersize=4)
        axes.set_xlabel("False match rate")
        axes.set_ylabel("False non-match rate")

    return _picture(draw, "Detection error trade-off", [curve.label for curve in curves])


def fnir_plot(curves: Sequence[Curve]) -> str:
    """False negative (y) over false positive (x) identification rate, a curve a gallery, on probit axes.

    Raises:
        InvalidArgument: As `det_plot`.
        RuntimeUnavailable: As `det_plot`.
    """
    columns = [_columns(curve) for curve in curves]

    def draw(axes: Axes) -> None:
        _trade_off(axes, curves, columns, least=1e-4)
        axes.set_xlabel("False positive identification rate")
        axes.set_ylabel("False negative identification rate")

    return _picture(draw, "Identification trade-off", [curve.label for curve in curves])


def edc_plot(curves: Sequence[Curve]) -> str:
    """Error versus discard: false non-match rate (y) of what is left after a share (x) was discarded, and the ideal.

    The ideal measure discards nothing but errors.

    Raises:
        InvalidArgument: As `det_plot`.
        RuntimeUnavailable: As `det_plot`.
    """
    columns = [_columns(curve) for curve in curves]

    def draw(axes: Axes) -> None:
        for colour, curve, (x, y, *_) in zip(_cycle(), curves, columns, strict=False):
            axes.plot(100 * x, 100 * y, color=colour, label=_clean(curve.label), linewidth=1.8)
        first = max(float(y[0]) for _, y, *_ in columns)
        shares = np.linspace(0, 0.95, 400)
        ideal = np.maximum(0, first - shares) / (1 - shares)
        axes.plot(100 * shares, 100 * ideal, color=_INK, linestyle="--", linewidth=1, label="ideal")
        axes.set_ylim(0, max(100.0 * 1.1 * max(float(y.max()) for _, y, *_ in columns), 1e-3))
        axes.set_xlabel("Discarded, per cent of mated comparisons")
        axes.set_ylabel("False non-match rate, per cent")

    return _picture(draw, "Error versus discard", [curve.label for curve in curves])


def cmc_plot(curves: Sequence[Curve]) -> str:
    """Cumulative match characteristic: share of searches (y) whose mate is among the first x.

    Raises:
        InvalidArgument: As `det_plot`.
        RuntimeUnavailable: As `det_plot`.
    """
    columns = [_columns(curve) for curve in curves]

    def draw(axes: Axes) -> None:
        for colour, curve, (x, y, *_) in zip(_cycle(), curves, columns, strict=False):
            axes.plot(x, 100 * y, color=colour, label=_clean(curve.label), linewidth=1.8, marker="o", markersize=2.5)
        lowest = min(float(100 * y.min()) for _, y, *_ in columns)
        axes.set_ylim(lowest - 0.1 * (100.01 - lowest), 100.01)
        axes.set_xlabel("Rank")
        axes.set_ylabel("Mate among the first, per cent of searches")

    return _picture(draw, "Cumulative match characteristic", [curve.label for curve in curves])


def score_plot(mated: Histogram, non_mated: Histogram, *, thresholds: Sequence[tuple[float, str]] = ()) -> str:
    """Densities of mated and non-mated scores, each of area 1; of a kind whose faces were all missed there is none.

    Args:
        mated: (edges (b + 1,), counts (b,)).
        non_mated: The same.
        thresholds: Scores to mark, and what to call them.

    Raises:
        InvalidArgument: Columns that do not belong together, or no bin.
        RuntimeUnavailable: As `det_plot`.
    """
    kinds = [_density(*histogram) for histogram in (non_mated, mated)]

    def draw(axes: Axes) -> None:
        for colour, name, (edges, density) in zip(_cycle(), ("non-mated", "mated"), kinds, strict=False):
            axes.stairs(density, edges, color=colour, label=name, fill=True, alpha=0.35)
            axes.stairs(density, edges, color=colour, linewidth=1.2)
        ends = [edges[np.flatnonzero(density)[[0, -1]] + [0, 1]] for edges, density in kinds if density.any()]
        if ends:
            axes.set_xlim(min(low for low, _ in ends), max(high for _, high in ends))
        top = axes.get_ylim()[1]
        for place, (threshold, name) in enumerate(thresholds):
            if np.isfinite(threshold):
                axes.axvline(threshold, color=_INK, linewidth=0.8, linestyle="--")
                height = top * (0.97 - 0.07 * (place % 8))
                axes.text(threshold, height, f" {_clean(name)}", color=_INK, fontsize=8, va="top")
        axes.set_xlabel("Comparison score")
        axes.set_ylabel("Density")

    return _picture(draw, "Comparison scores", ["non-mated", "mated"])


def rate_plot(rows: Sequence[tuple[str, float, float, float, bool]], *, stated: float | None = None, name: str) -> str:
    """Rates with their intervals below one another, as of groups or of repeated measurements.

    Args:
        rows: Label, rate, lower end, upper end, and whether the rate is supported; an unsupported one is hollow.
        stated: A rate to mark across all.
        name: What the rate is.

    Raises:
        InvalidArgument: No row.
        RuntimeUnavailable: As `det_plot`.
    """
    if not rows:
        raise InvalidArgument("rows: expected at least one")

    def draw(axes: Axes) -> None:
        for place, (_, value, low, high, supported) in enumerate(rows):
            axes.plot([low, high], [place, place], color=_COLOURS[0], linewidth=2)
            fill = _COLOURS[0] if supported else "none"
            axes.plot([value], [place], "o", markerfacecolor=fill, markeredgecolor=_COLOURS[0], markersize=6)
        if stated is not None:
            axes.axvline(stated, color=_INK, linewidth=1, linestyle="--")
        axes.set_yticks(range(len(rows)), [_clean(label) for label, *_ in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(_clean(name))

    return _picture(draw, name, [label for label, *_ in rows], height=1.1 + 0.32 * len(rows), legend=False)


def response_plot(curves: Sequence[Curve], *, dose: str, response: str) -> str:
    """What grows or falls with a dose: measured points, joined, with their bands, on plain axes.

    Args:
        curves: Responses (y) over doses (x).
        dose: What goes along, with its unit.
        response: What goes up, with its unit.

    Raises:
        InvalidArgument: As `det_plot`.
        RuntimeUnavailable: As `det_plot`.
    """
    columns = [_columns(curve) for curve in curves]

    def draw(axes: Axes) -> None:
        for colour, curve, (x, y, low, high) in zip(_cycle(), curves, columns, strict=False):
            if low is not None and high is not None:
                axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
            axes.plot(x, y, color=colour, label=_clean(curve.label), linewidth=1.8, marker="o", markersize=3.5)
        axes.set_xlabel(_clean(dose))
        axes.set_ylabel(_clean(response))

    return _picture(draw, _clean(response), [curve.label for curve in curves])


def _trade_off(
    axes: Axes, curves: Sequence[Curve], columns: Sequence[_Columns], *, least: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Draw curves and bands on probit axes; where the rates on either axis begin and end."""
    across = _probit_limits(columns, 0, least=least)
    up = _probit_limits(columns, 1, within=across)
    for colour, curve, (x, y, low, high) in zip(_cycle(), curves, columns, strict=False):
        along = _probit(np.clip(x, *across))
        kept = _thinned(along)
        if low is not None and high is not None:
            lower, upper = (_probit(np.clip(edge, *up))[kept] for edge in (low, high))
            axes.fill_between(along[kept], lower, upper, color=colour, alpha=0.2, linewidth=0)
        axes.plot(along[kept], _probit(np.clip(y, *up))[kept], color=colour, label=_clean(curve.label), linewidth=1.8)
    axes.set_xlim(*_probit(np.array(across)))
    axes.set_ylim(*_probit(np.array(up)))
    _probit_ticks(axes.xaxis, across)
    _probit_ticks(axes.yaxis, up)
    return across, up


_Columns: TypeAlias = "tuple[Values, Values, Values | None, Values | None]"


def _columns(curve: Curve) -> _Columns:
    x, y, low, high = (
        None if column is None else np.asarray(column, np.float64)
        for column in (curve.x, curve.y, curve.low, curve.high)
    )
    assert x is not None
    assert y is not None
    given = [column for column in (x, y, low, high) if column is not None]
    if not len(x) or any(column.shape != x.shape or column.ndim != 1 for column in given):
        raise InvalidArgument(f"{curve.label}: expected columns of one length, got {[c.shape for c in given]}")
    if not all(np.isfinite(column).all() for column in given):
        raise InvalidArgument(f"{curve.label}: expected finite numbers")
    return x, y, low, high


def _density(edges: ArrayLike, counts: ArrayLike) -> tuple[Values, Values]:
    borders, numbers = np.asarray(edges, np.float64), np.asarray(counts, np.float64)
    if borders.shape != (len(numbers) + 1,) or not len(numbers):
        raise InvalidArgument(f"expected counts and one edge more, got {numbers.shape} and {borders.shape}")
    return borders, numbers / max(numbers.sum(), 1.0) / np.diff(borders)


def _cycle() -> tuple[str, ...]:
    return _COLOURS * 5


def _thinned(along: Values) -> NDArray[np.intp]:
    """Rows that can be told apart on the axis: of each place the first and the last."""
    span = max(float(np.ptp(along)), 1e-12)
    places = np.floor((along - along.min()) / span * _MOST_POINTS).astype(np.intp)
    first = np.unique(places, return_index=True)[1]
    last = len(places) - 1 - np.unique(places[::-1], return_index=True)[1]
    return np.unique(np.concatenate([first, last]))


def _probit(rates: NDArray[Any]) -> Values:
    from scipy.special import ndtri

    return np.asarray(ndtri(np.asarray(rates, np.float64)))


def _probit_limits(
    columns: Sequence[_Columns], row: Literal[0, 1], *, least: float = 0.0, within: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, float]:
    """Ends of an axis: those of the rates on it, no further down than ``least``, where the other axis is ``within``."""
    rates = np.concatenate([c[row][(c[0] >= within[0]) & (c[0] <= within[1])] for c in columns])
    inside = rates[(rates > 0) & (rates < 1)]
    if not len(inside):
        return 1e-3, 0.5
    low = float(max(0.7 * inside.min(), least, _LOWEST))
    high = float(np.clip(1.3 * inside.max(), 10 * low, 0.99))
    return low, min(high, 0.5) if row == 0 else high


def _probit_ticks(axis: Any, limits: tuple[float, float]) -> None:  # noqa: ANN401 - matplotlib's axes have no common type
    ticks = [tick for tick in _TICKS if limits[0] * 0.999 <= tick <= limits[1] * 1.001]
    if len(ticks) > _MOST_TICKS:
        ticks = [tick for tick in ticks if tick not in (0.002, 0.005, 0.02, 0.1)]
    axis.set_ticks(_probit(np.array(ticks)), [share(tick) for tick in ticks])


def _clean(label: str) -> str:
    visible = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in label)
    visible = visible.encode("utf-8", "replace").decode()
    # A legend passes over names that begin like this.
    visible = f" {visible}" if visible.startswith("_") else visible
    return visible if len(visible) <= _LONGEST_LABEL else visible[: _LONGEST_LABEL - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _picture(
    draw: Callable[[Axes], None], title: str, labels: Sequence[str], *, height: float = 4.2, legend: bool = True
) -> str:
    if not labels:
        raise InvalidArgument("expected at least one curve")
    require_plots()
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "mien", "text.parse_math": False}
    ink = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "hatch.color")
    with mpl.rc_context(style | dict.fromkeys(ink, _INK)), warnings.catch_warnings():
        # Text stays text: whoever reads it has fonts of their own.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure = Figure(figsize=(6.4, height), layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_visible(False)
        axes = figure.add_subplot()
        axes.patch.set_visible(False)
        axes.grid(color=_INK, alpha=0.12, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        if legend:
            axes.legend(loc="best", frameon=False, fontsize=9)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _embeddable(written.getvalue(), title, labels)


def _embeddable(svg: str, title: str, labels: Sequence[str]) -> str:
    """The picture without what a page of its own would need, its identifiers its own, its ink the page's."""
    body = svg[svg.index("<svg") :]
    body = re.sub(
        r"<metadata>.*?</metadata>|<style type=\"text/css\">.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL
    )
    own = f"plot-{hashlib.sha256(body.encode('utf-8', 'replace')).hexdigest()[:10]}-"
    body = re.sub(r'\bid="', f'id="{own}', body)
    body = re.sub(r'(?:xlink:)?href="#', f'href="#{own}', body).replace("url(#", f"url(#{own}")
    body = body.replace(_INK, "currentColor")
    body = re.sub(r"font: ([\d.]+)px [^;\"]+", r"font: \1px system-ui, sans-serif", body)
    view = re.search(r'viewBox="[^"]+"', body)
    assert view is not None
    described = html.escape(f"{title}: {', '.join(_clean(label) for label in labels)}")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {view[0]} role="img"><title>{described}</title>'
    return head + body[body.index(">") + 1 :].strip()
