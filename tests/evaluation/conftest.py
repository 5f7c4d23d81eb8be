"""Synthetic captures: people are directions, captures lie around them."""

import numpy as np
import pytest

from mien.datasets import Record
from mien.evaluation import Samples


def build(people=80, captures=3, spread=0.5, missed=(), seed=1, dimensions=16):
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(people, dimensions))
    templates = np.repeat(means, captures, axis=0) + spread * rng.normal(size=(people * captures, dimensions))
    templates = (templates / np.linalg.norm(templates, axis=1, keepdims=True)).astype(np.float32)
    failed = np.zeros(len(templates), bool)
    failed[list(missed)] = True
    templates[failed] = 0
    quality = np.where(failed, np.nan, rng.uniform(0, 100, len(templates))).astype(np.float32)
    boxes = np.where(failed[:, None], np.nan, np.array([2, 2, 30, 30], np.float32)).astype(np.float32)
    records = tuple(
        Record(f"p{row // captures:03d}", f"p{row // captures:03d}/{row}.png", b"") for row in range(len(templates))
    )
    return Samples(records, templates, failed, quality, boxes, dict.fromkeys(missed, "no face"), f"{seed:064x}")


@pytest.fixture(scope="session")
def synthetic():
    return build


@pytest.fixture(scope="session")
def samples():
    return build()
