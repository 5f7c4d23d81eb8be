"""OpenVINO: the fastest of the three on every processor measured so far."""

from __future__ import annotations

import importlib
import queue
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import RuntimeUnavailable
from mien.models.folders import cache_folder
from mien.models.registry import Card, Input, Precision
from mien.models.session import Session, TimedSession
from mien.types import Array, Image

if TYPE_CHECKING:
    from openvino import CompiledModel, Core, InferRequest, Model

__all__ = ["open_model"]

# Streams of one thread each waste no time waiting for one another: with two of them a batch costs a quarter less CPU
# time than with one stream of two threads. A single face then takes 9 ms instead of 5.
_THREADS_A_STREAM = 1
_DEVICES = {"cpu": "CPU", "gpu": "GPU"}


class _OpenVINOSession(TimedSession):
    backend = "openvino"

    def __init__(self, card: Card, device: str, precision: Precision, compiled: CompiledModel, requests: int) -> None:
        super().__init__(card, device, precision)
        # A tensor may bear several names, and which one comes first is left to chance.
        names = [next(name for name in card.outputs if name in port.get_names()) for port in compiled.outputs]
        self._outputs = names
        self._idle: queue.SimpleQueue[InferRequest] = queue.SimpleQueue()
        self._requests = requests
        for _ in range(requests):
            self._idle.put(compiled.create_infer_request())

    def _run(self, images: Image) -> dict[str, Array]:
        images = np.ascontiguousarray(images)
        requests = [self._idle.get()]
        # Never waits for a second request: a caller that holds one and waits would lock out another that does too.
        while len(requests) < min(len(images) // 2, self._requests) and not self._idle.empty():
            try:
                requests.append(self._idle.get_nowait())
            except queue.Empty:
                break
        try:
            with self._timed():
                self._infer(requests, np.array_split(images, len(requests)))
            if len(requests) == 1:
                # The tensors belong to the request, and its next user overwrites them.
                return {name: requests[0].get_output_tensor(i).data.copy() for i, name in enumerate(self._outputs)}
            parts = [[request.get_output_tensor(i).data for request in requests] for i in range(len(self._outputs))]
            return {name: np.concatenate(part) for name, part in zip(self._outputs, parts, strict=True)}
        finally:
            for request in requests:
                self._idle.put(request)

    @staticmethod
    def _infer(requests: list[InferRequest], parts: list[Image]) -> None:
        for request, part in zip(requests[1:], parts[1:], strict=True):
            request.start_async({0: part}, share_inputs=True)
        try:
            requests[0].infer({0: parts[0]}, share_inputs=True, share_outputs=True)
        finally:
            for request in requests[1:]:
                request.wait()


def open_model(card: Card, path: Path, device: str, precision: Precision, threads: int) -> Session:
    """Open a model; arguments and errors as in `mien.models.open_session`."""
    core = _load_openvino().Core()
    name = _device(core, device)
    capabilities = core.get_property(name, "OPTIMIZATION_CAPABILITIES")
    if {"f32": "FP32", "bf16": "BF16", "f16": "FP16"}[precision] not in capabilities:
        raise RuntimeUnavailable(f"{core.get_property(name, 'FULL_DEVICE_NAME')} does not compute in {precision}")
    streams = max(1, threads // _THREADS_A_STREAM)
    config: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": str(streams)}
    if name == "CPU":
        config["INFERENCE_NUM_THREADS"] = threads
    try:
        model = _with_preprocessing(core.read_model(path), card.input)
        compiled = _compile(core, model, name, config)
    except RuntimeError as error:
        raise RuntimeUnavailable(f"OpenVINO cannot run {card.name}: {str(error).strip().splitlines()[-1]}") from error
    used = compiled.get_property("EXECUTION_DEVICES")
    if any(not entry.startswith(name.split(".")[0]) for entry in used):
        raise RuntimeUnavailable(f"OpenVINO would run on {', '.join(used)}, not on {name}")
    return _OpenVINOSession(card, ",".join(used), precision, compiled, streams)


def _load_openvino() -> ModuleType:
    """OpenVINO without its telemetry: just importing it would report to Google Analytics and leave a mark in $HOME."""
    loaded = sys.modules.get("openvino_telemetry")
    # OpenVINO takes the entry for a package that is not installed, and puts a stand-in of its own in its place.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("openvino")
    finally:
        sys.modules.pop("openvino_telemetry", None)
        if loaded is not None:
            sys.modules["openvino_telemetry"] = loaded


def _device(core: Core, device: str) -> str:
    name = _DEVICES.get(device, device)
    available = core.available_devices
    if not any(entry == name or entry.startswith(f"{name}.") for entry in available):
        raise RuntimeUnavailable(f"OpenVINO sees no {name} here, only {', '.join(available)}")
    return name


def _compile(core: Core, model: Model, name: str, config: dict[str, Any]) -> CompiledModel:
    """Compile, keeping the result in Mien's cache, which makes opening three times as fast; without it if need be."""
    folder = cache_folder() / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return core.compile_model(model, name, {**config, "CACHE_DIR": str(folder)})
    except (OSError, RuntimeError):
        return core.compile_model(model, name, config)


def _with_preprocessing(model: Model, spec: Input) -> Model:
    """Build into the graph what turns (n, H, W, 3) uint8 RGB into the network's input."""
    import openvino
    from openvino.preprocess import ColorFormat, PrePostProcessor

    if spec.batch and spec.layout == "NHWC" and spec.size is not None:
        model.reshape(openvino.PartialShape([-1, spec.size[1], spec.size[0], 3]))
    processor = PrePostProcessor(model)
    port = processor.input()
    port.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    port.tensor().set_color_format(ColorFormat.RGB)
    steps = port.preprocess().convert_element_type(openvino.Type.f32)
    if spec.colour == "BGR":
        steps.convert_color(ColorFormat.BGR)
    if any(spec.mean):
        steps.mean(list(spec.mean))
    if spec.scale != 1.0:
        steps.scale(1.0 / spec.scale)
    port.model().set_layout(openvino.Layout(spec.layout))
    return processor.build()
