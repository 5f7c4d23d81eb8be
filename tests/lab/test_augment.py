import pytest

torch = pytest.importorskip("torch")

from mien.lab.augment import Augmentation, augment, cover_half, erase, rand_augment

STILL = Augmentation(flip=0, degrees=0, scale=0, shift=0, shear=0, light=0, erasing=0, noise=0, blur=0)


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def faces(n=32):
    return torch.rand(n, 1, 48, 48, generator=drawn(9)) * 0.9 + 0.05


def test_nothing_is_changed_where_nothing_may_be():
    torch.testing.assert_close(augment(faces(), STILL, drawn()), faces(), atol=1e-4, rtol=0)


def test_a_mirror_is_a_mirror():
    always = Augmentation(flip=1, degrees=0, scale=0, shift=0, shear=0, light=0, erasing=0, noise=0, blur=0)
    torch.testing.assert_close(augment(faces(), always, drawn()), faces().flip(3), atol=1e-4, rtol=0)


@pytest.mark.parametrize("change", [lambda x, g: augment(x, Augmentation(), g), rand_augment], ids=["usual", "rand"])
def test_each_image_is_changed_by_its_own_draw_and_stays_one(change):
    same = faces(1).expand(32, -1, -1, -1)
    changed = change(same, drawn(1))
    assert changed.shape == same.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    assert len({tuple(row.flatten()[:50].tolist()) for row in changed}) > 16
    torch.testing.assert_close(changed, change(same, drawn(1)))
    assert not torch.equal(changed, change(same, drawn(2)))


def test_erasing_covers_a_share_of_images_by_one_grey():
    images = faces(400)
    erased = erase(images, 0.5, drawn())
    touched = (erased != images).flatten(1).any(1)
    assert 0.35 < touched.float().mean() < 0.65
    areas = (erased != images).flatten(1).float().mean(1)[touched]
    assert areas.max() < 0.35


@pytest.mark.parametrize("side", ["left", "right"])
def test_half_a_face_is_covered(side):
    covered = cover_half(faces(), side)
    left, right = covered[..., :24], covered[..., 24:]
    hidden, kept = (left, right) if side == "left" else (right, left)
    assert (hidden == 0.5).all()
    assert (kept != 0.5).float().mean() > 0.9
