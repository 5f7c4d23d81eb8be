"""Synthetic people around real ones, and probes of them, the same in every run."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.datasets import Record
from mien.evaluation import embed
from mien.recognition import default_pipeline
from mien.types import Array

PART = 20_000


class Draws:
    """People and probes, the same in every run."""

    def __init__(self, lfw: Path | None, dimension: int, *, share: float = 0.3) -> None:
        self._dimension = dimension
        self._share = np.float32(share**0.5), np.float32((1 - share) ** 0.5)
        self.anchors: Array | None = None
        self.labels: NDArray[Any] = np.empty(0)
        self.around = 0
        if dimension == 128:
            if lfw is None:
                raise SystemExit("--lfw is needed for 128 numbers")
            self.anchors, self.labels = real_templates(lfw)
            self.around = len(self.anchors)
            second = self.anchors.T.astype(np.float64) @ self.anchors / len(self.anchors)
            self._factor = np.linalg.cholesky(second + 1e-6 * np.eye(dimension)).astype(np.float32).T

    def _noise(self, random: np.random.Generator, n: int) -> Array:
        noise = random.standard_normal((n, self._dimension), dtype=np.float32)
        return unit(noise if self.anchors is None else noise @ self._factor)

    def people(self, count: int) -> Iterator[Array]:
        for part, first in enumerate(range(0, count, PART)):
            n = min(PART, count - first)
            yield self._people(np.random.default_rng([1, part]), n)

    def _people(self, random: np.random.Generator, n: int) -> Array:
        noise = self._noise(random, n)
        if self.anchors is None:
            return noise
        anchors = self.anchors[random.integers(len(self.anchors), size=n)]
        return unit(self._share[0] * anchors + self._share[1] * noise)

    def probes(self, count: int, n: int, *, mated: bool, seed: int = 0) -> tuple[Array, Any]:
        """Probes, and the rows of the people they are of."""
        random = np.random.default_rng([2, seed, mated])
        if not mated:
            return self._people(np.random.default_rng([3, seed]), n), None
        rows = random.integers(min(count, PART), size=n)
        of = next(self.people(count))[rows]
        return unit(np.float32(0.65**0.5) * of + np.float32(0.35**0.5) * self._noise(random, n)), rows


def unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def real_templates(lfw: Path) -> tuple[Array, NDArray[Any]]:
    with zipfile.ZipFile(lfw) as archive:
        names = [name for name in sorted(archive.namelist()) if name.startswith("crops/") and name.endswith(".jpg")]
        samples = embed((Record(name.split("/")[1], name, archive.read(name)) for name in names), default_pipeline())
    return np.asarray(samples.templates[~samples.failed], np.float32), np.asarray(samples.people)[~samples.failed]
