"""ONNX Runtime: for GPUs that OpenVINO does not drive, and as a second opinion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import RuntimeUnavailable
from mien.models.registry import Card, Precision
from mien.models.session import Session, TimedSession, to_network
from mien.types import Array, Image

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["open_model"]

_PROVIDERS = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider",),
    "gpu": ("CUDAExecutionProvider", "MIGraphXExecutionProvider", "DmlExecutionProvider", "CoreMLExecutionProvider"),
}


class _OnnxRuntimeSession(TimedSession):
    backend = "onnxruntime"

    def __init__(self, card: Card, device: str, session: InferenceSession) -> None:
        super().__init__(card, device, "f32")
        self._session = session
        self._input = session.get_inputs()[0].name

    def _run(self, images: Image) -> dict[str, Array]:
        blob = to_network(images, self.card.input)
        with self._timed():
            values = self._session.run(list(self.card.outputs), {self._input: blob})
        return dict(zip(self.card.outputs, values, strict=True))


def open_model(card: Card, path: Path, device: str, precision: Precision, threads: int) -> Session:
    """Open a model; arguments and errors as in `mien.models.open_session`."""
    try:
        import onnxruntime
    except ImportError as error:
        raise RuntimeUnavailable("ONNX Runtime is not installed: pip install 'mien[onnxruntime]'") from error
    if path.suffix != ".onnx":
        raise RuntimeUnavailable(f"ONNX Runtime does not read {path.suffix} files")
    if precision != "f32":
        raise RuntimeUnavailable(f"ONNX Runtime computes this model in f32, not in {precision}")
    wanted = _PROVIDERS.get(device, (device,))
    available = onnxruntime.get_available_providers()
    provider = next((name for name in wanted if name in available), None)
    if provider is None:
        raise RuntimeUnavailable(f"this ONNX Runtime has no {' or '.join(wanted)}, only {', '.join(available)}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(path, options, providers=[provider])
    except Exception as error:
        # Its errors share no base class of their own.
        raise RuntimeUnavailable(f"ONNX Runtime cannot run {card.name} on {provider}: {error}") from error
    # Where a provider fails to start, ONNX Runtime goes on with the CPU and only logs it.
    used = session.get_providers()[0]
    if used != provider:
        raise RuntimeUnavailable(f"ONNX Runtime would run on {used}, not on {provider}")
    session.disable_fallback()
    return _OnnxRuntimeSession(card, used.removesuffix("ExecutionProvider"), session)
