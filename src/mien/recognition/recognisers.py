"""The recognisers: networks that embed faces, each with its own alignment, embedding space and pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from mien import models
from mien.errors import UnknownModel
from mien.faces import default_detector, default_landmarker
from mien.faces.alignment import REFERENCE_LANDMARKS
from mien.recognition.embed import SFACE_LOOK, Embedder, SecondLook
from mien.recognition.pipeline import OnError, Pipeline
from mien.types import Array, Faces

if TYPE_CHECKING:
    from mien.media import Source

__all__ = [
    "DEFAULT",
    "RECOGNISERS",
    "Recogniser",
    "default_pipeline",
    "find",
    "find_all",
    "models_of",
    "pipeline_for",
    "pipeline_name",
]

DEFAULT = "sface"
"""Name of the recogniser that is used unless told otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Recogniser:
    """How faces are brought before a network, and what its features are made into.

    Attributes:
        model: Name of the network's card.
        reference: (5, 2) float32, where the landmarks lie in its chip, in pixels; order as in `Faces.landmarks`.
        second_look: Which faces are seen mirrored as well; None for none.
        variant: The part of the pipeline's name that tells alignment and second look.
    """

    model: str
    reference: Array
    second_look: SecondLook | None
    variant: str


# Where refined landmarks lie in the chips that dlib itself cuts out: medians over the Face Research Lab London set.
_DLIB_REFERENCE: Array = np.array([[46.6, 44.5], [101.2, 44.4], [74.2, 76.2], [51.1, 104.7], [96.8, 104.7]], np.float32)

RECOGNISERS = MappingProxyType(
    {
        "sface": Recogniser("sface-2021dec", REFERENCE_LANDMARKS, SFACE_LOOK, "second-look"),
        "dlib": Recogniser("dlib-resnet-v1", _DLIB_REFERENCE, None, "single-look"),
    }
)
"""By name."""


def pipeline_for(recogniser: str) -> Pipeline:
    """The pipeline of a recogniser; made once, shared by all threads.

    Args:
        recogniser: Its name, or the embedding space of its templates.

    Raises:
        UnknownModel: No recogniser of that name or space.
        RuntimeUnavailable: It is an extra that is not installed; the message says how to install it.
        ModelUnavailable: Weights are missing and could not be fetched.
    """
    return _open(_named(recogniser))


def pipeline_name(recogniser: str) -> str:
    """The name of a recogniser's pipeline, which takes none of its networks.

    Args:
        recogniser: See `pipeline_for`.

    Raises:
        UnknownModel: No recogniser of that name or space.
    """
    known = RECOGNISERS[_named(recogniser)]
    return f"yunet-2023mar/mesh5/{models.card(known.model).space}/{known.variant}/mean"


def _named(recogniser: str) -> str:
    for name, known in RECOGNISERS.items():
        if recogniser in (name, models.card(known.model).space):
            return name
    spaces = [f"{name} (space {models.card(known.model).space})" for name, known in RECOGNISERS.items()]
    raise UnknownModel(
        f"no recogniser is called {recogniser!r}; known are {', '.join(spaces)}",
        name=recogniser,
        known=list(RECOGNISERS),
    )


@cache
def _open(name: str) -> Pipeline:
    known = RECOGNISERS[name]
    session = models.open_session(known.model)
    card = session.card
    assert card.space is not None
    assert card.dimension is not None
    return Pipeline(
        default_detector(),
        default_landmarker(),
        Embedder(
            session, card.origin or np.zeros(card.dimension), reference=known.reference, second_look=known.second_look
        ),
        name=pipeline_name(name),
        space=card.space,
        artefact=f"{session.backend}/{session.precision}",
        dimension=card.dimension,
    )


def models_of(recogniser: str) -> tuple[str, ...]:
    """Names of the models that a recogniser's pipeline runs.

    Raises:
        UnknownModel: No recogniser of that name.
    """
    if recogniser not in RECOGNISERS:
        raise UnknownModel(f"no recogniser is called {recogniser!r}", name=recogniser, known=list(RECOGNISERS))
    return ("yunet-2023mar", "face-mesh-468", RECOGNISERS[recogniser].model)


def default_pipeline() -> Pipeline:
    """The pipeline every function of Mien uses unless told otherwise; see `pipeline_for`."""
    return pipeline_for(DEFAULT)


def find(source: Source) -> Faces:
    """The faces of one image, with templates and quality; see `Pipeline.find`."""
    return default_pipeline().find(source)


def find_all(sources: Iterable[Source], *, on_error: OnError | None = None) -> Iterator[Faces]:
    """The faces of many images, one `Faces` each, in order, in constant memory; see `Pipeline.find_all`."""
    return default_pipeline().find_all(sources, on_error=on_error)
