"""A method of the lab in full, as CONTRIBUTING.md describes one: dark squares and bright ones are told apart."""

from pathlib import Path

import numpy as np
from torch import nn

from mien.lab.examples import Examples
from mien.lab.method import Method
from mien.lab.run import Training


def read(path: Path) -> Examples:
    """``path`` holds a seed; each group is a photo and its copy."""
    rng = np.random.default_rng(int(path.read_text()))
    labels = np.arange(60) % 2
    images = (rng.integers(0, 100, (60, 48, 48)) + 120 * labels[:, None, None]).astype(np.uint8)
    targets = np.eye(2, dtype=np.float32)[labels]
    return Examples(images, targets, labels, np.arange(60) // 2, np.full(60, "toy"))


METHOD = Method(
    name="toy",
    title="Dark or bright",
    paper="none",
    classes=("dark", "bright"),
    read=read,
    build=lambda: nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(36, 2)),
    how=Training(epochs=20, batch=10, rate=0.05, decay=0.0),
)
