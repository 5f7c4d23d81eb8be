import dataclasses
import math
import pickle

import numpy as np
import pytest

from mien.errors import InvalidArgument
from mien.types import Candidate, Decision, Faces


def decision(match=True, label="Ada"):
    candidates = (Candidate("1", label, 0.6, 2), Candidate("2", "Bo", 0.1, 1))
    return Decision(match, 0.6, 0.4, 0.01, "fpir", (0.008, 0.012), "image-person/2-4", candidates=candidates)


def faces(n=3, **columns):
    boxes = np.array([[10 * i, 5, 10 * i + 4 * (i + 1), 14] for i in range(n)], np.float32).reshape(n, 4)
    made = Faces.of(boxes, np.linspace(0.9, 0.7, n), np.zeros((n, 5, 2)), (640, 480), image_index=4)
    full = {
        "templates": np.eye(n, 4, dtype=np.float32),
        "space": "s",
        "quality": np.arange(n, dtype=np.float32),
        "decisions": tuple(decision(i == 0) for i in range(n)),
        "extra": {"age": np.arange(n)},
    }
    return dataclasses.replace(made, **(full | columns))


def test_a_row_shows_every_column():
    face = faces()[1]
    assert face.box.tolist() == [10, 5, 18, 14]
    assert face.score == pytest.approx(0.8)
    assert face.size == pytest.approx(math.sqrt(72))
    assert (face.image_index, face.track_id, face.image_size) == (4, -1, (640, 480))
    assert math.isnan(face.timestamp)
    assert face.template.tolist() == [0, 1, 0, 0]
    assert (face.space, face.quality, face.extra["age"]) == ("s", 1, 1)
    assert face.landmarks.shape == (5, 2)
    assert "Face 1" in repr(face)


def test_only_a_match_has_a_person():
    first, second, _ = faces()
    assert (first.person, second.person) == ("Ada", None)
    assert first.decision
    assert not second.decision
    assert second.decision.candidates[0].label == "Ada"


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        (slice(1, 3), [1, 2]),
        (slice(None, None, -1), [2, 1, 0]),
        (np.array([True, False, True]), [0, 2]),
        (np.array([2, 0]), [2, 0]),
        ([1], [1]),
        (slice(0, 0), []),
    ],
)
def test_a_slice_is_faces_with_all_columns(key, rows):
    whole, part = faces(), faces()[key]
    assert isinstance(part, Faces)
    assert len(part) == len(rows)
    for index, row in enumerate(rows):
        assert np.array_equal(part[index].box, whole[row].box)
        assert np.array_equal(part[index].template, whole[row].template)
        assert part[index].decision == whole[row].decision
        assert part[index].extra == whole[row].extra


@pytest.mark.parametrize("index", [3, -4, 99])
def test_an_index_beyond_the_end_is_an_error(index):
    with pytest.raises(IndexError, match="of 3"):
        faces()[index]


def test_negative_indices_and_iteration_agree():
    whole = faces()
    assert whole[-1].index == 2
    assert [face.index for face in whole] == [0, 1, 2]


def test_the_largest_face():
    assert faces().largest.index == 2
    assert faces(0, decisions=(), extra={}).largest is None


def test_columns_are_read_only_and_the_callers_arrays_are_left_alone():
    boxes = np.zeros((1, 4), np.float32)
    made = Faces.of(boxes, [0.5], np.zeros((1, 5, 2)), (9, 9), extra={"a": np.zeros(1)})
    for column in (made.boxes, made.scores, made.extra["a"], made[0].box):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1
    with pytest.raises(TypeError):
        made.extra["b"] = np.zeros(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.space = "t"
    boxes[0] = 1


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"boxes": np.zeros((2, 4), np.float32)}, r"boxes: expected shape \(3, 4\), got \(2, 4\)"),
        ({"quality": np.zeros(2, np.float32)}, "quality: expected 3 rows"),
        ({"decisions": ()}, "decisions: expected 3 rows"),
        ({"extra": {"age": np.zeros(4)}}, "age.*expected 3 rows"),
        ({"space": None}, "come together"),
        ({"templates": None}, "come together"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns, message):
    with pytest.raises(InvalidArgument, match=message):
        faces(**columns)


def test_faces_travel_between_processes():
    whole = faces()
    copy = pickle.loads(pickle.dumps(whole))
    assert np.array_equal(copy.templates, whole.templates)
    assert copy.decisions == whole.decisions
    assert dict(copy.extra).keys() == {"age"}


def test_no_faces():
    none = Faces.of(np.empty((0, 4)), [], np.empty((0, 5, 2)), (10, 20))
    assert len(none) == 0
    assert list(none) == []
    assert repr(none) == "<Faces: 0 in 10x20>"


@pytest.mark.parametrize("most", [0, 1, 2, 3, 9])
def test_the_largest_faces_come_first(most):
    sizes = np.array([20, 50, 30])
    faces = Faces.of(np.stack([[0, 0, size, size] for size in sizes]), np.ones(3), np.zeros((3, 5, 2)), (100, 100))
    kept, left = faces.largest_first(most)
    expected = sorted([1, 2, 0][:most])
    assert kept.sizes.tolist() == sizes[expected].tolist()
    assert left.sizes.tolist() == [size for row, size in enumerate(sizes) if row not in expected]
