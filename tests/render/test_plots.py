import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from scipy.stats import norm

from mien.errors import InvalidArgument
from mien.render.plots import (
    Curve,
    _probit,
    cmc_plot,
    det_plot,
    edc_plot,
    fnir_plot,
    rate_plot,
    response_plot,
    score_plot,
)

X = np.geomspace(1e-5, 0.9, 3000)
BANDED = Curve("this set", X, 0.5 * (1 - X) ** 3, 0.4 * (1 - X) ** 3, 0.6 * (1 - X) ** 3)
EDGES = np.linspace(-1, 1, 33)

PLOTS = {
    "det": lambda label: det_plot([Curve(label, X, 1 - X)], points=[(1e-3, 0.2)], supported_from=1e-4),
    "fnir": lambda label: fnir_plot([Curve(label, X, 1 - X, 1 - X, 1 - X)]),
    "edc": lambda label: edc_plot([Curve(label, [0, 0.3, 0.9], [0.2, 0.1, 0.0])]),
    "cmc": lambda label: cmc_plot([Curve(label, [1, 2, 3], [0.8, 0.9, 1.0])]),
    "rates": lambda label: rate_plot(
        [(label, 0.1, 0.05, 0.2, True), ("b", 0.2, 0.0, 0.9, False)], name="FMR", stated=0.1
    ),
    "response": lambda label: response_plot(
        [Curve(label, [-1, 0, 2], [0.1, 0.0, 0.4], [0, 0, 0.2], [0.3, 0.1, 0.5])],
        dose="dose, mm",
        response="loss, points",
    ),
    "scores": lambda label: score_plot((EDGES, np.ones(32)), (EDGES, np.ones(32)), thresholds=[(0.2, label)]),
}


@pytest.fixture(params=PLOTS)
def plot(request):
    return PLOTS[request.param]


def test_a_picture_that_a_page_may_hold(plot):
    svg = plot("people")
    root = ET.fromstring(svg)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags & {"script", "style", "foreignObject", "image", "metadata"} == set()
    attributes = [(name, value) for element in root.iter() for name, value in element.attrib.items()]
    assert not [name for name, _ in attributes if name.lower().startswith("on")]
    assert not [value for name, value in attributes if "http" in value and "xmlns" not in name]
    assert root.attrib["role"] == "img"
    assert "width" not in root.attrib
    assert root[0].tag.endswith("title")
    assert len(svg) < 150_000


def test_text_is_text_and_ink_is_the_pages(plot):
    svg = plot("people")
    assert "people" in re.sub(r"<title>.*?</title>", "", svg) or "rate" in svg
    assert "<text" in svg
    assert "currentColor" in svg
    assert "#000000" not in svg


def test_the_same_figures_give_the_same_bytes(plot):
    assert plot("people") == plot("people")


def test_two_plots_on_a_page_do_not_share_identifiers():
    first, second = (set(re.findall(r'\bid="([^"]+)"', PLOTS[name]("a"))) for name in ("det", "fnir"))
    assert first
    assert first & second == set()
    for svg in (PLOTS["det"]("a"), PLOTS["fnir"]("a")):
        known = set(re.findall(r'\bid="([^"]+)"', svg))
        assert set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg)) <= {(one, "") for one in known} | {
            ("", one) for one in known
        }


@pytest.mark.parametrize(
    "label",
    [
        "<script>alert(1)</script>",
        "$\\frac{a}{b}$ $",
        "a\nb\x00c",
        "\ud800 lone",
        "quotes \" and ' and &amp;",
        "x" * 500,
        "_hidden",
        "\N{CJK UNIFIED IDEOGRAPH-4EBA}\N{GRINNING FACE}\N{ARABIC LETTER SEEN}",
    ],
)
def test_hostile_labels_are_only_text(plot, label):
    svg = plot(label)
    ET.fromstring(svg.encode("utf-8"))
    assert "<script" not in svg
    assert "x" * 41 not in svg


def test_probit_is_that_of_the_normal_distribution():
    rates = np.array([1e-6, 0.01, 0.5, 0.99])
    assert _probit(rates) == pytest.approx(norm.ppf(rates), abs=1e-12)


def test_rates_of_nothing_and_of_all_are_drawn_at_the_end_of_the_axis():
    svg = det_plot([Curve("a", [0.0, 0.01, 0.5, 1.0], [1.0, 0.2, 0.1, 0.0])])
    assert "nan" not in svg.lower()
    assert "inf" not in re.sub(r"<title>.*?</title>", "", svg).lower()


def test_a_kind_of_which_every_face_was_missed_has_no_density():
    for mated in (np.ones(32), np.zeros(32)):
        ET.fromstring(score_plot((EDGES, mated), (EDGES, np.zeros(32)), thresholds=[(-np.inf, "a")]))


@pytest.mark.parametrize("supported_from", [1.0, 0.9, 1e-9, None])
def test_data_that_support_nothing_are_drawn_all_the_same(supported_from):
    svg = det_plot([Curve("a", [0.05, 0.5, 0.9], [0.2, 0.1, 0.05])], supported_from=supported_from)
    ET.fromstring(svg)
    assert "nan" not in svg.lower()


def test_many_points_are_thinned_to_what_can_be_seen():
    x = np.geomspace(1e-6, 1, 200_000)
    svg = det_plot([Curve("a", x, 1 - x, 0.9 * (1 - x), np.minimum(1.1 * (1 - x), 1))])
    assert len(svg) < 150_000


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: det_plot([]), "at least one", id="no curve"),
        pytest.param(lambda: det_plot([Curve("a", [0.1], [0.1, 0.2])]), "one length", id="columns"),
        pytest.param(lambda: det_plot([Curve("a", [], [])]), "one length", id="no point"),
        pytest.param(lambda: fnir_plot([Curve("a", [0.1], [np.nan])]), "finite", id="nan"),
        pytest.param(lambda: score_plot(([0.0], []), (EDGES, np.ones(32))), "counts", id="no bin"),
        pytest.param(lambda: score_plot((EDGES, np.ones(31)), (EDGES, np.ones(32))), "one edge more", id="edges"),
        pytest.param(lambda: rate_plot([], name="FMR"), "at least one", id="no row"),
    ],
)
def test_nothing_to_draw_is_refused(call, message):
    with pytest.raises(InvalidArgument, match=message):
        call()


def test_without_the_extra_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(Exception, match=r"mien\[evaluate\]"):
        det_plot([BANDED])
