import json
import math

import pytest

from mien.cli import main
from mien.types import Decision


@pytest.fixture
def decide(monkeypatch):
    calls = []

    def install(**fields):
        defaults = {"match": True, "score": 0.7, "threshold": 0.4, "rate": 1e-3, "rate_kind": "fmr",
                    "interval": (0.0005, 0.002), "comparison": "image-image", "llr": 5.0}  # fmt: skip

        def verify(a, b, *, fmr, pipeline):
            assert pipeline is None
            calls.append((str(a), str(b), fmr))
            return Decision(**defaults | fields)

        monkeypatch.setattr("mien.verify", verify, raising=False)
        return calls

    return install


def test_match_exits_0(decide, capsys):
    calls = decide()
    assert main(["verify", "a.jpg", "b.jpg", "--fmr", "1e-3"]) == 0
    assert calls == [("a.jpg", "b.jpg", 1e-3)]
    assert capsys.readouterr().out.splitlines() == [
        "match",
        "  score 0.700 >= threshold 0.400",
        "  at a false match rate of 0.001 (95 % interval 0.0005 to 0.002)",
    ]


def test_no_match_exits_1_and_gives_reasons(decide, capsys):
    decide(match=False, score=0.1, reasons=("blurred", "too_dark"))
    assert main(["verify", "a.jpg", "b.jpg"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("no match\n  score 0.100 < threshold 0.400\n")
    assert out.endswith("  reasons: blurred, too_dark\n")


def test_uncalibrated_shows_no_threshold(decide, capsys):
    decide(match=False, threshold=math.inf, interval=(0.0, 1.0), reasons=("uncalibrated",))
    assert main(["verify", "a.jpg", "b.jpg"]) == 1
    assert capsys.readouterr().out == "no match\n  score 0.700, no threshold\n  reasons: uncalibrated\n"


def test_json_is_strict(decide, capsys):
    decide(match=False, score=-math.inf, threshold=math.inf, llr=None)
    assert main(["verify", "a.jpg", "b.jpg", "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (document["schema"], document["sources"]) == ("mien.verification/1", ["a.jpg", "b.jpg"])
    assert document["decision"]["match"] is False


def test_another_recogniser_may_be_asked(monkeypatch, capsys):
    from mien import recognition
    from mien.types import Decision

    asked = []

    def verify(a, b, *, fmr, pipeline):
        asked.append(pipeline)
        return Decision(False, 0.1, 0.4, fmr, "fmr", (0.0, 1.0), "image-image")

    monkeypatch.setattr(recognition, "pipeline_for", lambda name: f"pipeline of {name}")
    monkeypatch.setattr("mien.verify", verify, raising=False)
    assert main(["verify", "a.jpg", "b.jpg", "--recogniser", "dlib"]) == 1
    assert asked == ["pipeline of dlib"]
