"""`media.read` on real files of every format, made here with known pixels."""

import io
import os
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext as does_not_raise

import numpy as np
import pytest
from PIL import Image, ImageCms

from mien import media
from mien.errors import ImageTooLarge, InvalidArgument, UnreadableImage
from mien.media.image import decode

LOSSY = {"JPEG": 6, "WEBP": 6, "AVIF": 6}
FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"]


def scene(width=48, height=32):
    """An upright picture whose four quarters differ, so that any turn or flip shows."""
    array = np.zeros((height, width, 3), np.uint8)
    array[: height // 2, : width // 2] = (200, 30, 40)
    array[: height // 2, width // 2 :] = (30, 190, 60)
    array[height // 2 :, : width // 2] = (40, 60, 210)
    array[height // 2 :, width // 2 :] = (220, 210, 50)
    return array


def quarters(image):
    """Colour at the middle of each quarter: top left, top right, bottom left, bottom right."""
    height, width = image.shape[:2]
    return np.array([image[y, x] for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)], int)


def encode(image, form="PNG", **options):
    buffer = io.BytesIO()
    if form == "JPEG":
        options = {"quality": 95, "subsampling": 0} | options
    if form == "AVIF":
        options = {"quality": 95, "subsampling": "4:4:4"} | options
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(buffer, form, **options)
    return buffer.getvalue()


def assert_same(actual, expected, tolerance=0):
    assert actual.shape == expected.shape
    assert actual.dtype == np.uint8
    assert actual.flags.c_contiguous
    assert np.abs(quarters(actual) - quarters(expected)).max() <= tolerance


@pytest.mark.parametrize("form", FORMATS)
def test_formats(form):
    assert_same(media.read(encode(scene(), form)), scene(), LOSSY.get(form, 0))


@pytest.mark.parametrize("kind", ["path", "str", "bytes", "bytearray", "memoryview", "file", "stream", "array"])
def test_sources(kind, tmp_path):
    path, data = tmp_path / "a.png", encode(scene())
    path.write_bytes(data)
    with path.open("rb") as file:
        source = {
            "path": path,
            "str": str(path),
            "bytes": data,
            "bytearray": bytearray(data),
            "memoryview": memoryview(data),
            "file": file,
            "stream": io.BytesIO(data),
            "array": scene(),
        }[kind]
        np.testing.assert_array_equal(media.read(source), scene())


def test_a_file_object_is_read_from_where_it_stands_and_left_open():
    stream = io.BytesIO(b"header" + encode(scene()))
    stream.seek(6)
    np.testing.assert_array_equal(media.read(stream), scene())
    assert not stream.closed


# How a camera stores an upright scene for each orientation: the inverse of what a reader has to do.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_exif_orientation(form, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(np.ascontiguousarray(STORED[orientation](scene())), form, exif=exif)
    assert_same(media.read(data), scene(), LOSSY.get(form, 0))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF"])
def test_it_is_told_whether_the_orientation_is_recorded(form):
    # AVIF records in its container, where upright is the absence of a turn and Pillow writes it as that.
    exif = Image.Exif()
    exif[0x0112] = 6 if form == "AVIF" else 1
    assert not decode(encode(scene(), form)).orientation_recorded
    if form not in {"BMP", "GIF"}:
        assert decode(encode(scene(), form, exif=exif)).orientation_recorded
    other = Image.Exif()
    other[0x010F] = "a camera"
    if form not in {"BMP", "GIF"}:
        assert not decode(encode(scene(), form, exif=other)).orientation_recorded


def test_arrays_are_upright():
    assert decode(scene()).orientation_recorded


def test_an_animation_shows_its_first_frame():
    frames = [Image.fromarray(scene()), Image.fromarray(scene()[::-1].copy())]
    for form in ("GIF", "AVIF", "WEBP", "PNG"):
        data = encode(frames[0], form, save_all=True, append_images=frames[1:], duration=100)
        assert_same(media.read(data), scene(), LOSSY.get(form, 0))


def test_a_gif_with_a_transparent_colour_shows_white():
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    image = media.read(encode(palette, "GIF", transparency=0))
    np.testing.assert_array_equal(image, [[[255, 255, 255], [40, 50, 60]]])


def test_an_avif_that_names_a_general_brand_first():
    data = encode(scene(), "AVIF").replace(b"ftypavif", b"ftypmif1", 1)
    assert_same(media.read(data), scene(), LOSSY["AVIF"])


def exif_block(entries, order="<", count=None):
    head = b"II*\0" if order == "<" else b"MM\0*"
    body = b"".join(struct.pack(order + "HHI", tag, kind, 1) + value for tag, kind, value in entries)
    return b"Exif\0\0" + head + struct.pack(order + "IH", 8, len(entries) if count is None else count) + body


@pytest.mark.parametrize(
    ("exif", "turned"),
    [
        pytest.param(exif_block([(0x0112, 3, struct.pack(">HH", 3, 0))], ">"), True, id="big endian"),
        pytest.param(exif_block([(0x0112, 4, struct.pack("<I", 3))]), True, id="stored as a long"),
        pytest.param(exif_block([(0x0112, 3, struct.pack("<HH", 9, 0))]), False, id="no such orientation"),
        pytest.param(exif_block([(0x010F, 2, b"\xff\xff\xff\xff")], count=9), False, id="truncated directory"),
        pytest.param(b"Exif\0\0II*\0\xff\xff\xff\xff", False, id="directory beyond the end"),
        pytest.param(b"Exif\0\0nonsense", False, id="no directory"),
    ],
)
def test_damaged_exif_neither_fails_nor_warns(exif, turned):
    # Written without a resolution, so that Pillow looks for one in the EXIF.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = encode(scene(), "JPEG", exif=exif)
    assert_same(media.read(data), scene()[::-1, ::-1] if turned else scene(), LOSSY["JPEG"])


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        pytest.param(Image.new("L", (4, 4), 77), (77, 77, 77), id="grey"),
        pytest.param(Image.new("1", (4, 4), 1), (255, 255, 255), id="bilevel"),
        pytest.param(Image.new("RGBA", (4, 4), (10, 20, 30, 255)), (10, 20, 30), id="opaque"),
        pytest.param(Image.new("RGBA", (4, 4), (10, 20, 30, 0)), (255, 255, 255), id="transparent is white"),
        pytest.param(Image.new("RGBA", (4, 4), (10, 20, 30, 102)), (157, 161, 165), id="40 parts in 100 opaque"),
        pytest.param(Image.new("LA", (4, 4), (0, 0)), (255, 255, 255), id="grey with alpha"),
        pytest.param(Image.fromarray(np.full((4, 4), 0x8012, np.uint16)), (0x80, 0x80, 0x80), id="16-bit grey"),
        pytest.param(Image.fromarray(np.full((4, 4), 0xFFFF, np.uint16)), (255, 255, 255), id="16-bit white"),
        pytest.param(Image.fromarray(np.full((4, 4), 0x00FF, np.uint16)), (0, 0, 0), id="16-bit is not clipped"),
        pytest.param(Image.new("RGB", (4, 4), (9, 99, 199)).convert("P", palette=1), (9, 99, 199), id="palette"),
    ],
)
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_pixels(stored, expected, form):
    image = media.read(encode(stored, form))
    assert image.shape == (4, 4, 3)
    assert np.abs(image.astype(int) - expected).max() <= 1


def test_palette_with_a_transparent_colour():
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    image = media.read(encode(palette, transparency=0))
    np.testing.assert_array_equal(image, [[[255, 255, 255], [40, 50, 60]]])


def test_colour_key():
    image = media.read(encode(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8), transparency=(1, 2, 3)))
    np.testing.assert_array_equal(image, [[[255, 255, 255], [4, 5, 6]]])


