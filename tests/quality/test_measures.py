import io
import math

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from mien import media
from mien.quality import COMPONENTS, head_pose, measures
from mien.quality.compression import blockiness, jpeg_quality, similarity_of_blocks, similarity_of_tables
from mien.quality.normalised import SIDE, Normalised, luminance

REFERENCE = np.array([[251, 272], [364, 272], [308, 336], [262, 402], [355, 402]], np.float32)


def mesh_of(yaw=0.0, pitch=0.0, roll=0.0, size=60.0):
    """The mean face turned by the angles, signs as in `head_pose`; other points lie at the origin."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), np.sin(r), 0], [-np.sin(r), np.cos(r), 0], [0, 0, 1]])
    mesh = np.zeros((468, 3))
    mesh[measures._RIGID] = measures._FRONTAL @ (about_z @ about_y @ about_x).T * size + [200, 200, 0]
    return mesh.astype(np.float32)


def drawn_face(image=None):
    """A normalised face whose mesh is an oval with eyes and a mouth where they belong."""
    mesh = np.zeros((468, 3), np.float32)
    mesh[:, :2] = 308, 340
    jaw = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454)
    for point, angle in zip(jaw, np.linspace(np.pi, 0, len(jaw)), strict=True):
        mesh[point, :2] = 308 + 130 * math.cos(angle), 300 + 180 * math.sin(angle)
    for point, x, y in (
        (33, 226, 272),
        (133, 276, 272),
        (362, 339, 272),
        (263, 389, 272),
        (61, 262, 402),
        (291, 355, 402),
    ):
        mesh[point, :2] = x, y
    for point, x in ((70, 200), (105, 240), (107, 290), (336, 326), (334, 376), (300, 416)):
        mesh[point, :2] = x, 240
    image = np.full((SIDE, SIDE, 3), 128, np.uint8) if image is None else image
    return Normalised(image, REFERENCE, mesh)


@pytest.mark.parametrize("pose", [(0, 0, 0), (25, 0, 0), (-40, 0, 0), (0, 20, 0), (0, -15, 0), (0, 0, 12), (0, 0, -30)])
def test_the_pose_of_a_turned_mean_face_comes_back(pose):
    assert measures.mesh_pose(mesh_of(*pose)) == pytest.approx(pose, abs=0.01)


def test_signs_are_those_of_the_five_point_pose():
    nose_left = np.array([[[0, 0], [40, 0], [26, 22], [2, 40], [38, 40]]], np.float32)
    assert head_pose(nose_left).yaw[0] > 0
    turned = mesh_of(yaw=25)
    assert turned[1, 0] == turned[2, 0] or turned[195, 0] > (turned[33, 0] + turned[263, 0]) / 2


def test_luminance_is_linear_in_light():
    values = np.arange(256, dtype=np.uint8)
    grey = np.repeat(values[None, :, None], 3, axis=2)
    linear = [v / 255 / 12.92 if v / 255 <= 0.04045 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in range(256)]
    assert luminance(grey)[0].tolist() == [math.floor(255 * v + 0.5) for v in linear]
    assert luminance(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)).tolist() == [[54, 182, 18]]


def test_exposure_and_entropy_of_a_face_of_one_colour():
    face = drawn_face()
    assert face.skin.sum() > 40_000
    assert measures.dynamic_range(face) == 0
    assert measures.share_of_skin(face, 0, 25) == 0
    assert measures.share_of_skin(face, 55, 56) == 1  # 128 of sRGB is 0.2159 of the light
    mean, variance = measures.luminance_moments(face)
    assert (mean, variance) == pytest.approx((55 / 255, 0), abs=1e-6)


def test_entropy_of_two_equal_halves_is_one_bit():
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[::2] = 200
    assert measures.dynamic_range(drawn_face(image)) == pytest.approx(1, abs=0.01)


def test_light_from_one_side_is_not_uniform():
    image = np.full((SIDE, SIDE, 3), 180, np.uint8)
    assert measures.illumination_uniformity(drawn_face(image)) == pytest.approx(1)
    image[:, : SIDE // 2] = 40
    assert measures.illumination_uniformity(drawn_face(image)) == 0


@pytest.mark.parametrize(
    ("colour", "expected"),
    [((200, 150, 120), 0), ((60, 160, 60), 100), ((255, 60, 0), None)],
    ids=["skin", "green", "red"],
)
def test_natural_colour(colour, expected):
    distance = measures.natural_colour(drawn_face(np.full((SIDE, SIDE, 3), colour, np.uint8)))
    if expected is None:
        assert distance > 20
    else:
        assert distance == pytest.approx(expected, abs=0.1)


def test_a_plain_background_is_uniform_and_a_striped_one_is_not():
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[150:, 120:500] = 1
    plain = np.full((SIDE, SIDE, 3), 200, np.uint8)
    striped = plain.copy()
    striped[:, ::16] = 60
    assert measures.background_uniformity(drawn_face(plain), mask) == 0
    assert measures.background_uniformity(drawn_face(striped), mask) > 100
    assert math.isnan(measures.background_uniformity(drawn_face(plain), np.ones((SIDE, SIDE), np.float32)))


def test_the_mask_of_a_person_hides_what_they_wear():
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[150:, 120:500] = 1
    image = np.full((SIDE, SIDE, 3), 200, np.uint8)
    image[160:600:8, 130:490] = 0
    assert measures.background_uniformity(drawn_face(image), mask) == 0


def test_margins_and_openings_are_ratios():
    mesh = drawn_face().mesh
    mesh = np.concatenate([mesh, np.zeros((468, 1), np.float32)], axis=1)
    room = measures.margins(mesh, (SIDE, SIDE))
    assert room["left"] == pytest.approx(251 / 113, abs=0.01)
    assert room["right"] == pytest.approx((SIDE - 364) / 113, abs=0.01)
    chin = measures.t_metric(mesh)
    assert chin == pytest.approx(math.hypot(0.5, 208), abs=1)
    assert room["above"] == pytest.approx(272 / chin)
    mesh[13, :2], mesh[14, :2] = (308, 380), (308, 420)
    assert measures.mouth_closed(mesh) == pytest.approx(40 / chin)
    mesh[[159, 386], 1], mesh[[145, 374], 1] = 260, (280, 266)
    for pair in ((160, 144), (158, 153), (385, 380), (387, 373)):
        mesh[pair, :2] = 0
    mesh[[159, 145, 386, 374], 0] = 300
    assert measures.eyes_open(mesh) == pytest.approx(6 / chin)


@pytest.mark.parametrize(("sizes", "expected"), [([50], 0), ([50, 25], 0.5), ([10, 40, 30], 0.75)])
def test_single_face(sizes, expected):
    assert measures.single_face(np.array(sizes, np.float32)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("background_uniformity", 10, 95),
        ("under_exposure", 0, 99.84),
        ("over_exposure", 0, 100),
        ("over_exposure", 0.09, 10),
        ("dynamic_range", 4, 50),
        ("illumination_uniformity", 1, 100),
        ("luminance_mean", 0.5, 99.5),
        ("luminance_variance", 1 / 60, 100),
        ("natural_colour", 0, 100),
        ("natural_colour", 10, 53.8),
        ("eyes_open", 0.02, 50),
        ("mouth_closed", 0.2, 50),
        ("inter_eye_distance", 70, 50),
        ("head_size", 0.45, 100),
        ("head_size", 0.5, 53.8),
        ("margin_left", 0.9, 50),
        ("margin_above", 1.4, 50),
        ("margin_below", 1.8, 50),
        ("yaw", 60, 25),
        ("yaw", 120, 0),
        ("single_face", 0.25, 75),
        ("compression", 1, 102.9),
    ],
)
def test_maps_are_those_of_ofiq(name, raw, expected):
    assert COMPONENTS[name].score(raw) == pytest.approx(min(expected, 100), abs=0.06)


def jpeg(image, quality):
    out = io.BytesIO()
    Pillow.fromarray(image).save(out, "JPEG", quality=quality)
    return out.getvalue()


def texture(side=256):
    noise = np.random.default_rng(0).uniform(0, 255, (side, side, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(128 + 6 * (smooth - 128), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("quality", [5, 10, 25, 50, 75, 90, 95, 100])
def test_a_jpegs_quality_is_read_from_its_tables(quality):
    table = media.quantisation(jpeg(texture(), quality))
    assert jpeg_quality(table) == pytest.approx(quality, abs=0.5)


def test_what_is_no_file_or_no_jpeg_tells_nothing(tmp_path):
    path = tmp_path / "a.png"
    Pillow.fromarray(texture()).save(path)
    assert media.quantisation(path) is None
    assert media.quantisation(texture()) is None


def test_similarity_rises_with_quality_and_agrees_between_file_and_picture():
    told = [similarity_of_tables(media.quantisation(jpeg(texture(), q))) for q in (5, 10, 20, 50, 90)]
    assert told == sorted(told)
    seen = media.read(jpeg(texture(), 5))
    assert blockiness(seen) > 2 > blockiness(texture())
    assert similarity_of_blocks(seen) < 0.9


def test_no_grid_proves_nothing():
    assert math.isnan(similarity_of_blocks(texture()))
    assert math.isnan(blockiness(texture()[:32]))
