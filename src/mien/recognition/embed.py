"""Embedding: from aligned chips to templates that can be compared."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mien.faces.alignment import REFERENCE_LANDMARKS, align
from mien.models import Session
from mien.types import Array, Image

__all__ = ["SFACE_LOOK", "Embedder", "SecondLook", "fuse", "fuse_track"]


class SecondLook(NamedTuple):
    """Which faces are embedded a second time, mirrored.

    Features of hard faces (profile, blur, shade) have a small norm, and those are the ones that a second look steadies;
    it costs as much as the first. It fades in over a range of norms, so that a template does not jump with the last bit
    of a norm.

    Attributes:
        full: Features of this norm or less are the mean of both looks.
        none: Features of this norm or more are those of the first look.
    """

    full: float
    none: float


SFACE_LOOK = SecondLook(9.5, 10.5)
"""Of LFW crops this takes the hardest twentieth."""


class Embedder:
    """Computes templates.

    A template is the unit vector of the network's feature less the *origin*: the mean feature of a population.
    Cosine similarity measures angles at the origin of coordinates; where the features of all people lie to one side
    of it, strangers look alike. Moving the origin to their mean takes that away.

    Args:
        session: An open session of the recogniser that takes (n, s, s, 3) uint8 RGB.
        origin: (d,) float32, mean feature of the population the card names.
        reference: (5, 2), where the recogniser expects the landmarks in its chips, in pixels.
        second_look: Which faces are seen mirrored as well; None for none.
    """

    def __init__(
        self,
        session: Session,
        origin: ArrayLike,
        *,
        reference: Array = REFERENCE_LANDMARKS,
        second_look: SecondLook | None = SFACE_LOOK,
    ) -> None:
        assert session.card.input.size is not None
        self._session = session
        self._origin = np.asarray(origin, np.float32)
        self._reference = reference
        self._size = session.card.input.size[0]
        self._second_look = second_look

    def align(self, image: Image, landmarks: ArrayLike) -> Image:
        """Chips as the recogniser expects them: (n, s, s, 3) uint8 RGB; arguments as of `mien.faces.align`."""
        return align(image, landmarks, reference=self._reference, size=self._size)

    def embed(self, chips: Image) -> Array:
        """Templates of aligned faces.

        Args:
            chips: (n, s, s, 3) uint8 RGB, as from `align`.

        Returns:
            (n, d) float32 of unit length.
        """
        return self.embed_with_norms(chips)[0]

    def embed_with_norms(self, chips: Image) -> tuple[Array, Array]:
        """As `embed`, and (n,) float32: how long each was before it was brought to unit length, a sign of quality."""
        if not len(chips):
            return np.empty((0, len(self._origin)), np.float32), np.empty(0, np.float32)
        centred = self.features(chips) - self._origin
        return unit(centred), np.asarray(np.linalg.norm(centred, axis=1), np.float32)

    def features(self, chips: Image) -> Array:
        """The network's features, some faces seen twice: (n, d) float32 of any length; n >= 1."""
        features = self._run(chips)
        if self._second_look is None:
            return features
        norms = np.linalg.norm(features, axis=1)
        full, none = self._second_look
        fade = np.clip((none - norms) / (none - full), 0, 1)
        hard = np.flatnonzero(fade)
        if len(hard):
            mirrored = self._run(np.ascontiguousarray(chips[hard, :, ::-1]))
            weight = (fade[hard] / 2)[:, None]
            features[hard] = (1 - weight) * features[hard] + weight * mirrored
        return features

    def _run(self, chips: Image) -> Array:
        (features,) = self._session.run(chips).values()
        return np.array(features, np.float32)


def unit(vectors: Array) -> Array:
    """Rows scaled to unit length; a zero row stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1), np.float32)


def fuse(templates: ArrayLike) -> Array:
    """The template of a person from those of their samples: the mean, brought to unit length.

    Args:
        templates: (n, d) float32 of unit length, n >= 1.

    Returns:
        (d,) float32 of unit length.
    """
    return unit(np.asarray(templates, np.float32).mean(0))


def fuse_people(templates: ArrayLike, counts: ArrayLike) -> Array:
    """The templates of many people at once, each as by `fuse`.

    Args:
        templates: (n, d) float32 of unit length, one person's samples after the other's.
        counts: (m,) how many samples each person has, at least 1.

    Returns:
        (m, d) float32 of unit length; the same whoever else is among them.
    """
    counts = np.asarray(counts, np.int64)
    samples = np.asarray(templates, np.float32)
    if len(counts) == len(samples):
        return unit(samples)
    starts = np.cumsum(counts) - counts
    return unit(np.asarray(np.add.reduceat(samples, starts, axis=0) / counts[:, None], np.float32))


def fuse_track(templates: ArrayLike, quality: ArrayLike) -> Array:
    """The template of a track from its samples: the mean weighted by quality, brought to unit length.

    Args:
        templates: (n, d) float32 of unit length, n >= 1.
        quality: (n,) unified quality, 0 to 100.

    Returns:
        (d,) float32 of unit length.
    """
    # A sample of no quality at all still counts for a little: a track of nothing else has a template too.
    weights = np.maximum(np.asarray(quality, np.float32), 1.0)
    return unit(np.average(np.asarray(templates, np.float32), axis=0, weights=weights))
