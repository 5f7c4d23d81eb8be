"""From a decoder's frame to an image: orientation, square pixels, colours by the standards' formulas."""

from fractions import Fraction

import av
import numpy as np
import pytest

from mien import media
from mien.media import upright


def frames_of(source):
    with media.open_video(source) as video:
        return list(video)


def numbers_of(frames):
    """Which of the synthetic scenes these are, by their brightness."""
    return [round((float(np.median(frame.image[16:32, 24:40])) - 40) / 5) for frame in frames]


MATRICES = [(a, 0, 0, d) for a in (1, -1) for d in (1, -1)] + [(0, b, c, 0) for b in (1, -1) for c in (1, -1)]


@pytest.mark.parametrize("matrix", MATRICES)
def test_orient_moves_each_pixel_where_the_matrix_sends_it(matrix):
    a, b, c, d = matrix
    image = np.arange(2 * 3 * 3).reshape(2, 3, 3)
    sent = {(a * x + c * y, b * x + d * y): image[y, x] for y in range(2) for x in range(3)}
    left, top = min(x for x, _ in sent), min(y for _, y in sent)
    turned = upright.orient(image, np.array([a, b, 0, c, d, 0, 0, 0, 1], np.int32) * 65536)
    for (x, y), pixel in sent.items():
        np.testing.assert_array_equal(turned[y - top, x - left], pixel)


@pytest.mark.parametrize(
    ("aspect", "size"), [("2", (128, 48)), ("1/2", (64, 96)), ("12/11", (70, 48)), ("1", (64, 48)), ("100", (64, 48))]
)
def test_pixels_are_made_square(aspect, size, make_clip):
    def prepare(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(aspect)

    with media.open_video(make_clip("a.mkv", prepare=prepare)) as video:
        assert video.size == size
        assert next(video).image.shape == (size[1], size[0], 3)


def luma(pix_fmt, size, values, depth=8):
    """A frame of one colour from (Y, Cb, Cr)."""
    frame = av.VideoFrame(*size, pix_fmt)
    for plane, value in zip(frame.planes, values, strict=True):
        code = value << (depth - 8)
        plane.update(np.full(plane.buffer_size // (1 if depth == 8 else 2), code, np.uint8 if depth == 8 else "<u2"))
    return frame


def to_rgb(values, matrix, full):
    """ITU-R BT.601/709, from the standards' luma coefficients."""
    red, blue = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}[matrix]
    y, cb, cr = values
    y = y / 255 if full else (y - 16) / 219
    cb, cr = ((c - 128) / (255 if full else 224) for c in (cb, cr))
    r, b = y + 2 * (1 - red) * cr, y + 2 * (1 - blue) * cb
    return np.clip(np.array([r, (y - red * r - blue * b) / (1 - red - blue), b]) * 255, 0, 255)


@pytest.mark.parametrize(
    ("pix_fmt", "depth", "size", "colorspace", "full", "matrix"),
    [
        pytest.param("yuv420p", 8, (64, 48), 6, False, "bt601", id="601"),
        pytest.param("yuv420p", 8, (64, 48), 1, False, "bt709", id="709"),
        pytest.param("yuv420p", 8, (64, 48), 1, True, "bt709", id="709 full range"),
        pytest.param("yuv444p", 8, (64, 48), 5, True, "bt601", id="601 full range, 4:4:4"),
        pytest.param("yuv422p", 8, (64, 48), 6, False, "bt601", id="4:2:2"),
        pytest.param("yuv420p10le", 10, (64, 48), 1, False, "bt709", id="10 bit"),
        pytest.param("yuv420p10le", 10, (64, 48), 9, False, "bt2020", id="10 bit, BT.2020"),
        pytest.param("yuv420p", 8, (64, 48), 2, False, "bt601", id="unstated, small"),
        pytest.param("yuv420p", 8, (1280, 720), 2, False, "bt709", id="unstated, high definition"),
    ],
)
def test_colours_follow_the_stated_range_and_matrix(pix_fmt, depth, size, colorspace, full, matrix, tmp_path):
    values = (120, 90, 170)
    with av.open(str(tmp_path / "a.mkv"), "w") as clip:
        stream = clip.add_stream("ffv1", rate=25)
        (stream.width, stream.height), stream.pix_fmt = size, pix_fmt
        stream.codec_context.colorspace, stream.codec_context.color_range = colorspace, 2 if full else 1
        frame = luma(pix_fmt, size, values, depth)
        frame.colorspace, frame.color_range, frame.pts = colorspace, 2 if full else 1, 0
        clip.mux(stream.encode(frame))
        clip.mux(stream.encode())
    (frame,) = frames_of(tmp_path / "a.mkv")
    assert np.abs(frame.image - to_rgb(values, matrix, full)).max() < 3


@pytest.mark.parametrize("pix_fmt", ["gray", "rgb24", "bgra", "yuv411p", "gray16le"])
def test_other_pixel_formats(pix_fmt, make_clip):
    codec = "rawvideo" if pix_fmt in {"rgb24", "bgra"} else "ffv1"
    frames = frames_of(make_clip(f"a.{'nut' if codec == 'rawvideo' else 'mkv'}", codec=codec, pix_fmt=pix_fmt))
    assert np.abs(np.subtract(numbers_of(frames), range(25))).max() <= 1
