import re

import pytest

from mien.render.words import Verdict, clock, number, rate_meaning, title, verdict

from .conftest import MATCHED, NOTHING, REFUSED, UNCALIBRATED, UNKNOWN, decision, faces_at


@pytest.mark.parametrize(
    ("made", "state", "words"),
    [
        (None, Verdict.FOUND, ""),
        (MATCHED, Verdict.MATCHED, "Ada Lovelace"),
        (decision(True, candidates=()), Verdict.MATCHED, "match"),
        (UNKNOWN, Verdict.UNKNOWN, "unknown"),
        (NOTHING, Verdict.UNKNOWN, "unknown"),
        (REFUSED, Verdict.REFUSED, "refused: too small, blurred"),
        (UNCALIBRATED, Verdict.REFUSED, "refused: not calibrated"),
        (decision(reasons=("undecided",)), Verdict.FOUND, ""),
        (decision(reasons=("likely_attack",)), Verdict.REFUSED, "refused: likely attack"),
    ],
)
def test_verdict_and_title(made, state, words):
    face = faces_at([(0, 0, 9, 9)], (20, 20), None if made is None else [made])[0]
    assert verdict(made) is state
    assert title(face) == words


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (MATCHED, "false positive identification rate of 0.01: .* not in this gallery, about 1 in 100 "),
        (decision(rate=1e-4, rate_kind="fmr"), "false match rate of 0.0001: .* different people, about 1 in 10,000 "),
        (decision(rate=0.8), "a share of 0.8 would"),
        (decision(comparison="track-person/5+"), "of tracks of people who are not in this gallery"),
        (UNCALIBRATED, "^$"),
    ],
)
def test_rate_meaning(made, words):
    assert re.search(words, rate_meaning(made))
    assert "%" not in rate_meaning(made)


DASH = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.12345, 3, "0.123"), (98.4, 0, "98"), (None, 3, DASH), (float("-inf"), 3, DASH), (float("nan"), 3, DASH)],
)
def test_number(value, digits, text):
    assert number(value, digits) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (12.34, "0:12.3"),
        (59.96, "1:00"),
        (61.5, "1:01.5"),
        (3599.99, "1:00:00"),
        (3723.4, "1:02:03"),
        (86400, "24:00:00"),
        (-0.01, "0:00"),
        (-1.5, "-0:01.5"),
        (float("nan"), DASH),
    ],
)
def test_clock(seconds, text):
    assert clock(seconds) == text
