import xml.etree.ElementTree as ET

import numpy as np
import pytest

from mien.expression import CLASSES, Timeline
from mien.render import expression_timeline, expressions_to_dict, track_dicts
from mien.types import Faces


def faces(*places, moment=float("nan"), track=-1):
    n = len(places)
    told = np.eye(7, dtype=np.float32)[list(places)] * 0.93 + 0.01
    base = Faces.of([[1, 2, 3, 4]] * n, [0.9] * n, np.zeros((n, 5, 2)), (10, 10), timestamp=moment)
    columns = {name: getattr(base, name) for name in ("boxes", "scores", "landmarks", "image_size", "image_index")}
    return Faces(**columns, timestamp=base.timestamp, track_id=np.full(n, track), extra={"expression": told})


@pytest.fixture
def timeline():
    made = Timeline()
    for track, moments in {0: (0.0, 0.5, 1.0), 2: (1.0,)}.items():
        for moment in moments:
            made.add(faces(track, moment=moment, track=track))
    return made


def test_a_photo_is_a_document_with_names():
    document = expressions_to_dict(faces(3, 6), "a.jpg")
    assert document["timestamp"] is None
    assert [face["expression"] for face in document["faces"]] == ["happy", "neutral"]
    assert document["faces"][0]["track_id"] is None
    assert document["faces"][0]["probabilities"]["happy"] == pytest.approx(0.94)
    assert list(document["faces"][0]["probabilities"]) == list(CLASSES)
    assert expressions_to_dict(faces(), "a.jpg")["faces"] == []


def test_a_track_is_a_document_with_its_timeline(timeline):
    first, second = track_dicts(timeline, "a.mp4")
    assert (first["track_id"], first["start"], first["end"], first["expression"]) == (0, 0.0, 1.25, "angry")
    assert [entry["seconds"] for entry in first["timeline"]] == [0.125, 0.625, 1.125]
    assert second["expression"] == "fear"


@pytest.mark.parametrize("empty", [False, True])
def test_the_plot_is_svg_with_a_row_a_track(timeline, empty):
    picture = ET.fromstring(expression_timeline(Timeline() if empty else timeline))
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert ("track 2" in texts) is not empty
    assert set(CLASSES) <= set(texts)
