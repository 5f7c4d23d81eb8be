"""Running a model: one protocol over three runtimes, and the choice among them."""

from __future__ import annotations

import importlib
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, get_args

import numpy as np

from mien.errors import InvalidArgument, RuntimeUnavailable
from mien.models.registry import Backend, Card, Input, Precision, Run, card
from mien.models.weights import fetch
from mien.types import Array, Image

__all__ = ["Proof", "Session", "TimedSession", "available_threads", "open_session", "prove"]


class Session(Protocol):
    """An open model; threads may share it."""

    @property
    def model(self) -> str:
        """Name of the model's card."""

    @property
    def card(self) -> Card:
        """The model's card."""

    @property
    def backend(self) -> Backend:
        """``"openvino"``, ``"onnxruntime"``, ``"opencv"`` or ``"dlib"``."""

    @property
    def device(self) -> str:
        """The device that runs it, as the runtime names it: ``"CPU"``, ``"GPU.0"``, ``"CUDA"``."""

    @property
    def precision(self) -> Precision:
        """``"f32"``, ``"bf16"`` or ``"f16"``."""

    @property
    def seconds(self) -> float:
        """Time spent inside the runtime so far, summed over calls, in seconds."""

    def run(self, images: Image) -> dict[str, Array]:
        """Run the network; frees the GIL, where the runtime does (dlib does not).

        Args:
            images: (n, height, width, 3) uint8 RGB, of the size in the card; n >= 1.

        Returns:
            The network's outputs by name, float32, each with n rows.

        Raises:
            InvalidArgument: The images are not of that shape and type.
        """


@dataclass(frozen=True, slots=True)
class Proof:
    """What ran in a timed run.

    Attributes:
        model: Name of the model.
        backend: The runtime.
        device: The device that ran it.
        precision: The precision it ran in.
        milliseconds: Median time of one run.
        size: Width and height of the image it ran on, in pixels.
    """

    model: str
    backend: Backend
    device: str
    precision: Precision
    milliseconds: float
    size: tuple[int, int]


class TimedSession(ABC):
    """What the back-ends share: checking images and counting time.

    Args:
        card: The model's card.
        device: As the runtime names it.
        precision: What it computes in.
    """

    backend: Backend

    def __init__(self, card: Card, device: str, precision: Precision) -> None:
        self.card = card
        self.model = card.name
        self.device = device
        self.precision: Precision = precision
        self._seconds = 0.0
        self._clock = threading.Lock()

    @property
    def seconds(self) -> float:
        """Time spent inside the runtime so far, summed over calls, in seconds."""
        return self._seconds

    def run(self, images: Image) -> dict[str, Array]:
        """See `Session.run`."""
        _check_images(images, self.card)
        if self.card.input.batch or len(images) == 1:
            return self._run(images)
        rows = [self._run(images[i : i + 1]) for i in range(len(images))]
        return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}

    @abstractmethod
    def _run(self, images: Image) -> dict[str, Array]:
        """Run checked images; one at a time where the network takes no batch."""

    @contextmanager
    def _timed(self) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - start
            with self._clock:
                self._seconds += elapsed

    def __repr__(self) -> str:
        return f"<Session: {self.model} on {self.backend} {self.device}, {self.precision}>"


def _check_images(images: Image, card: Card) -> None:
    size, multiple = card.input.size, card.input.multiple
    shape = images.shape if isinstance(images, np.ndarray) else ()
    good = len(shape) == 4 and shape[0] > 0 and shape[3] == 3 and images.dtype == np.uint8
    if good and size is not None:
        good = shape[1:3] == (size[1], size[0])
    elif good:
        good = min(shape[1:3]) > 0 and shape[1] % multiple == 0 and shape[2] % multiple == 0
    if not good:
        extent = f"{size[1]}, {size[0]}" if size else f"height, width in multiples of {multiple}"
        got = f"{images.dtype} {shape}" if isinstance(images, np.ndarray) else type(images).__name__
        raise InvalidArgument(f"{card.name}: expected uint8 RGB images (n, {extent}, 3), n >= 1, got {got}")