def png_16bit(value):
    """A 1x1 PNG with three 16-bit channels, which Pillow reads but cannot write."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" + struct.pack(">HHH", *value))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_16_bit_colour():
    image = media.read(png_16bit((0xFFFF, 0x8000, 0x00FF)))
    np.testing.assert_array_equal(image, [[[255, 128, 0]]])


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk(form):
    image = media.read(encode(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), form))
    assert np.abs(image.astype(int) - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize(("mode", "value"), [("I", 70000), ("F", 0.5)])
def test_pixels_without_a_range_are_refused(mode, value):
    with pytest.raises(UnreadableImage, match="8 or 16 bits"):
        media.read(encode(Image.new(mode, (4, 4), value), "TIFF"))


def swapped_profile():
    """A valid RGB profile that a reader cannot overlook: sRGB with its red and blue columns swapped."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_icc_profile_is_applied(form):
    image = media.read(encode(scene(), form, icc_profile=swapped_profile()))
    assert_same(image, scene()[..., ::-1], LOSSY.get(form, 0) + 2)


def test_icc_profile_is_applied_under_alpha():
    stored = Image.fromarray(np.dstack([scene(), np.full((32, 48), 255, np.uint8)]))
    assert_same(media.read(encode(stored, icc_profile=swapped_profile())), scene()[..., ::-1], 2)


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), id="sRGB"),
        pytest.param(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(), id="of another space"),
        pytest.param(b"\0" * 200, id="damaged"),
    ],
)
def test_icc_profile_that_changes_nothing(profile):
    np.testing.assert_array_equal(media.read(encode(scene(), icc_profile=profile)), scene())


