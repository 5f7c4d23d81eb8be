import numpy as np
import pytest
import torch

from mien.datasets import EXPRESSIONS, ExpressionRecord, Record
from mien.lab.balanced import distil
from mien.lab.balanced.data import examples_of, read
from mien.lab.balanced.network import build
from mien.lab.balanced.recipe import ARMS, _draw, _with_copies, train_arm
from mien.lab.run import Training, make_fabric
from mien.media import write

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randint(0, 256, (40, 1, 48, 48), dtype=torch.uint8, generator=GENERATOR)
LABELS = torch.tensor([0] * 30 + [1] * 8 + [2] * 2)
TARGETS = torch.nn.functional.one_hot(LABELS, 17).float()
HOW = Training(epochs=1, steps=2, batch=16)


@pytest.mark.parametrize("name", ARMS)
def test_every_arm_trains(name):
    network = train_arm(build("tiny"), IMAGES, TARGETS, HOW, make_fabric("cpu"), arm=ARMS[name])
    assert torch.isfinite(network(IMAGES.float() / 255)).all()


def test_copies_are_of_rare_classes_alone():
    _, _, labels = _with_copies(IMAGES, TARGETS[:, :7], 15, 0)
    assert torch.bincount(labels, minlength=3).tolist()[:3] == [30, 8 * 4, 2 * 15]


@pytest.mark.parametrize(("exponent", "share"), [(0.0, 0.05), (1.0, 1 / 3)])
def test_the_sampler_draws_rare_classes_as_often(exponent, share):
    rows = _draw(LABELS, 4000, exponent, torch.Generator().manual_seed(1))
    assert float((LABELS[rows] == 2).float().mean()) == pytest.approx(share, abs=0.03)


def test_small_networks_learn_what_large_ones_say():
    fabric, plan = make_fabric("cpu"), distil.Plan(views=2)
    torch.manual_seed(0)
    teacher = distil.train_network(build("tiny"), IMAGES, TARGETS, HOW, plan, fabric)
    bank = distil.make_bank([teacher], IMAGES, plan, fabric)
    assert bank.images.shape == (2, 40, 48, 48)
    assert bank.answers.float().sum(2) == pytest.approx(torch.full((2, 40), 2.0), abs=1e-2)
    assert torch.isfinite(distil.distil(build("tiny"), bank, TARGETS, HOW, plan, fabric)(IMAGES.float() / 255)).all()


@pytest.mark.parametrize("half", [False, True])
def test_images_grow_while_a_run_goes_on(half):
    seen = []
    network = build("tiny")
    network.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[-1]))
    how, plan = Training(epochs=3, steps=2, batch=16), distil.Plan(sides=(24, 36, 48))
    distil.train_network(network, IMAGES, TARGETS, how, plan, make_fabric("cpu", half=half))
    assert seen == [24, 24, 36, 36, 48, 48]


def test_the_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(rng.normal(0, 1.5, (4000, 5))).float()
    drawn = torch.multinomial(logits.softmax(1), 1, generator=torch.Generator().manual_seed(0))[:, 0]
    assert distil.temperature([logits * 2], torch.nn.functional.one_hot(drawn, 5).float()) == pytest.approx(
        2.0, abs=0.15
    )


def entry(capture, image, expression="happy", votes=None):
    path = image
    return ExpressionRecord(Record(None, capture, path), expression, "train", votes)


def test_records_become_examples_and_copies_one_group(tmp_path):
    rng = np.random.default_rng(0)
    for name in "ab":
        write(tmp_path / f"{name}.png", rng.integers(0, 256, (48, 48, 3), np.uint8))
    votes = (0, 0, 0, 7, 0, 2, 1, 0, 0, 0)
    records = [entry("a", tmp_path / "a.png", votes=votes), entry("b", tmp_path / "b.png", None)]
    records.append(entry("c", tmp_path / "a.png", "angry"))
    examples = examples_of(records, "toy")
    assert examples.labels.tolist() == [EXPRESSIONS.index("happy"), -1, 0]
    assert examples.groups[0] == examples.groups[2] != examples.groups[1]
    assert examples.targets[0, 7:14] == pytest.approx([0, 0, 0, 7 / 9, 0, 2 / 9, 0])
    assert not examples.targets[1].any()


def test_what_was_read_is_kept(tmp_path):
    rng = np.random.default_rng(0)
    for name in EXPRESSIONS:
        (tmp_path / "train" / name).mkdir(parents=True)
        for number in range(2):
            write(tmp_path / "train" / name / f"{number}.png", rng.integers(0, 256, (48, 48, 3), np.uint8))
    first = read(tmp_path)
    assert len(first) == 14
    assert read(tmp_path / "mien-train.npz").digest == first.digest
