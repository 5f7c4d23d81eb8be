import numpy as np
import pytest

from mien.render import annotate
from mien.render.annotation import COLOURS
from mien.render.words import Verdict

from .conftest import MATCHED, NOTHING, REFUSED, UNCALIBRATED, UNKNOWN, decision, faces_at


def near(image, colour, tolerance=24):
    return np.abs(image.astype(int) - colour).max(axis=-1) <= tolerance


def drawn(image, before):
    return (image != before).any(axis=-1)


def sides(made, size=480):
    """Which of the pixels along the left side of a large face's box bear its colour."""
    image = np.full((size, size, 3), 128, np.uint8)
    out = annotate(image, faces_at([(100, 100, 380, 400)], (size, size), None if made is None else [made]))
    state = {None: Verdict.FOUND, MATCHED: Verdict.MATCHED, UNKNOWN: Verdict.UNKNOWN, REFUSED: Verdict.REFUSED}[made]
    return near(out[150:350, 96:105], COLOURS[state].line).any(axis=1)


def test_the_outline_alone_tells_the_verdicts_apart():
    assert sides(MATCHED).all()
    assert sides(None).all()
    middle = sides(UNKNOWN)[60:140]
    assert not middle.any()
    dashes = np.count_nonzero(np.diff(sides(REFUSED).astype(int)) == 1)
    assert dashes >= 5


def test_colours_are_apart_in_grey_too():
    luma = sorted(float(np.dot(c.line, (0.299, 0.587, 0.114))) for c in COLOURS.values() if c is not COLOURS["found"])
    assert min(np.diff(luma)) > 30


@pytest.mark.parametrize("state", COLOURS)
def test_text_on_chips_is_legible(state):
    def luminance(colour):
        channels = np.array(colour) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    light, dark = sorted((luminance(COLOURS[state].chip), luminance(COLOURS[state].text)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_the_image_is_not_touched(three, grey):
    before = grey.copy()
    out = annotate(grey, three)
    np.testing.assert_array_equal(grey, before)
    assert out.shape == grey.shape
    assert out.dtype == np.uint8
    assert drawn(out, grey).any()


def test_read_only_images_and_views(three, grey):
    grey.flags.writeable = False
    np.testing.assert_array_equal(annotate(grey[:, ::-1], three), annotate(grey, three))


def test_no_face_no_change(grey):
    np.testing.assert_array_equal(annotate(grey, faces_at([], (640, 480))), grey)


def test_only_the_neighbourhood_of_faces_is_drawn_on(three, grey):
    changed = drawn(annotate(grey, three), grey)
    assert not changed[320:].any()
    assert not changed[:60].any()


@pytest.mark.parametrize("scale", [0.25, 1, 8])
def test_lines_and_chips_follow_the_picture(scale):
    size = round(480 * scale)
    image = np.full((size, size, 3), 128, np.uint8)
    box = tuple(edge * scale for edge in (120, 120, 360, 400))
    out = annotate(image, faces_at([box], (size, size), [MATCHED]))
    line = np.count_nonzero(near(out[size // 2, : size // 2], COLOURS[Verdict.MATCHED].line))
    chip = np.count_nonzero(near(out, COLOURS[Verdict.MATCHED].chip).any(axis=1))
    assert 0.004 < line / size < 0.02
    assert 0.03 * size < chip < max(0.16 * size, 30)


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (16, 16), (40, 30), (150, 150)])
@pytest.mark.parametrize("made", [None, MATCHED, REFUSED, NOTHING, UNCALIBRATED])
def test_small_pictures(size, made):
    width, height = size
    image = np.full((height, width, 3), 128, np.uint8)
    out = annotate(image, faces_at([(0, 0, width, height)], size, None if made is None else [made]))
    assert out.shape == image.shape


@pytest.mark.parametrize(
    "box",
    [
        pytest.param((-80, -60, 700, 520), id="beyond every border"),
        pytest.param((1000, 1000, 1100, 1100), id="outside"),
        pytest.param((50, 50, 50, 50), id="empty"),
        pytest.param((90, 90, 50, 50), id="inside out"),
        pytest.param((np.nan, 0, 10, 10), id="undefined"),
        pytest.param((0, 0, np.inf, 10), id="infinite"),
        pytest.param((-1e9, -1e9, 1e9, 1e9), id="huge"),
    ],
)
@pytest.mark.parametrize("made", [None, MATCHED, UNKNOWN, REFUSED])
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_odd_boxes(box, made, grey):
    faces = faces_at([box], (640, 480), None if made is None else [made])
    assert annotate(grey, faces).shape == grey.shape


def test_a_face_beyond_the_border_still_shows(grey):
    out = annotate(grey, faces_at([(-80, -60, 700, 520)], (640, 480), [MATCHED]))
    assert near(out[240], COLOURS[Verdict.MATCHED].line).any()


@pytest.mark.parametrize("label", ["Zoë Łukasz", "李小龍", "محمد", "x" * 5000, "a\nb", "\U0001f600", "100 %", "\x00"])
def test_any_label(label, grey):
    out = annotate(grey, faces_at([(200, 200, 300, 320)], (640, 480), [decision(True, label=label)]))
    assert near(out, COLOURS[Verdict.MATCHED].line).any()
