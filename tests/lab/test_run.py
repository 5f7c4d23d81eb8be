"""Training: learns, repeats itself, goes on after a kill, and averages no weights that it began with."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from mien.lab.balanced.network import build
from mien.lab.balanced.recipe import ARMS, train_arm
from mien.lab.cmnet.recipe import VARIANTS, train_variant
from mien.lab.run import Training, device_name, fit, make_fabric, predict, revision

FABRIC = make_fabric("cpu")


def shapes(n=256, seed=0):
    """Bright discs in one of four corners, and which; synthetic."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, n)
    images = random.integers(0, 60, (n, 1, 24, 24)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[0, 12 * row + 3 : 12 * row + 9, 12 * column + 3 : 12 * column + 9] = 220
    targets = np.zeros((n, 17), np.float32)
    targets[np.arange(n), labels] = 1
    return torch.from_numpy(images), torch.from_numpy(targets), labels


def trained(epochs=12, seed=3, **more):
    images, targets, _ = shapes()
    torch.manual_seed(seed)
    how = Training(seed=seed, epochs=epochs, steps=len(images) // 32, rate=0.05)
    return train_arm(build("tiny"), images, targets, ARMS["none"], how, FABRIC, batch=32, **more)


def accuracy(network):
    images, _, labels = shapes(seed=1)
    told = predict(network, images.float() / 255, FABRIC)[:, :7].argmax(1).numpy()
    return (told == labels).mean()


def test_what_can_be_learnt_is_learnt_and_the_same_seed_learns_the_same():
    first, again, other = trained(), trained(), trained(seed=4)
    assert accuracy(first) > 0.9
    for one, two in zip(first.state_dict().values(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(one, two)
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_a_run_that_was_cut_off_goes_on_as_it_would_have(tmp_path):
    images, targets, _ = shapes()

    def run(checkpoint, stop=None):
        torch.manual_seed(0)
        how = Training(epochs=4, steps=8, rate=0.05)

        class Cut(Exception):
            pass

        def batches(epoch, generator):
            if epoch == stop:
                raise Cut
            order = torch.randperm(len(images), generator=generator)
            for rows in order.split(32):
                yield images[rows].float() / 255, targets[rows]

        def loss(network, x, y):
            return torch.nn.functional.cross_entropy(network(x)[:, :7], y[:, :7])

        try:
            return fit(build("tiny"), batches, loss, how, FABRIC, checkpoint=checkpoint)
        except Cut:
            return None

    whole = run(tmp_path / "whole.ckpt")
    assert run(tmp_path / "cut.ckpt", stop=2) is None
    resumed = run(tmp_path / "cut.ckpt")
    for one, two in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        torch.testing.assert_close(one, two)


def test_the_average_of_a_short_run_is_not_where_it_began():
    torch.manual_seed(3)
    begun = [value.detach().clone() for value in build("tiny").parameters()]
    seen = []
    network = trained(epochs=2, progress=lambda epoch, loss: seen.append((epoch, loss)))
    assert [epoch for epoch, _ in seen] == [1, 2]
    ends = [value.detach() for value in network.parameters()]
    moved = [float((a - b).norm() / b.norm().clamp(min=1e-3)) for a, b in zip(ends, begun, strict=True)]
    assert max(moved) > 0.3


def test_a_schedule_by_the_clock_ends_with_it():
    images, targets, _ = shapes()
    epochs = []
    how = Training(epochs=10_000, steps=8, rate=0.05, seconds=2.0)
    train_arm(
        build("tiny"), images, targets, ARMS["none"], how, FABRIC, batch=32, progress=lambda e, _: epochs.append(e)
    )
    assert 1 <= len(epochs) < 10_000


@pytest.mark.parametrize("arm", [*ARMS])
def test_every_arm_trains(arm):
    images, targets, _ = shapes(96)
    network = train_arm(build("tiny"), images, targets, ARMS[arm], Training(epochs=1, steps=3), FABRIC, batch=32)
    assert torch.isfinite(predict(network, images[:4].float() / 255, FABRIC)).all()


@pytest.mark.parametrize("variant", [*VARIANTS])
def test_every_variant_trains(variant):
    images, targets, _ = shapes(64)
    network = train_variant(variant, images, targets, Training(epochs=1, steps=2), FABRIC, width=4, batch=32)
    assert torch.isfinite(predict(network, images[:4].float() / 255, FABRIC)).all()


def test_where_and_of_what_it_ran_is_told():
    assert "processors" in device_name(FABRIC)
    assert revision()