def to_network(images: Image, spec: Input) -> Array:
    """Images as the network expects them: (n, 3, H, W) or (n, H, W, 3) float32, C-contiguous."""
    pixels = images[..., ::-1] if spec.colour == "BGR" else images
    if spec.layout == "NCHW":
        pixels = pixels.transpose(0, 3, 1, 2)
    values = pixels.astype(np.float32, order="C")
    if any(spec.mean):
        values -= np.array(spec.mean, np.float32).reshape((-1, 1, 1) if spec.layout == "NCHW" else (-1,))
    if spec.scale != 1.0:
        values *= np.float32(spec.scale)
    return values


def available_threads() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def open_session(
    name: str,
    *,
    backend: str | None = None,
    device: str = "cpu",
    precision: str | None = None,
    threads: int | None = None,
    path: str | Path | None = None,
) -> Session:
    """Open a model, fetching its weights on first use.

    Args:
        name: Name of a card.
        backend: ``"openvino"``, ``"onnxruntime"``, ``"opencv"`` or ``"dlib"``; by default the first in the card, which
            lists them by measured speed, that this machine can run.
        device: ``"cpu"``; ``"gpu"``, ``"cuda"``; or a back-end's own name, such as ``"openvino:GPU"``.
        precision: ``"f32"``, ``"bf16"`` or ``"f16"``; the card's choice by default.
        threads: Processors to use, all that this process may by default. OpenCV shares one setting among all its
            users, which is left as it is.
        path: The model's file, where it is not to be looked for.

    Raises:
        InvalidArgument: An argument is outside what it may be.
        UnknownModel, ModelUnavailable, HashMismatch: As `mien.models.fetch`.
        RuntimeUnavailable: The runtime is not installed, cannot run this model, or would not use the device or the
            precision asked for.
    """
    known = card(name)
    owner, _, own_name = device.rpartition(":")
    if owner and backend not in {None, owner}:
        raise InvalidArgument(f"device {device!r} belongs to {owner}, not to backend {backend!r}")
    _check_arguments(backend or owner or None, precision, threads)
    runs = _candidates(known, backend or owner or None, precision)
    if known.extra is not None and not any(find_spec(run.backend) for run in runs):
        raise RuntimeUnavailable(
            f"{name} is an extra that is not installed: pip install 'mien[{known.extra}]'", name=name
        )
    located = fetch(name, path=path)
    refusals = []
    for run in runs:
        try:
            opener = _opener(run.backend)
            return opener(known, located.path, own_name, run.precision, threads or available_threads())
        except RuntimeUnavailable as error:
            refusals.append(f"{run.backend} {run.precision}: {error.message}")
    raise RuntimeUnavailable(
        f"{name}: cannot run on device {device!r}: {'; '.join(refusals)}",
        name=name,
        device=device,
        refusals=[*refusals],
    )


def _check_arguments(backend: str | None, precision: str | None, threads: int | None) -> None:
    for value, allowed, what in ((backend, Backend, "backend"), (precision, Precision, "precision")):
        if value is not None and value not in get_args(allowed):
            raise InvalidArgument(f"{what}: expected one of {', '.join(get_args(allowed))}, got {value!r}")
    if threads is not None and threads < 1:
        raise InvalidArgument(f"threads: expected at least 1, got {threads}")


def _candidates(known: Card, backend: str | None, precision: str | None) -> list[Run]:
    """The card's ways to run a model that fit what was asked for; what was asked for itself where none does."""
    runs = [run for run in known.runs if backend in {None, run.backend} and precision in {None, run.precision}]
    if not runs:
        backends = [backend] if backend else [run.backend for run in known.runs]
        runs = [Run(name, precision or "f32") for name in dict.fromkeys(backends)]  # type: ignore[arg-type]
    return runs


Opener = Callable[[Card, Path, str, Precision, int], Session]


def _opener(backend: Backend) -> Opener:
    opener: Opener = importlib.import_module(f"mien.models._{backend}").open_model
    return opener


def prove(session: Session, *, repeats: int = 5) -> Proof:
    """Run a session and time it, as proof of what runs it.

    Args:
        session: An open session.
        repeats: Timed runs, after one that is not counted.

    Returns:
        The device that ran it and the median time of a run on one image.
    """
    width, height = session.card.input.size or (640, 640)
    image = np.zeros((1, height, width, 3), np.uint8)
    session.run(image)
    times = []
    for _ in range(repeats):
        start = session.seconds
        session.run(image)
        times.append(session.seconds - start)
    milliseconds = float(np.median(times)) * 1e3
    return Proof(session.model, session.backend, session.device, session.precision, milliseconds, (width, height))
