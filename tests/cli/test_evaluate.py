import io
import json

import numpy as np
import pytest
from PIL import Image

from mien.cli._app import main
from mien.evaluation import Samples


def photo(path, seed):
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 255, (12, 12, 3)).astype(np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    small.resize((96, 96), Image.Resampling.BICUBIC).save(path)


@pytest.fixture
def sides(tmp_path):
    for seed in range(4):
        photo(tmp_path / "training" / "ada" / f"{seed}.png", seed)
        photo(tmp_path / "test" / "bob" / f"{seed}.png", 10 + seed)
    return tmp_path


def test_sides_that_share_nothing(sides, capsys):
    assert main(["evaluate", "leaks", str(sides / "training"), str(sides / "test"), "--people"]) == 0
    assert capsys.readouterr().out == "4 images against 4\n0 subject, 0 identical, 0 near-duplicate, 0 augmented\n"


def test_what_both_sides_share_is_listed(sides, capsys):
    with Image.open(sides / "training" / "ada" / "2.png") as image:
        image.convert("RGB").save(sides / "test" / "bob" / "copy.jpg", quality=60)
    photo(sides / "test" / "ada" / "new.png", 99)
    assert main(["evaluate", "leaks", str(sides / "training"), str(sides / "test"), "--people"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "4 images against 6"
    assert lines[1].split() == ["subject", "ada/0.png", "ada/new.png"]
    assert lines[2].split()[:3] == ["near-duplicate", "ada/2.png", "bob/copy.jpg"]
    assert lines[3] == "1 subject, 0 identical, 1 near-duplicate, 0 augmented"
    assert main(["evaluate", "leaks", str(sides / "training"), str(sides / "test"), "--format", "json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == {"subject": 0, "identical": 0, "near-duplicate": 1, "augmented": 0}


def test_an_image_that_cannot_be_read_is_told(sides, capsys):
    (sides / "test" / "bob" / "torn.png").write_bytes(b"torn")
    assert main(["evaluate", "leaks", str(sides / "training"), str(sides / "test")]) == 3
    assert "1 of 9 images failed" in capsys.readouterr().err


@pytest.fixture
def embedded(monkeypatch):
    """Synthetic templates in the place of the pipeline's: whom an image shows is told by its folder."""

    def embed(records, pipeline, *, face, progress):
        records = tuple(records)
        rng = np.random.default_rng(0)
        people = np.array([record.person or "" for record in records])
        means = {name: rng.normal(size=16) for name in sorted(set(people))}
        templates = np.array([means[name] for name in people]) + 0.6 * rng.normal(size=(len(people), 16))
        templates = (templates / np.linalg.norm(templates, axis=1, keepdims=True)).astype(np.float32)
        failed = np.zeros(len(records), bool)
        progress(len(records))
        boxes = np.tile(np.float32([4, 4, 20, 20]), (len(records), 1))
        return Samples(records, templates, failed, np.full(len(records), 50, np.float32), boxes, {}, "a" * 64)

    class Pipeline:
        name, artefact = "synthetic", "numpy/f32"

    monkeypatch.setattr("mien.evaluation.evaluation.embed", embed)
    monkeypatch.setattr("mien.evaluation.evaluation.pipeline_for", lambda _: Pipeline())


@pytest.fixture
def people(tmp_path):
    buffer = io.BytesIO()
    Image.new("RGB", (24, 24), "teal").save(buffer, "PNG")
    for person in range(70):
        for capture in range(3):
            path = tmp_path / "people" / f"person{person:02d}" / f"{capture}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(buffer.getvalue())
    return tmp_path / "people"


def test_a_report_with_its_figures_and_scores(embedded, people, tmp_path, capsys):
    report = tmp_path / "report.html"
    assert main(["evaluate", "verify", "folder", "--root", str(people), "--output", str(report)]) == 0
    said = capsys.readouterr().out
    assert "210 mated and 21,735 non-mated comparisons" in said
    html = report.read_text("utf-8")
    assert "mien evaluate verify folder --root people --output report.html" in html
    assert str(tmp_path) not in html
    assert "person0" in html
    assert html.count("<svg") == 3
    assert "<script" not in html
    document = json.loads(report.with_suffix(".json").read_text("ascii"))
    assert document["schema"] == "mien.evaluation/1"
    assert document["comparisons"] == {"mated": 210, "non_mated": 21735}
    assert report.with_suffix(".npz").is_file()


def test_rates_by_group(embedded, people, tmp_path, capsys):
    table = tmp_path / "groups.csv"
    rows = [f"person{person:02d},{'x' if person < 40 else 'y'}" for person in range(70)]
    table.write_text("\n".join(["person,kind", *rows]), encoding="utf-8")
    report = tmp_path / "report.html"
    arguments = ["evaluate", "verify", "folder", "--root", str(people), "--groups", str(table), "--output", str(report)]
    assert main(arguments) == 0
    assert "by kind" in capsys.readouterr().out
    (found,) = json.loads(report.with_suffix(".json").read_text("ascii"))["groups"]
    assert [(one["group"], one["people"]) for one in found["groups"]] == [("x", 40), ("y", 30)]
    assert found["groups"][0]["fmr"]["trials"] == 40 * 39 // 2 * 9
    assert report.read_text("utf-8").count("<svg") == 4
    table.write_text("\n".join(["person,kind", *rows[:-1]]), encoding="utf-8")
    assert main(arguments) == 3
    assert "add a row" in capsys.readouterr().err


def test_a_report_that_may_be_shared_names_and_shows_nobody(embedded, people, tmp_path):
    report = tmp_path / "report.html"
    arguments = ["evaluate", "verify", "folder", "--root", str(people), "--output", str(report), "--no-images"]
    assert main(arguments) == 0
    for path in (report, report.with_suffix(".json")):
        text = path.read_text("utf-8")
        assert "person0" not in text
        assert "data:image" not in text


def test_searches(embedded, people, tmp_path, capsys):
    report = tmp_path / "report.html"
    arguments = ["evaluate", "identify", "folder", "--root", str(people), "--output", str(report), "--format", "json"]
    assert main(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["task"] == "identification"
    assert [gallery["people"] for gallery in document["galleries"]] == [10, 69]
    assert json.loads(report.with_suffix(".json").read_text("ascii")) == document
    assert not report.with_suffix(".npz").exists()


def test_a_system_is_compared_with_itself(embedded, people, tmp_path, capsys):
    report = tmp_path / "a.html"
    assert main(["evaluate", "verify", "folder", "--root", str(people), "--output", str(report)]) == 0
    capsys.readouterr()
    scores = str(report.with_suffix(".npz"))
    assert main(["evaluate", "compare", scores, scores]) == 0
    assert "cannot tell" in capsys.readouterr().out
    assert main(["evaluate", "compare", scores, scores, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["fnmr_differences"][0] == {"fmr": 0.01, "value": 0, "low": 0, "high": 0}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        pytest.param(["verify", "lfw", "--root", "nowhere"], 3, "nowhere", id="no such folder"),
        pytest.param(["identify", "lfw", "--root", "."], 2, "has no gallery", id="pairs have no gallery"),
        pytest.param(["verify", "folder", "--root", ".", "--images", "a"], 2, "leave it out", id="no choice of images"),
        pytest.param(["verify", "folder", "--root", ".", "--output", "a.json"], 2, "like report.html", id="no HTML"),
        pytest.param(["verify", "lfw", "--root", ".", "--output", "no/a.html"], 2, "no such folder", id="no folder"),
        pytest.param(["identify", "frll", "--root", ".", "--output", "a"], 2, "like report.html", id="no suffix"),
        pytest.param(["compare", "nowhere.npz", "nowhere.npz"], 2, "expected scores", id="no scores"),
    ],
)
def test_what_cannot_be_evaluated_is_told(arguments, status, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *arguments]) == status
    assert message in capsys.readouterr().err


def test_the_choices_are_the_protocols():
    from mien.cli import evaluate
    from mien.datasets import PROTOCOLS

    assert sorted(evaluate.PROTOCOLS) == sorted(PROTOCOLS)
