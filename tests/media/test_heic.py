"""HEIC, on files made here: what the container says of turns, colour, depth and several pictures."""

import io
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

sys.path.insert(0, str(Path(__file__).parent))

import heif_maker

from mien import media
from mien.errors import ImageTooLarge, UnreadableImage
from mien.media.image import decode

SCENE = heif_maker.quarters_scene()


def quarters(image):
    height, width = image.shape[:2]
    return np.array([image[y, x] for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)], int)


def assert_shows(image, expected, tolerance=6):
    assert image.shape == expected.shape
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert np.abs(quarters(image) - quarters(expected)).max() <= tolerance


def exif(orientation):
    return b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1"])
@pytest.mark.parametrize("depth", [8, 10])
def test_depths_and_brands(depth, brand):
    assert_shows(media.read(heif_maker.make(SCENE, depth=depth, brand=brand)), SCENE)


# Quarter turns anticlockwise that a reader has to make, and the EXIF orientation that says the same.
TURNS = {0: 1, 1: 8, 2: 3, 3: 6}


@pytest.mark.parametrize("turns", TURNS)
@pytest.mark.parametrize("with_exif", [False, True])
def test_a_turn_is_made_once_though_exif_says_it_as_well(turns, with_exif):
    stored = np.ascontiguousarray(np.rot90(SCENE, -turns))
    data = heif_maker.make(stored, turns=turns, exif=exif(TURNS[turns]) if with_exif else None)
    photo = decode(data)
    assert_shows(photo.image, SCENE)
    assert photo.orientation_recorded == with_exif


def test_where_container_and_exif_disagree_the_container_is_right():
    assert_shows(media.read(heif_maker.make(SCENE, exif=exif(3))), SCENE)


def test_of_several_pictures_the_primary_one():
    others = [np.ascontiguousarray(SCENE[::-1]), np.ascontiguousarray(SCENE[:, ::-1])]
    assert_shows(media.read(heif_maker.make(others[0], SCENE, others[1], primary=1)), SCENE)


def test_transparency_shows_white():
    half = np.full(SCENE.shape[:2], 255, np.uint8)
    half[: len(half) // 2] = 0
    expected = SCENE.copy()
    expected[: len(half) // 2] = 255
    assert_shows(media.read(heif_maker.make(SCENE, alpha=half)), expected)


def test_icc_profile_is_applied():
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    assert_shows(media.read(heif_maker.make(SCENE, icc=bytes(profile))), SCENE[..., ::-1], 9)


WHOLE = heif_maker.make(SCENE, exif=exif(1))


PLAIN = heif_maker.make(SCENE)


@pytest.mark.parametrize("size", [12, 30, 200, len(PLAIN) // 2, len(PLAIN) - 1])
def test_truncated(size):
    with pytest.raises(UnreadableImage, match="a HEIC that is truncated or damaged"):
        media.read(PLAIN[:size])


def test_random_damage_is_refused_or_survived():
    rng = np.random.default_rng(7)
    for _ in range(80):
        broken = bytearray(WHOLE)
        for position in rng.integers(12, len(WHOLE), 6):
            broken[position] = rng.integers(256)
        try:
            image = media.read(broken, max_pixels=10**6)
        except (UnreadableImage, ImageTooLarge):
            continue
        assert image.ndim == 3


def test_a_bomb_is_refused_before_decoding():
    with pytest.raises(ImageTooLarge, match="60000 x 60000") as caught:
        media.read(heif_maker.make(SCENE, claimed=(60000, 60000)))
    assert caught.value.details["size"] == 3_600_000_000


def test_a_picture_larger_than_it_claims_is_refused():
    with pytest.raises(UnreadableImage, match="damaged"):
        media.read(heif_maker.make(SCENE, claimed=(32, 32)), max_pixels=2000)


def test_without_the_extra_it_is_told_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    path = tmp_path / "phone.heic"
    path.write_bytes(WHOLE)
    with pytest.raises(UnreadableImage, match=r"phone\.heic: .*HEIC.*pip install 'mien\[heic\]'") as caught:
        media.read(path)
    assert caught.value.details["source"] == str(path)


def test_reading_registers_nothing_with_pillow():
    media.read(WHOLE)
    assert "HEIF" not in Image.OPEN
    with pytest.raises(Image.UnidentifiedImageError):
        Image.open(io.BytesIO(WHOLE))


def test_threads_agree():
    with ThreadPoolExecutor(8) as pool:
        for image in pool.map(media.read, [WHOLE] * 40):
            assert_shows(image, SCENE)
