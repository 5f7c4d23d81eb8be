"""When artefacts of a model (float32, bfloat16, another runtime) may share an embedding space."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mien.errors import InvalidArgument

__all__ = ["BATCH_AGREEMENT", "LOWEST_MEDIAN", "LOWEST_P1", "equivalence", "equivalent"]

LOWEST_MEDIAN = 0.998
LOWEST_P1 = 0.99
BATCH_AGREEMENT = 0.9999
"""Lowest cosine between the template of a face embedded alone and in a batch."""


def equivalence(templates_a: ArrayLike, templates_b: ArrayLike) -> tuple[float, float]:
    """How alike two artefacts' templates of the same faces are.

    Args:
        templates_a: (n, d) from one artefact, n >= 1; rows need not be of unit length, but must not be zero.
        templates_b: (n, d) from the other, row for row of the same faces.

    Returns:
        Median and 1st percentile of the per-face cosine, in [-1, 1].

    Raises:
        InvalidArgument: The shapes differ, there is no face, or a row is zero or not finite.
    """
    a, b = np.asarray(templates_a, np.float64), np.asarray(templates_b, np.float64)
    if a.shape != b.shape or a.ndim != 2 or not len(a):
        raise InvalidArgument(f"expected two arrays (n, d) of the same faces, n >= 1, got {a.shape} and {b.shape}")
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    if not (np.isfinite(norms).all() and norms.all()):
        raise InvalidArgument("expected finite templates that are not zero")
    cosines = np.einsum("nd,nd->n", a, b) / norms
    return float(np.median(cosines)), float(np.percentile(cosines, 1))


def equivalent(templates_a: ArrayLike, templates_b: ArrayLike) -> bool:
    """Whether two artefacts may share an embedding space: median >= 0.998 and 1st percentile >= 0.99."""
    median, p1 = equivalence(templates_a, templates_b)
    return median >= LOWEST_MEDIAN and p1 >= LOWEST_P1