@pytest.mark.parametrize(
    ("array", "expectation"),
    [
        pytest.param(np.zeros((2, 3), np.uint8), does_not_raise(), id="grey"),
        pytest.param(np.zeros((2, 3, 1), np.uint8), does_not_raise(), id="grey with a channel axis"),
        pytest.param(np.zeros((2, 3, 3), np.uint8), does_not_raise(), id="RGB"),
        pytest.param(np.zeros((2, 3, 3), np.uint8)[:, ::-1], does_not_raise(), id="not contiguous"),
        pytest.param(np.zeros((2, 3, 4), np.uint8), does_not_raise(), id="RGBA"),
        pytest.param(np.zeros((2, 3, 2), np.uint8), pytest.raises(InvalidArgument), id="two channels"),
        pytest.param(np.zeros((1, 2, 3, 3), np.uint8), pytest.raises(InvalidArgument), id="a batch"),
        pytest.param(np.zeros((0, 3, 3), np.uint8), pytest.raises(InvalidArgument), id="empty"),
        pytest.param(np.zeros((2, 3, 3), np.uint16), pytest.raises(InvalidArgument, match="uint16"), id="16-bit"),
        pytest.param(np.zeros((2, 3, 3), np.float32), pytest.raises(InvalidArgument), id="float"),
    ],
)
def test_arrays(array, expectation):
    with expectation:
        image = media.read(array)
        assert image.shape == (2, 3, 3)
        assert image.flags.c_contiguous


def test_arrays_keep_their_values_and_are_not_copied():
    rgb = scene()
    assert media.read(rgb) is rgb
    np.testing.assert_array_equal(media.read(rgb[..., 0]), np.dstack([rgb[..., 0]] * 3))
    rgba = np.dstack([rgb, np.zeros(rgb.shape[:2], np.uint8)])
    assert (media.read(rgba) == 255).all()


DATA = encode(scene(640, 480), "JPEG")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"hello, I am text", "something else", id="text"),
        pytest.param(b"%PDF-1.7", "a PDF; convert it first", id="PDF"),
        pytest.param(b"\0\0\0\x20ftypisom", "a video; give it to mien watch", id="MP4"),
        pytest.param(b"\x1aE\xdf\xa3", "a video; give it to mien watch", id="Matroska"),
        pytest.param(b"RIFF\0\0\0\0AVI LIST", "a video; give it to mien watch", id="AVI"),
        pytest.param(DATA[: len(DATA) // 2], "truncated", id="half a JPEG"),
        pytest.param(DATA[:20], "truncated or damaged", id="head of a JPEG"),
        pytest.param(DATA[:3], "truncated or damaged", id="three bytes of a JPEG"),
        pytest.param(encode(scene())[:-40], "truncated or damaged", id="PNG without its end"),
        pytest.param(encode(scene(), "WEBP")[:60], "truncated or damaged", id="WebP without its end"),
        pytest.param(encode(scene(), "TIFF")[:-300], "truncated or damaged", id="TIFF without its end"),
        pytest.param(encode(scene(), "BMP")[:-300], "truncated or damaged", id="BMP without its end"),
        pytest.param(encode(scene(), "AVIF")[:-60], "truncated or damaged", id="AVIF without its end"),
        pytest.param(encode(scene(), "AVIF")[:40], "truncated or damaged", id="head of an AVIF"),
        pytest.param(encode(scene(), "GIF")[:-60], "truncated or damaged", id="GIF without its end"),
    ],
)
def test_unreadable(data, message, tmp_path):
    path = tmp_path / "who.jpg"
    path.write_bytes(data)
    with pytest.raises(UnreadableImage, match=f"who.jpg: .*{message}") as caught:
        media.read(path)
    assert caught.value.details["source"] == str(path)


