import dataclasses
import json

import pytest

from mien import recognition
from mien.cli import main
from mien.errors import UnreadableImage
from mien.recognition.calibration import Calibration
from mien.recognition.points import Comparison, GroupPoint, IdentificationPoint, Population, VerificationPoint

SUPPORTED = VerificationPoint(1e-3, 0.35, 0.0008, 0.0013, 0.021, errors=60, people=45, supported=True)
TOO_LOW = VerificationPoint(1e-5, 0.5, 0.0, 4.2e-5, 0.2, errors=1, people=1, supported=False)
LOWER = VerificationPoint(1e-6, 0.6, 0.0, 4.1e-5, 0.3, errors=0, people=0, supported=False)
SEARCH = IdentificationPoint(50, 0.01, 0.42, 0.008, 0.013, 0.03, errors=40, people=31, supported=True)
CALIBRATION = Calibration(
    "people",
    "pipeline",
    Population("images in people", 1200, 5000, "holds for people like these"),
    {"image-image": Comparison(9000, 12_000_000, (SUPPORTED, TOO_LOW, LOWER), (20.0, -6.0))},
    (SEARCH,),
)


@pytest.fixture
def refit(monkeypatch, files, tmp_path):
    """Stands where fitting would; fails on every file called bad."""
    folder = files("Ada/1.jpg", "Ada/2.jpg", "Bo/bad.jpg")

    def run(given, *, pipeline, groups, progress, on_error):
        assert (given, pipeline) == (folder, "pipeline")
        progress(3, 3)
        for bad in sorted(folder.rglob("bad*")):
            on_error(str(bad), UnreadableImage(f"{bad}: empty file"))
        held = () if groups is None else (GroupPoint("kind", groups["Ada"]["kind"], 40, 1e-3, 4e-3, 3e-3, 6e-3, True),)
        return dataclasses.replace(CALIBRATION, groups=held)

    monkeypatch.setattr(recognition, "refit", run)
    monkeypatch.setattr(recognition, "default_pipeline", lambda: "pipeline")
    monkeypatch.setenv("MIEN_CALIBRATIONS", str(tmp_path / "calibrations"))
    return folder


def test_prints_what_may_be_promised_and_where_that_ends(refit, capsys):
    assert main(["calibrate", "--from", str(refit)]) == 3
    out, err = capsys.readouterr()
    assert out.splitlines()[:6] == [
        "people: 1,200 people, 5,000 images; holds for people like these",
        "",
        "image-image: 9,000 mated and 12,000,000 non-mated comparisons",
        "FMR    threshold  95 % interval     FNMR",
        "0.001  0.350      0.0008 to 0.0013  2.10%",
        "FMR 1e-05 and below: unsupported, too few people; the rate there is at most 4.2e-05",
    ]
    assert "0.01 of 50 people" in out
    assert err.splitlines() == ["mien: 1 of 3 images failed:", f"  {refit}/Bo/bad.jpg: empty file"]


def test_saves_where_decisions_look_first(refit, capsys):
    (refit / "Bo" / "bad.jpg").unlink()
    assert main(["calibrate", "--from", str(refit), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "mien.calibration/1"
    found = recognition.load_calibration("pipeline")
    assert found is not None
    assert found.comparisons["image-image"].points[0] == SUPPORTED


def test_saves_where_told(refit, tmp_path):
    main(["calibrate", "--from", str(refit), "--output", str(tmp_path / "mine.json")])
    assert recognition.load_calibration("pipeline", tmp_path / "mine.json") is not None
    assert not (tmp_path / "calibrations").exists()


def test_warns_where_a_stated_rate_does_not_hold_within_a_group(refit, tmp_path, capsys):
    table = tmp_path / "groups.csv"
    table.write_text("person,kind\nAda,x\nBo,y\n", encoding="utf-8")
    main(["calibrate", "--from", str(refit), "--groups", str(table)])
    out = capsys.readouterr().out
    assert "WARNING: within these groups the stated false match rate does not hold" in out
    assert "kind x  40 people  0.001       0.004      0.003 to 0.006" in out
    saved = recognition.load_calibration("pipeline")
    assert saved is not None
    assert saved.groups[0].exceeds
