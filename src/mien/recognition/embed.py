"""Embedding: from aligned chips to templates that can be compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mien.models import Session
from mien.types import Array, Image

__all__ = ["Embedder", "fuse", "fuse_track"]

# Features of hard faces (profile, blur, shade) have a small norm, and those are the ones that a second, mirrored look
# steadies; of LFW crops it takes the hardest twentieth, for a second look costs as much as the first. It fades in over
# a range of norms, so that a template does not jump with the last bit of a norm.
_SECOND_LOOK_FULL = 9.5
_SECOND_LOOK_NONE = 10.5


class Embedder:
    """Computes templates.

    A template is the unit vector of the network's feature less the *origin*: the mean feature of a population.
    Cosine similarity measures angles at the origin of coordinates; where the features of all people lie to one side
    of it, strangers look alike. Moving the origin to their mean takes that away.

    Args:
        session: An open session of the recogniser that takes (n, 112, 112, 3) uint8 RGB.
        origin: (d,) float32, mean feature of the population the card names.
    """

    def __init__(self, session: Session, origin: ArrayLike) -> None:
        self._session = session
        self._origin = np.asarray(origin, np.float32)

    def embed(self, chips: Image) -> Array:
        """Templates of aligned faces.

        Args:
            chips: (n, 112, 112, 3) uint8 RGB, as from `mien.faces.align`.

        Returns:
            (n, d) float32 of unit length.
        """
        if not len(chips):
            return np.empty((0, len(self._origin)), np.float32)
        return unit(self.features(chips) - self._origin)

    def features(self, chips: Image) -> Array:
        """The network's features, hard faces seen twice: (n, d) float32 of any length; n >= 1."""
        features = self._run(chips)
        norms = np.linalg.norm(features, axis=1)
        fade = np.clip((_SECOND_LOOK_NONE - norms) / (_SECOND_LOOK_NONE - _SECOND_LOOK_FULL), 0, 1)
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
