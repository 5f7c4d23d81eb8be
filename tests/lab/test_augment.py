from dataclasses import fields

import pytest
import torch

from mien.lab.augment import Augmentation, augment, cover_half, erase, rand_augment

IMAGES = torch.rand((6, 1, 48, 48), generator=torch.Generator().manual_seed(0))
NOTHING = Augmentation(**{field.name: 0.0 for field in fields(Augmentation)})


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("change", [lambda x, g: augment(x, Augmentation(), g), rand_augment])
def test_changed_images_stay_images_and_follow_their_draw(change):
    changed = change(IMAGES, drawn())
    assert changed.shape == IMAGES.shape
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert torch.equal(changed, change(IMAGES, drawn()))
    assert not torch.equal(changed, change(IMAGES, drawn(1)))


def test_no_change_leaves_images_as_they_are():
    assert augment(IMAGES, NOTHING, drawn()) == pytest.approx(IMAGES.clamp(min=1e-3), abs=1e-4)


def test_an_image_may_change_its_size():
    grey = torch.full((2, 1, 48, 48), 0.25)
    smaller = augment(grey, NOTHING, drawn(), side=32)
    torch.testing.assert_close(smaller, torch.full((2, 1, 32, 32), 0.25), atol=1e-3, rtol=0)


def test_a_mirror_image_is_one():
    mirrored = augment(IMAGES, Augmentation(**{f.name: float(f.name == "flip") for f in fields(Augmentation)}), drawn())
    assert mirrored == pytest.approx(IMAGES.flip(3).clamp(min=1e-3), abs=1e-4)


def test_erasing_covers_a_rectangle_of_one_grey():
    erased = erase(IMAGES, 1.0, drawn())
    for before, after in zip(IMAGES[:, 0], erased[:, 0], strict=True):
        covered = before != after
        assert 0.01 < covered.float().mean() < 0.35
        assert len(after[covered].unique()) == 1


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_half_is_covered(side):
    covered = cover_half(IMAGES, side)
    half, other = (slice(0, 24), slice(24, 48)) if side == "left" else (slice(24, 48), slice(0, 24))
    assert (covered[..., half] == 0.5).all()
    assert torch.equal(covered[..., other], IMAGES[..., other])
