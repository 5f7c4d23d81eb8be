import itertools
import re
from xml.etree import ElementTree as ET

import pytest

from mien.render import TimelineRow, timeline
from mien.render.timeline import ticks
from mien.render.words import Verdict

SVG = "{http://www.w3.org/2000/svg}"
MATCHED, UNKNOWN = Verdict.MATCHED, Verdict.UNKNOWN


def drawn(rows, start=0.0, end=60.0):
    root = ET.fromstring(timeline(rows, start, end))
    assert not [element.tag for element in root.iter() if element.tag in {f"{SVG}script", f"{SVG}image", f"{SVG}a"}]
    return root


def bars(root):
    return [element for element in root.iter(f"{SVG}rect") if element.get("class", "").startswith("bar")]


def names(root):
    return [text.text.strip("\u2068\u2069") for text in root.iter(f"{SVG}text") if text.get("class") != "soft"]


def times(root):
    return [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "soft"]


def test_rows_bars_and_tooltips():
    root = drawn([TimelineRow("Ada", MATCHED, [(6.0, 12.0), (30.0, 60.0)])])
    assert names(root) == ["Ada"]
    assert [(bar.get("x"), bar.get("width")) for bar in bars(root)] == [("10%", "10%"), ("50%", "50%")]
    assert [bar.find(f"{SVG}title").text for bar in bars(root)] == [
        "\u2068Ada\u2069, 0:06 to 0:12",
        "\u2068Ada\u2069, 0:30 to 1:00",
    ]
    assert times(root) == ["0:00", "0:15", "0:30", "0:45", "1:00"]


def test_it_is_told_in_words_too():
    root = drawn([TimelineRow("Ada", MATCHED, [(6.0, 12.0), (30.0, 60.0)])])
    told = {element.get("id"): element.text for element in root if element.get("id")}
    assert root.get("role") == "img"
    assert set(root.get("aria-labelledby").split()) == set(told)
    assert told["timeline-text"] == "\u2068Ada\u2069: 0:06 to 1:00, 2 times."


def test_people_come_first_then_by_when_they_were_seen():
    rows = [
        TimelineRow("unknown, track 3", UNKNOWN, [(0.0, 50.0)]),
        TimelineRow("Bo", MATCHED, [(20.0, 50.0)]),
        TimelineRow("Ada", MATCHED, [(10.0, 11.0)]),
    ]
    assert names(drawn(rows)) == ["Ada", "Bo", "unknown, track 3"]


def test_those_who_are_too_many_share_a_row():
    rows = [
        TimelineRow(f"unknown, track {i}", UNKNOWN, [(i / 10, i / 10 + (9 if i < 11 else 0.05))]) for i in range(500)
    ]
    rows += [TimelineRow(f"P{i}", MATCHED, [(i, i + 1.0)]) for i in range(60)]
    root = drawn(rows)
    assert names(root) == [*(f"P{i}" for i in range(60)), *(f"unknown, track {i}" for i in range(11)),
                           "489 more unknown tracks"]  # fmt: skip
    assert len(timeline(rows, 0.0, 60.0)) < 60_000


def test_a_day_of_glances_stays_small_and_visible():
    spans = [(10.0 * i, 10.0 * i + 1) for i in range(8640)]
    root = drawn([TimelineRow("Ada", MATCHED, spans)], 0.0, 86400.0)
    assert len(bars(root)) <= 601
    glance = drawn([TimelineRow("Ada", MATCHED, [(43200.0, 43200.0), (86400.0, 86400.0)])], 0.0, 86400.0)
    for bar in bars(glance):
        assert float(bar.get("width").rstrip("%")) >= 0.6
        assert float(bar.get("x").rstrip("%")) + float(bar.get("width").rstrip("%")) <= 100.01
    assert times(glance) == ["0:00", "6:00:00", "12:00:00", "18:00:00", "24:00:00"]


@pytest.mark.parametrize("name", ["<script>alert(1)</script>\"'&", "a\u202eb\x1b[0m", "x" * 500, "שרה לוי", "阿达", ""])
def test_any_name(name):
    root = drawn([TimelineRow(name, MATCHED, [(1.0, 2.0)])])
    (shown,) = names(root)
    assert len(shown) <= 40
    assert shown.isprintable()
    title = bars(root)[0].find(f"{SVG}title").text
    assert title.endswith(", 0:01 to 0:02")
    assert len(title) > len(name)


@pytest.mark.parametrize(("start", "end"), [(0.0, 0.0), (5.0, 5.0), (5.0, 4.0)])
def test_a_video_without_length(start, end):
    root = drawn([TimelineRow("Ada", MATCHED, [(start, start)])], start, end)
    assert len(bars(root)) == 1
    assert times(root)


def test_nobody():
    root = drawn([], 0.0, 12.5)
    assert bars(root) == []
    assert "Nobody was seen from 0:00 to 0:12.5." in timeline([], 0.0, 12.5)


@pytest.mark.parametrize("end", [0.1, 0.3, 1.0, 7.0, 18.88, 59.9, 61.0, 599.0, 3601.0, 40_000.0, 86_400.0, 1e6, 4e7])
@pytest.mark.parametrize("start", [0.0, 3.7])
def test_ticks_are_few_round_and_within(start, end):
    marks = ticks(start, start + end)
    assert 1 <= len(marks) <= 6
    assert all(start - 1e-6 <= mark <= start + end + 1e-6 for mark in marks)
    steps = {round(after - before, 6) for before, after in itertools.pairwise(marks)}
    assert len(steps) <= 1
    assert all(re.fullmatch(r"(1|2|5|10|15|20|30)(\.0)?|0\.[125]", f"{step}") or step % 60 == 0 for step in steps)
