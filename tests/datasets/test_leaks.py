import io
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from mien.datasets import Record, duplicate_groups, find_leaks, require_disjoint
from mien.errors import LeakFound


def photo(seed, size=120):
    """Synthetic: smooth shapes with fine structure on them, as photos have; no two alike."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.normal(size=(cells, cells, 3)), (size, size), interpolation=cv2.INTER_CUBIC) * weight
        for cells, weight in ((4, 60), (12, 30), (40, 14))
    ]
    return np.clip(128 + sum(layers), 0, 255).astype(np.uint8)


def png(image):
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, "PNG")
    return encoded.getvalue()


def jpeg(image, quality=50):
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, "JPEG", quality=quality)
    return encoded.getvalue()


def turned(image, degrees):
    size = image.shape[1], image.shape[0]
    warp = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), degrees, 1)
    return cv2.warpAffine(image, warp, size, borderMode=cv2.BORDER_REFLECT)


COPIES = {
    "the same file": ("identical", png),
    "the same pixels in another format": ("identical", lambda image: tiff(image)),
    "compressed": ("near-duplicate", jpeg),
    "smaller": ("near-duplicate", lambda image: png(cv2.resize(image, (70, 70), interpolation=cv2.INTER_AREA))),
    "brighter": ("near-duplicate", lambda image: png(np.clip(image * 1.15 + 8, 0, 255).astype(np.uint8))),
    "grey": ("near-duplicate", lambda image: png(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))),
    "blurred": ("near-duplicate", lambda image: png(cv2.GaussianBlur(image, (0, 0), 1.2))),
    "mirrored": ("augmented", lambda image: png(np.ascontiguousarray(image[:, ::-1]))),
    "cropped": ("augmented", lambda image: png(np.ascontiguousarray(image[9:, 6:-5]))),
    "turned": ("augmented", lambda image: png(turned(image, 6))),
    "mirrored, turned and compressed": ("augmented", lambda image: jpeg(turned(image[:, ::-1].copy(), -5))),
}


def tiff(image):
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, "TIFF")
    return encoded.getvalue()


def records(images, prefix, people=None):
    names = people or [None] * len(images)
    return [Record(who, f"{prefix}{row}", image) for row, (image, who) in enumerate(zip(images, names, strict=True))]


FIRST = records([png(photo(seed)) for seed in range(30)], "a")


@pytest.mark.parametrize(("kind", "change"), COPIES.values(), ids=COPIES)
def test_every_kind_of_copy_is_found(kind, change):
    second = records([png(photo(100)), change(photo(7)), png(photo(101))], "b")
    (leak,) = find_leaks(FIRST, second).leaks
    assert (leak.kind, leak.first, leak.second) == (kind, "a7", "b1")
    assert 0.8 <= leak.similarity <= 1
    assert [(one.kind, one.first, one.second) for one in find_leaks(second, FIRST).leaks] == [(kind, "b1", "a7")]


def test_different_images_are_none():
    report = find_leaks(FIRST, records([png(photo(seed)) for seed in range(50, 90)], "b"))
    assert report.leaks == ()
    assert (report.first, report.second) == (30, 40)
    require_disjoint(FIRST, records([png(photo(50))], "b"))


def test_images_without_structure_are_no_copies_of_one_another():
    """Only the same grey of the same size is the same image."""
    flat = [np.full((30, 30, 3), value, np.uint8) for value in (0, 90, 255)]
    assert find_leaks(records([png(flat[0])], "a"), records([png(flat[1]), png(flat[2])], "b")).leaks == ()
    assert find_leaks(records([png(flat[0])], "a"), records([png(flat[0])], "b")).counts["identical"] == 1


def test_a_subject_on_both_sides_is_told_once():
    first = records([png(photo(0)), png(photo(1)), png(photo(2))], "a", ["ada", "ada", "bob"])
    second = records([png(photo(3)), png(photo(4))], "b", ["ada", "eve"])
    (leak,) = find_leaks(first, second).leaks
    assert (leak.kind, leak.person, leak.first, leak.second, leak.similarity) == ("subject", "ada", "a0", "b0", None)


def test_nobody_known_on_both_sides_is_no_subject():
    assert find_leaks(records([png(photo(0))], "a"), records([png(photo(1))], "b")).counts["subject"] == 0


def test_copies_within_one_side_are_no_leak():
    twice = records([png(photo(0)), png(photo(0))], "a")
    assert find_leaks(twice, records([png(photo(1))], "b")).leaks == ()


def test_groups_hold_all_copies_of_an_image_however_they_are_connected():
    images = [png(photo(0)), png(photo(1)), jpeg(photo(0)), png(photo(2)), png(photo(0)[:, ::-1].copy()), png(photo(1))]
    groups = duplicate_groups(records(images, "c"))
    assert [[record.capture for record in group] for group in groups] == [["c0", "c2", "c4"], ["c1", "c5"]]
    assert duplicate_groups(records(images[:2], "c")) == ()
    assert duplicate_groups([]) == ()


def test_more_identical_images_than_are_compared_closely_form_one_group():
    (group,) = duplicate_groups(records([png(photo(3))] * 12, "c"))
    assert len(group) == 12


def test_an_unreadable_image_is_told_and_refused():
    first = [*FIRST[:2], Record(None, "torn", b"\x89PNG torn")]
    report = find_leaks(first, records([png(photo(50))], "b"))
    assert [capture for capture, _ in report.unreadable] == ["torn"]
    assert report.leaks == ()
    with pytest.raises(LeakFound, match=r"1 unreadable: torn"):
        require_disjoint(first, [])


def test_a_split_that_leaks_is_refused_with_examples():
    second = records([jpeg(photo(7)), png(photo(8))], "b")
    with pytest.raises(LeakFound, match=r"1 identical, 1 near-duplicate: a7 = b0; a8 = b1; move") as caught:
        require_disjoint(FIRST, second)
    assert caught.value.details == {"identical": 1, "near-duplicate": 1}


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 200, 3), (300, 4, 3)])
def test_images_of_any_shape_are_compared(shape):
    image = np.random.default_rng(1).integers(0, 255, shape).astype(np.uint8)
    assert find_leaks(records([png(image)], "a"), records([png(image)], "b")).counts["identical"] == 1


def test_nothing_on_a_side():
    assert find_leaks([], FIRST[:3]).leaks == ()
    assert find_leaks(FIRST[:3], []).leaks == ()


def test_as_json():
    document = find_leaks(FIRST, records([jpeg(photo(7))], "b")).to_dict()
    assert json.loads(json.dumps(document)) == {
        "schema": "mien.leaks/1",
        "first": 30,
        "second": 1,
        "leaks": [
            {
                "kind": "near-duplicate",
                "first": "a7",
                "second": "b0",
                "similarity": pytest.approx(1, abs=0.1),
                "person": None,
            }
        ],
        "unreadable": [],
        "counts": {"subject": 0, "identical": 0, "near-duplicate": 1, "augmented": 0},
    }


def test_progress_counts_the_images_of_both_sides():
    seen = []
    find_leaks(FIRST[:3], FIRST[3:5], progress=seen.append)
    assert seen == [1, 2, 3, 4, 5]


def test_the_answer_is_the_same_whatever_the_blocks(monkeypatch):
    second = records([jpeg(photo(7)), png(photo(50)), png(photo(8)[:, ::-1].copy())], "b")
    whole = find_leaks(FIRST, second)
    monkeypatch.setattr("mien.datasets._copies._BLOCK", 1)
    assert find_leaks(FIRST, second) == whole
