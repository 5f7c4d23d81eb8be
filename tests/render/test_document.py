import dataclasses
import json

import numpy as np
import pytest

from mien.errors import UnwritableFile
from mien.render import decision_to_dict, faces_to_dict, write_jsonl

from .conftest import MATCHED, NOTHING, UNCALIBRATED, faces_at


def test_document(three):
    document = faces_to_dict(three, "party.jpg")
    json.dumps(document, allow_nan=False)
    assert document["schema"] == "mien.faces/1"
    assert document["source"] == "party.jpg"
    assert document["image"] == {"width": 640, "height": 480}
    first = document["faces"][0]
    assert set(first) == {
        "index", "image_index", "timestamp", "track_id", "box", "box_normalised", "landmarks", "detection_score",
        "quality", "extra", "person", "decision",
    }  # fmt: skip
    assert first["box"] == {"left": 60, "top": 120, "right": 160, "bottom": 250}
    assert first["box_normalised"] == {"left": 0.09375, "top": 0.25, "right": 0.25, "bottom": 0.52083}
    assert first["landmarks"][0] == [90, 172]
    assert first["detection_score"] == 0.9
    assert first["quality"] == 90
    assert first["timestamp"] is None
    assert first["track_id"] is None
    assert [face["person"] for face in document["faces"]] == ["Ada Lovelace", None, None]


def test_decision():
    assert decision_to_dict(MATCHED) == {
        "match": True,
        "person": {"person_id": "p-1", "label": "Ada Lovelace"},
        "score": 0.71,
        "threshold": 0.363,
        "rate": 0.01,
        "rate_kind": "fpir",
        "interval": [0.006, 0.015],
        "comparison": "image-person/2-4",
        "llr": 8.25,
        "reasons": [],
        "candidates": [
            {"person_id": "p-1", "label": "Ada Lovelace", "score": 0.71, "samples": 3},
            {"person_id": "p-2", "label": "Charles Babbage", "score": 0.1, "samples": 1},
        ],
        "calibration": "celebrities",
    }


def test_what_is_infinite_or_missing_is_null():
    assert decision_to_dict(UNCALIBRATED)["threshold"] is None
    assert decision_to_dict(UNCALIBRATED)["calibration"] is None
    assert decision_to_dict(NOTHING)["score"] is None
    broken = faces_at([(0, 0, np.nan, np.inf)], (20, 20))
    assert faces_to_dict(broken, "a")["faces"][0]["box"] == {"left": 0, "top": 0, "right": None, "bottom": None}


def test_extra_columns_of_any_kind(three):
    extra = {
        "yaw": np.array([1.5, np.nan, 3], np.float32),
        "mask": np.zeros((3, 2), bool),
        "name": np.array(["a", "b", "c"]),
        "seen": np.array([np.datetime64("2026-01-01")] * 3),
    }
    document = faces_to_dict(dataclasses.replace(three, extra=extra), "a")
    json.dumps(document, allow_nan=False)
    assert document["faces"][1]["extra"] == {"mask": [False, False], "name": "b", "seen": "2026-01-01", "yaw": None}


def test_templates_only_where_asked_for(three):
    faces = dataclasses.replace(three, templates=np.eye(3, 4, dtype=np.float32), space="s")
    assert "template" not in json.dumps(faces_to_dict(faces, "a"))
    document = faces_to_dict(faces, "a", templates=True)
    assert document["space"] == "s"
    assert document["faces"][1]["template"] == [0, 1, 0, 0]


def test_no_face():
    assert faces_to_dict(faces_at([], (20, 10)), "a")["faces"] == []


def test_write_jsonl(three, tmp_path):
    path = tmp_path / "out.jsonl"
    write_jsonl(path, ((name, three) for name in ("é.jpg", "two\nlines.jpg", "caf\udce9.jpg")))
    lines = path.read_bytes().splitlines()
    assert [json.loads(line)["source"] for line in lines] == ["é.jpg", "two\nlines.jpg", "caf\udce9.jpg"]


def test_write_jsonl_where_it_cannot(three, tmp_path):
    with pytest.raises(UnwritableFile, match="no such folder"):
        write_jsonl(tmp_path / "nowhere" / "out.jsonl", [("a", three)])
