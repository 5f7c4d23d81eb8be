"""From face crops to calibrated probabilities of seven apparent expressions."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

import cv2
import numpy as np

from mien import models
from mien.datasets import EXPRESSIONS
from mien.errors import InvalidArgument
from mien.models import Card, Session
from mien.types import Array, Image

__all__ = ["CLASSES", "MODELS", "ExpressionRecognizer", "Labelling"]

CLASSES = EXPRESSIONS
"""The classes, in FER2013's order."""

MODELS = MappingProxyType({"small": "expression-small", "accurate": "expression-accurate"})
"""Cards by the names users give."""

Labelling: TypeAlias = Literal["fer2013", "ferplus"]
"""Whose labels are foretold: FER2013's own, or the votes of FER+ (Barsoum et al., ICMI 2016) on the same photos."""

# Outputs of either labelling; FER+ has contempt, unknown and not-a-face after the seven, which are left out.
_COLUMNS: dict[str, tuple[int, slice]] = {"fer2013": (0, slice(0, 7)), "ferplus": (1, slice(7, 14))}
_CHUNK = 256


class ExpressionRecognizer:
    """Reads the apparent expression of face crops; safe to share between threads.

    What it tells is what people who were shown such photos chose from a list. It is not what a person feels, and it was
    not measured for groups of people. The data it was trained on carries no licence: see its card.

    Args:
        model: ``"small"``, or ``"accurate"``, which takes many times as long.
        labels: Whose labels to foretell, ``"fer2013"`` or ``"ferplus"``.
        threads: Processors to use, all that this process may by default.

    Raises:
        InvalidArgument: No such model or labelling.
        RuntimeUnavailable: No runtime here can run it.

    Examples:
        >>> recognizer = ExpressionRecognizer(model="small")
        >>> recognizer.predict(np.zeros((2, 48, 48), np.uint8)).shape
        (2, 7)
    """

    def __init__(self, model: str = "small", *, labels: str = "fer2013", threads: int | None = None) -> None:
        if model not in MODELS:
            raise InvalidArgument(f"model: expected one of {', '.join(MODELS)}, got {model!r}")
        if labels not in get_args(Labelling):
            raise InvalidArgument(f"labels: expected one of {', '.join(get_args(Labelling))}, got {labels!r}")
        self._session = _open(MODELS[model], threads)
        self._labels = labels
        classes = self._session.card.classes
        assert classes is not None
        self._mirrored = classes.mirrored
        self._temperature = classes.temperatures[_COLUMNS[labels][0]]
        _say_once(self._session.card)

    def predict(self, crops: Image) -> Array:
        """Probabilities of the classes, `CLASSES` in order.

        A crop should show one upright face and little else, as FER2013's do: from the brows' top to the chin, and ear
        to ear.

        Args:
            crops: (n, H, W, 3) RGB or (n, H, W) grey, uint8, of any size; n may be 0.

        Returns:
            (n, 7) float32, each row of sum 1.

        Raises:
            InvalidArgument: Other shapes or types.
        """
        _check(crops)
        rows = [self._probabilities(part) for part in _prepared(crops, self._size)]
        return np.concatenate(rows) if rows else np.empty((0, len(CLASSES)), np.float32)

    @property
    def _size(self) -> int:
        assert self._session.card.input.size is not None
        return self._session.card.input.size[0]

    def _probabilities(self, faces: Image) -> Array:
        answer = self._softmax(faces)
        if self._mirrored:
            other = self._softmax(np.ascontiguousarray(faces[:, :, ::-1]))
            answer = np.asarray((answer + other) / 2, np.float32)
        return answer

    def _softmax(self, faces: Image) -> Array:
        (logits,) = self._session.run(faces).values()
        values = logits[:, _COLUMNS[self._labels][1]] / np.float32(self._temperature)
        raised = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


@cache
def _open(name: str, threads: int | None) -> Session:
    return models.open_session(name, threads=threads)


@cache
def _say_once(card: Card) -> None:
    """Once a process and model, since whoever uses it should know."""
    if card.commercial != "yes":
        logging.getLogger("mien").warning(
            "%s: commercial use is %s. %s (mien models show %s)",
            card.name,
            card.commercial,
            card.commercial_note,
            card.name,
        )


def _check(crops: Image) -> None:
    shape = crops.shape if isinstance(crops, np.ndarray) else ()
    good = (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)) and crops.dtype == np.uint8
    if not good or min(shape[1:3]) < 1:
        got = f"{crops.dtype} {shape}" if isinstance(crops, np.ndarray) else type(crops).__name__
        raise InvalidArgument(f"crops: expected uint8 (n, H, W, 3) RGB or (n, H, W) grey, got {got}")


def _prepared(crops: Image, size: int) -> Iterator[Image]:
    """Batches of (b, size, size, 3) grey: colour told apart the sets the networks learnt from, not expressions."""
    for start in range(0, len(crops), _CHUNK):
        part = np.ascontiguousarray(crops[start : start + _CHUNK])
        grey = part
        if part.ndim == 4:
            n, height, width, _ = part.shape
            grey = cv2.cvtColor(part.reshape(n * height, width, 3), cv2.COLOR_RGB2GRAY).reshape(n, height, width)
        if grey.shape[1:] != (size, size):
            shrinks = min(grey.shape[1:]) >= size
            how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            grey = np.stack([cv2.resize(one, (size, size), interpolation=how) for one in grey])
        yield np.repeat(grey[..., None], 3, axis=3)
