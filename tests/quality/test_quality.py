import dataclasses

import cv2
import numpy as np
import pytest

from mien.errors import InvalidArgument
from mien.quality import ENROLMENT, IDENTIFICATION, assess, head_pose, reasons
from mien.quality.components import cut_off, over_exposure, sharpness, sigmoid_map, under_exposure
from mien.types import Faces

FRONTAL = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.57, -0.55], [-0.45, 1.0, -0.1], [0.45, 1.0, -0.1]])


def turned(yaw=0.0, pitch=0.0, roll=0.0, scale=40.0, centre=(100, 80)):
    """Five landmarks of the mean face, turned by the angles in degrees and seen from far away."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), np.sin(r), 0], [-np.sin(r), np.cos(r), 0], [0, 0, 1]])
    points = (FRONTAL - FRONTAL.mean(0)) @ (about_z @ about_x @ about_y).T
    return (points[:, :2] * scale + centre).astype(np.float32)


@pytest.mark.parametrize("pose", [(-50, 0, 0), (35, 0, 80), (0, -25, 0), (0, 25, -30), (-20, 0, -30), (0, 0, 10)])
def test_pose_of_a_turned_mean_face_is_recovered_with_its_signs(pose):
    found = head_pose(turned(*pose)[None])
    assert [float(angle[0]) for angle in found[:3]] == pytest.approx(pose, abs=0.01)
    assert found.scale[0] == pytest.approx(40)


def test_signs_are_those_of_iso_39794_5():
    eyes_and_mouth, nose = [0, 1, 3, 4], 2
    looks_left, looks_down, leans_right = turned(yaw=30), turned(pitch=20), turned(roll=20)
    # The subject's left is the image's right; their right shoulder, the image's left, so that their left eye rises.
    assert looks_left[nose, 0] > looks_left[eyes_and_mouth, 0].mean()
    assert looks_down[nose, 1] > turned()[nose, 1]
    assert leans_right[1, 1] < leans_right[0, 1]


def test_coinciding_landmarks_have_no_pose_and_do_not_warn():
    pose = head_pose(np.zeros((1, 5, 2), np.float32))
    assert np.isnan(pose.yaw[0])
    assert pose.scale[0] == 0


def test_sharpness_falls_with_blur_and_ignores_contrast():
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.integers(0, 256, (64, 64), np.uint8), (0, 0), 1)
    levels = [sharpness(cv2.GaussianBlur(texture, (0, 0), sigma)) for sigma in (0.3, 1, 2, 4)]
    assert levels == sorted(levels, reverse=True)
    assert sharpness((texture // 2).astype(np.uint8)) == pytest.approx(sharpness(texture), abs=0.05)


@pytest.mark.parametrize("value", [0, 130, 255])
def test_a_flat_region_is_not_sharp(value):
    assert sharpness(np.full((40, 40), value, np.uint8)) == 0


def test_motion_in_either_direction_is_seen():
    texture = np.random.default_rng(1).integers(0, 256, (64, 64), np.uint8)
    for kernel in ((15, 1), (1, 15)):
        assert sharpness(cv2.blur(texture, kernel)) < 0.75 * sharpness(texture)


def test_exposure_counts_pixels():
    region = np.array([[0, 25, 26, 128], [246, 247, 255, 100]], np.uint8)
    assert under_exposure(region) == pytest.approx(2 / 8)
    assert over_exposure(region) == pytest.approx(2 / 8)


@pytest.mark.parametrize(
    ("box", "expected"),
    [([0, 0, 10, 10], 0), ([-5, 0, 5, 10], 0.5), ([95, 95, 105, 105], 0.75), ([200, 0, 210, 10], 1), ([5, 5, 5, 5], 1)],
)
def test_cut_off_is_the_share_outside(box, expected):
    assert cut_off(np.array([box], np.float32), (100, 100))[0] == pytest.approx(expected)


def test_the_map_is_that_of_ofiq():
    # InterEyeDistance of OFIQ: h 100, x0 70, w 20.
    assert sigmoid_map(70, x0=70, w=20) == pytest.approx(50)
    assert sigmoid_map(110, x0=70, w=20) == pytest.approx(100 / (1 + np.exp(-2)))
    # UnderExposure: h 120, a .832, s -1, x0 .92, w .05.
    assert sigmoid_map(0, x0=0.92, w=0.05, h=120, a=0.832, s=-1) == pytest.approx(99.84, abs=0.01)


def face(image, landmarks, size=80):
    centre = landmarks.mean(0)
    box = [*(centre - size / 2), *(centre + size / 2)]
    faces = Faces.of([box], [0.9], landmarks[None], (image.shape[1], image.shape[0]))
    return assess(image, faces)


def picture(blur=0.6, gain=1.0):
    """Coarse shapes with fine detail on them, as a face has; a blur takes the detail and leaves the shapes."""
    rng = np.random.default_rng(2)
    shapes = cv2.resize(rng.uniform(60, 180, (8, 10)), (200, 160), interpolation=cv2.INTER_CUBIC)
    grey = cv2.GaussianBlur(shapes + rng.normal(0, 15, shapes.shape), (0, 0), blur)
    return np.repeat(np.clip(grey * gain, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize(
    ("image", "landmarks", "expected"),
    [
        (picture(), turned(), ()),
        (picture(), turned(scale=5), ("too_small",)),
        (picture(blur=6), turned(), ("blurred",)),
        (picture(gain=0.04), turned(), ("too_dark",)),
        (picture(gain=6), turned(), ("too_bright",)),
        (picture(), turned(yaw=62), ("extreme_pose",)),
        (picture(), turned(pitch=45), ("extreme_pose",)),
        (picture(), turned(centre=(2, 80)), ("cut_off",)),
    ],
    ids=["fit", "small", "blurred", "dark", "bright", "profile", "nod", "cut off"],
)
def test_reasons(image, landmarks, expected):
    faces = face(image, landmarks)
    got = reasons(faces)[0]
    assert set(expected) <= set(got)
    if not expected:
        assert got == ()
        assert faces.quality[0] > 60
    else:
        assert faces.quality[0] < 90
    assert 0 <= faces.quality[0] <= 100


def test_enrolment_asks_for_more():
    for field in dataclasses.fields(ENROLMENT):
        strict, lenient = getattr(ENROLMENT, field.name), getattr(IDENTIFICATION, field.name)
        assert strict > lenient if field.name in {"size", "sharpness", "brightness"} else strict < lenient


def test_no_faces_have_no_quality():
    image = picture()
    faces = assess(image, Faces.of(np.empty((0, 4)), [], np.empty((0, 5, 2)), (200, 160)))
    assert len(faces.quality) == 0
    assert reasons(faces) == ()


def test_a_face_outside_the_image_is_refused_not_a_crash():
    assert "cut_off" in reasons(face(picture(), turned(centre=(900, 900))))[0]


def test_faces_without_assessment_are_refused():
    with pytest.raises(InvalidArgument, match="assess"):
        reasons(Faces.of(np.empty((0, 4)), [], np.empty((0, 5, 2)), (200, 160)))


def test_the_image_must_be_the_faces_own():
    with pytest.raises(InvalidArgument, match="200x160"):
        assess(np.zeros((50, 50, 3), np.uint8), Faces.of(np.empty((0, 4)), [], np.empty((0, 5, 2)), (200, 160)))
