import dataclasses
import io
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from mien.datasets import Record
from mien.errors import UnwritableFile
from mien.evaluation import Evaluation, Provenance, Samples, identify_all, verify_all, verify_pairs
from mien.render import evaluation_to_dict, write_evaluation_report

HOSTILE = '"><script>alert(1)</script>'


def png():
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), "teal").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def samples():
    """Synthetic: seventy people, three captures each; one is missed, one of them has a hostile name."""
    rng = np.random.default_rng(1)
    templates = np.repeat(rng.normal(size=(70, 16)), 3, axis=0) + 0.6 * rng.normal(size=(210, 16))
    templates = (templates / np.linalg.norm(templates, axis=1, keepdims=True)).astype(np.float32)
    failed = np.arange(210) == 5
    templates[failed] = 0
    names = [HOSTILE if row < 3 else f"person{row // 3}" for row in range(210)]
    records = tuple(
        Record(name, f"{name}/{row}.png", png(), {"kind": "x" if row < 120 else HOSTILE})
        for row, name in enumerate(names)
    )
    boxes = np.tile(np.float32([5, 5, 30, 30]), (210, 1))
    return Samples(records, templates, failed, np.full(210, 40, np.float32), boxes, {5: "no face"}, "d" * 64)


@pytest.fixture(scope="module")
def provenance():
    return Provenance(
        protocol="folder",
        title="A folder a person",
        command="mien evaluate verify folder --root people",
        captures=210,
        people=70,
        failed=1,
        data_sha256="d" * 64,
        pipeline="detector/space",
        artefact="runtime/f32",
        weights={"network": "e" * 64},
        calibration=None,
        face="largest",
        weigh="person",
        replicates=50,
        seed=0,
        mien="0.1.0",
        platform="somewhere",
        made="2026-01-02T03:04:05+00:00",
    )


@pytest.fixture(scope="module", params=["all", "pairs", "searches"])
def evaluation(request, samples, provenance):
    if request.param == "all":
        return Evaluation(provenance, samples, verify_all(samples, replicates=50))
    if request.param == "searches":
        return Evaluation(provenance, samples, identify_all(samples, draws=1))
    rows = np.array([[3 * person, 3 * person + 1] for person in range(70)] + [[row, row + 100] for row in range(70)])
    mated = np.arange(140) < 70
    return Evaluation(provenance, samples, verify_pairs(samples, rows, mated, np.arange(140) % 5))


def test_the_report_says_what_it_rests_on_and_runs_nothing(evaluation, tmp_path):
    write_evaluation_report(tmp_path / "r.html", evaluation)
    html = (tmp_path / "r.html").read_text("utf-8")
    for told in (
        "mien evaluate verify folder --root people",
        "d" * 64,
        "e" * 64,
        "detector/space",
        "Failed to acquire",
    ):
        assert told in html
    assert "<script" not in html
    assert "default-src 'none'" in html
    assert html.count("<svg") >= 2
    for svg in html.split("<svg")[1:]:
        ET.fromstring("<svg" + svg.split("</svg>")[0] + "</svg>")


def test_what_may_be_shared_names_and_shows_nobody(evaluation, tmp_path):
    write_evaluation_report(tmp_path / "r.html", evaluation, pictures=False)
    html = (tmp_path / "r.html").read_text("utf-8")
    assert "person1" not in html
    assert "data:image" not in html
    assert "Failed to acquire" in html


def test_mistakes_are_shown_with_their_pictures(samples, provenance, tmp_path):
    evaluation = Evaluation(provenance, samples, verify_all(samples, replicates=20))
    write_evaluation_report(tmp_path / "r.html", evaluation)
    html = (tmp_path / "r.html").read_text("utf-8")
    shown = len(evaluation.result.false_matches) + len(evaluation.result.false_non_matches)
    assert html.count("data:image/jpeg") == 2 * shown
    worst = evaluation.result.false_matches[0]
    assert f"score {worst.score:.3f}" in html


def test_a_picture_that_is_gone_is_told(samples, provenance, tmp_path):
    gone = tuple(dataclasses.replace(record, source=tmp_path / "gone.png") for record in samples.records)
    moved = dataclasses.replace(samples, records=gone)
    write_evaluation_report(tmp_path / "r.html", Evaluation(provenance, moved, verify_all(moved, replicates=20)))
    assert 'class="gone"' in (tmp_path / "r.html").read_text("utf-8")


def test_the_figures_as_json_name_nobody(evaluation):
    text = json.dumps(evaluation_to_dict(evaluation), allow_nan=False)
    assert "person1" not in text
    document = json.loads(text)
    assert document["schema"] == "mien.evaluation/1"
    assert document["task"] == evaluation.task
    assert document["failure_to_acquire"]["errors"] == 1
    assert document["provenance"]["weights"] == {"network": "e" * 64}
    for point in document["operating_points"]:
        rates = [value for value in point.values() if isinstance(value, dict)]
        assert len(rates) == 2
        for rate in rates:
            assert rate["low"] <= rate["value"] <= rate["high"]


def test_nothing_is_left_where_it_cannot_be_written(evaluation, tmp_path):
    with pytest.raises(UnwritableFile):
        write_evaluation_report(tmp_path / "nowhere" / "r.html", evaluation)
    assert list(tmp_path.iterdir()) == []
