"""The demonstration, end to end on real photos: what ``make demo`` runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.weights
@pytest.mark.samples
def test_demo_decides_everything_as_expected(weights, samples, tmp_path):
    command = [sys.executable, str(ROOT / "tools" / "demo.py"), "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    decided = {photo["result"]["source"]: photo["decided"] for photo in report["photos"]}
    assert report["as_expected"] is True
    assert decided["obama2.jpg"] == decided["obama3.jpg"] == ["Barack Obama"]
    assert decided["multi_face.jpg"] == ["unknown"] * 5
    assert decided["free-mountain-vector-01.jpg"] == []
    assert "Barack Obama" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(list((tmp_path / "pictures").glob("*.jpg"))) == len(report["photos"])
    assert {clip["source"]: clip["decided"] for clip in report["clips"]} == {
        "single_face.mp4": ["The man of single_face.jpg"],
        "face_noface.mov": ["The man of single_face.jpg"],
        "no_face.mp4": [],
    }
    for clip in report["clips"]:
        page = (tmp_path / "clips" / f"{Path(clip['source']).stem}.html").read_text(encoding="utf-8")
        assert ("<svg" in page) == bool(clip["decided"])
        assert (tmp_path / "clips" / f"{Path(clip['source']).stem}.mp4").stat().st_size > 10_000
