import dataclasses

import numpy as np
import pytest

from mien.datasets import Record
from mien.errors import InvalidArgument, NoImages, UnreadableImage
from mien.evaluation import embed
from mien.types import Faces


def faces(*boxes, size=(100, 80)):
    """Faces at these boxes, whose templates tell them apart."""
    count = len(boxes)
    return Faces(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.ones(count, np.float32),
        landmarks=np.zeros((count, 5, 2), np.float32),
        image_size=size,
        image_index=np.zeros(count, np.int64),
        timestamp=np.full(count, np.nan),
        track_id=np.full(count, -1, np.int64),
        templates=np.eye(4, dtype=np.float32)[:count],
        quality=np.linspace(10, 20, count, dtype=np.float32) if count else np.empty(0, np.float32),
        space="s",
    )


class Pipeline:
    """Finds in each file the faces that its bytes name."""

    dimension = 4

    def __init__(self, found):
        self.found = found

    def find_all_indexed(self, sources, *, on_error):
        for index, source in enumerate(sources):
            found = self.found.get(source)
            if found is None:
                on_error(index, UnreadableImage(f"{source}: damaged", source="x"))
            else:
                yield index, np.zeros((2, 2, 3), np.uint8), found


AWAY, MIDDLE = (0, 0, 60, 60), (45, 35, 55, 45)
PIPELINE = Pipeline({b"two": faces(AWAY, MIDDLE), b"one": faces(AWAY), b"none": faces()})


def records(*contents):
    return [Record(f"p{row}", f"c{row}", content) for row, content in enumerate(contents)]


@pytest.mark.parametrize(("face", "row"), [("largest", 0), ("central", 1)])
def test_which_face_is_the_subjects(face, row):
    samples = embed(records(b"two"), PIPELINE, face=face)
    assert samples.templates.tolist() == [np.eye(4)[row].tolist()]
    assert samples.boxes[0].tolist() == list((AWAY, MIDDLE)[row])


def test_what_cannot_be_read_and_what_has_no_face_are_failures():
    samples = embed(records(b"one", b"torn", b"none", b"two"), PIPELINE)
    assert samples.failed.tolist() == [False, True, True, False]
    assert samples.reasons == {1: "b'torn': damaged", 2: "no face"}
    assert np.isnan(samples.quality).tolist() == [False, True, True, False]
    assert not samples.templates[1:3].any()
    assert samples.people.tolist() == ["p0", "p1", "p2", "p3"]


def test_the_hash_is_of_names_people_and_contents(tmp_path):
    given = records(b"one", b"two")
    whole = embed(given, PIPELINE).sha256
    assert embed(given, PIPELINE).sha256 == whole
    changes = [
        records(b"one", b"none"),
        given[::-1],
        [dataclasses.replace(given[0], person="q"), given[1]],
        [dataclasses.replace(given[0], capture="d"), given[1]],
    ]
    assert len({whole, *(embed(changed, PIPELINE).sha256 for changed in changes)}) == 5
    path = tmp_path / "one"
    path.write_bytes(b"one")
    assert embed([dataclasses.replace(given[0], source=path), given[1]], PIPELINE).sha256 == whole


def test_a_file_that_is_gone_is_a_failure(tmp_path):
    samples = embed([Record("p", "c", tmp_path / "gone.jpg")], PIPELINE)
    assert samples.failed.tolist() == [True]
    assert "gone.jpg" in samples.reasons[0]


def test_progress_counts_captures():
    seen = []
    embed(records(b"one", b"two", b"none"), PIPELINE, progress=seen.append)
    assert seen == [1, 2, 3]


def test_nothing_to_embed_is_refused():
    with pytest.raises(NoImages, match="at least one"):
        embed([], PIPELINE)
    with pytest.raises(InvalidArgument, match="central, largest"):
        embed(records(b"one"), PIPELINE, face="smallest")
