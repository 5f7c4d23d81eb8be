"""OpenCV's DNN module: on the CPU, for what the other runtimes do not read."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import RuntimeUnavailable
from mien.models.registry import Card, Precision
from mien.models.session import Session, TimedSession, to_network
from mien.types import Array, Image

if TYPE_CHECKING:
    from cv2.dnn import Net

__all__ = ["open_model"]


class _OpenCVSession(TimedSession):
    backend = "opencv"

    def __init__(self, card: Card, net: Net) -> None:
        super().__init__(card, "CPU", "f32")
        # OpenCV turns the channel order of TensorFlow Lite files into its own.
        self._spec = dataclasses.replace(card.input, layout="NCHW")
        self._net = net
        self._turn = threading.Lock()

    def _run(self, images: Image) -> dict[str, Array]:
        blob = to_network(images, self._spec)
        with self._turn, self._timed():
            self._net.setInput(blob)
            values = self._net.forward(list(self.card.outputs))
        return {name: np.array(value) for name, value in zip(self.card.outputs, values, strict=True)}


def open_model(card: Card, path: Path, device: str, precision: Precision, threads: int) -> Session:  # noqa: ARG001
    """Open a model; arguments and errors as in `mien.models.open_session`, ``threads`` is not used."""
    import cv2

    if device not in {"cpu", "CPU"}:
        raise RuntimeUnavailable(f"OpenCV's binary packages run networks on the CPU only, not on {device}")
    if precision != "f32":
        raise RuntimeUnavailable(f"OpenCV computes this model in f32, not in {precision}")
    tflite = path.suffix == ".tflite"
    try:
        # The newer engine hides all outputs but one of a TensorFlow Lite file.
        net = cv2.dnn.readNet(str(path), "", "", cv2.dnn.ENGINE_CLASSIC if tflite else cv2.dnn.ENGINE_AUTO)
    except cv2.error as error:
        raise RuntimeUnavailable(f"OpenCV cannot read {path}: {error}") from error
    return _OpenCVSession(card, net)
