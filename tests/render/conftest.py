import dataclasses

import numpy as np
import pytest

from mien.types import Candidate, Decision, Faces


def decision(match=False, score=0.71, reasons=(), label="Ada Lovelace", **changes):
    known = (Candidate("p-1", label, score, 3), Candidate("p-2", "Charles Babbage", 0.1, 1))
    values = {
        "match": match,
        "score": score,
        "threshold": 0.363,
        "rate": 0.01,
        "rate_kind": "fpir",
        "interval": (0.006, 0.015),
        "comparison": "image-person/2-4",
        "llr": 8.25,
        "reasons": reasons,
        "candidates": known,
        "calibration": "celebrities",
    }
    return Decision(**values | changes)


MATCHED = decision(True)
UNKNOWN = decision(score=0.18)
REFUSED = decision(score=0.44, reasons=("too_small", "blurred"))
UNCALIBRATED = decision(
    score=0.5, threshold=float("inf"), interval=(0.0, 1.0), llr=None, reasons=("uncalibrated",), calibration=None
)
NOTHING = decision(score=float("-inf"), llr=None, candidates=())


def faces_at(boxes, size, decisions=None, **columns):
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    extent = boxes[:, None, 2:] - boxes[:, None, :2]
    points = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
    faces = Faces.of(boxes, np.full(len(boxes), 0.9), boxes[:, None, :2] + points * extent, size)
    return dataclasses.replace(faces, decisions=None if decisions is None else tuple(decisions), **columns)


@pytest.fixture
def three():
    """A matched, an unknown and a refused face in a picture of 640 x 480."""
    boxes = [(60, 120, 160, 250), (260, 120, 360, 250), (460, 120, 560, 250)]
    return faces_at(boxes, (640, 480), (MATCHED, UNKNOWN, REFUSED), quality=np.array([90, 80.5, 7], np.float32))


@pytest.fixture
def grey():
    return np.full((480, 640, 3), 128, np.uint8)
