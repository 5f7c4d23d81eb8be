"""dlib: for its own recognition network, which no other runtime reads."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import RuntimeUnavailable
from mien.models.registry import Card, Precision
from mien.models.session import Session, TimedSession
from mien.types import Array, Image

if TYPE_CHECKING:
    from dlib import face_recognition_model_v1

__all__ = ["open_model"]


class _DlibSession(TimedSession):
    backend = "dlib"

    def __init__(self, card: Card, network: face_recognition_model_v1) -> None:
        super().__init__(card, "CPU", "f32")
        self._network = network
        self._turn = threading.Lock()

    def _run(self, images: Image) -> dict[str, Array]:
        chips = [np.ascontiguousarray(image) for image in images]
        with self._turn, self._timed():
            descriptors = self._network.compute_face_descriptor(chips)
        return {self.card.outputs[0]: np.array(descriptors, np.float32)}


def open_model(card: Card, path: Path, device: str, precision: Precision, threads: int) -> Session:  # noqa: ARG001
    """Open a model; arguments and errors as in `mien.models.open_session`, ``threads`` is not used."""
    try:
        import dlib
    except ImportError as error:
        raise RuntimeUnavailable("dlib is not installed: pip install 'mien[dlib]'") from error
    if device not in {"cpu", "CPU"}:
        raise RuntimeUnavailable(f"dlib's binary packages run networks on the CPU only, not on {device}")
    if precision != "f32":
        raise RuntimeUnavailable(f"dlib computes this model in f32, not in {precision}")
    if path.suffix != ".dat":
        raise RuntimeUnavailable(f"dlib does not read {path.suffix} files")
    try:
        return _DlibSession(card, dlib.face_recognition_model_v1(str(path)))
    except RuntimeError as error:
        raise RuntimeUnavailable(f"dlib cannot read {path}: {error}") from error
