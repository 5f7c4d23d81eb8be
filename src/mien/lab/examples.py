"""What a network is trained on: images in memory, soft targets, and what keeps together which of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.types import Array, Image

__all__ = ["Examples"]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Images of one size, a row an example.

    Attributes:
        images: (n, H, W) uint8 grey.
        targets: (n, k) float32, distributions over classes side by side, one a labelling; zeros where it has none.
        labels: (n,) int64 class from 0, -1 where it has none.
        groups: (n,) int64: rows of one group (a subject, copies of an image) stay on one side of a split.
        source: Name of the set each comes from, (n,) text.
    """

    images: Image
    targets: Array
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    source: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: ArrayLike | Sequence[int]) -> Examples:
        """The examples of some rows, or of a mask."""
        chosen = np.asarray(rows)
        return Examples(
            self.images[chosen], self.targets[chosen], self.labels[chosen], self.groups[chosen], self.source[chosen]
        )

    @property
    def digest(self) -> str:
        """sha256 of images and targets, to say later what was trained on."""
        seen = hashlib.sha256(self.images.tobytes())
        seen.update(self.targets.tobytes())
        return seen.hexdigest()
