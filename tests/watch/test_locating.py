import numpy as np
import pytest

from mien.media import Frame
from mien.types import Faces
from mien.watch.locating import located

SIZE = (64, 48)


class Video:
    def __init__(self, greys, *, live=False, step=0.04):
        self.greys, self.live, self.step = greys, live, step

    def __iter__(self):
        for number, grey in enumerate(self.greys):
            yield Frame(np.full((SIZE[1], SIZE[0], 3), grey, np.uint8), number * self.step, number)


class Pipeline:
    """Sees one face, notes which frames it looked at in full, and can lose the face in some."""

    def __init__(self, *, lost=(), empty=False):
        self.lost, self.empty = lost, empty
        self.full = []

    def locate(self, images, indices):
        self.full += indices
        count = 0 if self.empty else 1
        boxes = np.tile([10.0, 10, 30, 34], (count, 1))
        return [Faces.of(boxes, [0.9] * count, np.zeros((count, 5, 2)), SIZE, image_index=indices[0])]

    def follow(self, image, before):
        return None if int(before.image_index[0]) + 1 in self.lost else before


@pytest.mark.parametrize(
    ("video", "pipeline", "full"),
    [
        pytest.param(Video([9] * 12), Pipeline(), [0, 4, 8], id="a batch begins with a full look"),
        pytest.param(Video([9] * 12, live=True), Pipeline(), [0, 4, 8], id="live: every 0.15 s"),
        pytest.param(Video([9] * 3, step=0.2), Pipeline(), [0, 1, 2], id="frames are seldom"),
        pytest.param(Video([9] * 3, live=True, step=-0.2), Pipeline(), [0, 1, 2], id="a clock that goes back"),
        pytest.param(Video([9] * 4), Pipeline(empty=True), [0, 1, 2, 3], id="nobody to follow"),
        pytest.param(Video([9] * 4), Pipeline(lost={2}), [0, 2], id="a face that is lost"),
        pytest.param(Video([9, 9, 99, 99]), Pipeline(), [0, 2], id="another scene"),
    ],
)
def test_full_looks(video, pipeline, full):
    results = list(located(video, pipeline))
    assert sorted(pipeline.full) == full
    assert [result.frame.index for result in results] == list(range(len(video.greys)))
    for result in results:
        assert (result.faces.image_index == result.frame.index).all()


def test_no_videos_frames_are_held_in_number():
    drawn = []

    class Endless(Video):
        def __iter__(self):
            for frame in super().__iter__():
                drawn.append(frame.index)
                yield frame

    frames = located(Endless([9] * 10_000), Pipeline())
    next(frames)
    frames.close()
    assert len(drawn) < 100