@pytest.mark.parametrize("form", FORMATS)
def test_random_damage_is_refused_or_survived(form):
    data, rng = encode(scene(), form), np.random.default_rng(7)
    for _ in range(60):
        broken = bytearray(data)
        for position in rng.integers(8, len(data), 6):
            broken[position] = rng.integers(256)
        try:
            image = media.read(broken, max_pixels=10**6)
        except (UnreadableImage, ImageTooLarge):
            continue
        assert image.ndim == 3


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        pytest.param(lambda folder: folder / "missing.jpg", "no such file", id="missing"),
        pytest.param(lambda folder: folder, "got a folder", id="folder"),
        pytest.param(lambda folder: f"{folder}/a\0b.jpg", "null", id="NUL in the path"),
        pytest.param(lambda folder: folder / ("x" * 300), "too long", id="name too long"),
    ],
)
def test_unreadable_paths(prepare, message, tmp_path):
    with pytest.raises(UnreadableImage, match=message):
        media.read(prepare(tmp_path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX pipes")
def test_a_pipe_is_read_to_its_end(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(path.write_bytes, DATA)
        assert media.read(path).shape == (480, 640, 3)


@pytest.mark.skipif(not os.access("/dev/zero", os.R_OK), reason="POSIX devices")
def test_an_endless_device_is_read_to_the_limit():
    with pytest.raises(ImageTooLarge):
        media.read("/dev/zero", max_bytes=10_000)


def test_no_permission(tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(UnreadableImage, match=r"a\.jpg: no permission"):
        media.read(tmp_path / "a.jpg")


@pytest.mark.parametrize("source", [None, 7, io.StringIO("text")])
def test_not_a_source(source):
    with pytest.raises(InvalidArgument):
        media.read(source)


def test_closed_file():
    stream = io.BytesIO(DATA)
    stream.close()
    with pytest.raises(UnreadableImage, match="closed"):
        media.read(stream)


def bomb(form):
    """A file of a few bytes or kilobytes that says it holds 60,000 x 60,000 pixels."""
    if form == "PNG":
        data = bytearray(encode(scene()))
        data[16:24] = struct.pack(">II", 60000, 60000)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
        return data
    data = bytearray(encode(scene(), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 60000, 60000)
    return data


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_decompression_bomb_is_refused_before_decoding(form, monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    with pytest.raises(ImageTooLarge, match=r"60000 x 60000.*scale it down") as caught:
        media.read(bomb(form))
    assert caught.value.details["limit"] == media.MAX_PIXELS
    assert caught.value.details["size"] == 3_600_000_000


@pytest.mark.parametrize("kind", ["path", "bytes", "stream"])
def test_byte_limit(kind, tmp_path):
    path = tmp_path / "big.jpg"
    path.write_bytes(DATA)
    source = {"path": path, "bytes": DATA, "stream": io.BytesIO(DATA)}[kind]
    with pytest.raises(ImageTooLarge, match=r"at most 1,000 bytes.*max_bytes"):
        media.read(source, max_bytes=1000)
    assert media.read(DATA, max_bytes=len(DATA)).shape == (480, 640, 3)


def test_pixel_limit_is_inclusive():
    assert media.read(DATA, max_pixels=640 * 480).shape == (480, 640, 3)
    with pytest.raises(ImageTooLarge):
        media.read(DATA, max_pixels=640 * 480 - 1)


def test_above_the_pixels_pillow_warns_of(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for form in FORMATS:
        assert media.read(encode(scene(), form)).shape == (32, 48, 3)


def test_threads_agree():
    forms = ["JPEG", "PNG", "WEBP", "AVIF", "BMP", "TIFF"]
    sources = [encode(scene(64 + 16 * i, 48), forms[i % 6], icc_profile=swapped_profile()) for i in range(20)]
    expected = [media.read(source) for source in sources]
    with ThreadPoolExecutor(8) as pool:
        for actual, reference in zip(pool.map(media.read, sources * 3), expected * 3, strict=True):
            np.testing.assert_array_equal(actual, reference)
