"""From a trained network to the file that is shipped: ONNX, weights in float16, and proof that both say the same."""

from __future__ import annotations

import copy
import io
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mien.errors import InvalidArgument
from mien.lab.blocks import ConvNorm
from mien.types import Array, Image

__all__ = ["PARITY", "export", "parity", "shipped", "unfold"]

PARITY = 1e-4
"""How far probabilities of the runtime may lie from torch's."""

_LUMA = (0.299, 0.587, 0.114)
_SMALL = 64


class _OnColour(nn.Module):
    """The network behind a grey of three channels: (n, 3, H, W) of 0 to 1 -> its logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("luma", torch.tensor(_LUMA)[None, :, None, None])

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.network((images * self.luma).sum(1, keepdim=True))
        return logits


def shipped(network: nn.Module) -> nn.Module:
    """A copy as it is shipped: normalisation folded into convolutions, weights of values that float16 holds."""
    ready = copy.deepcopy(network).cpu().float().eval()
    for module in list(ready.modules()):
        if isinstance(module, ConvNorm):
            module[0] = fuse_conv_bn_eval(module[0], module[1])
            module[1] = nn.Identity()
    with torch.no_grad():
        for value in ready.parameters():
            value.copy_(value.half().float())
    return ready


def export(network: nn.Module, path: Path, *, side: int = 48) -> bytes:
    """Write a network as ONNX: input (n, 3, side, side) RGB of 0 to 1, output ``logits``; any number of images.

    Args:
        network: (n, 1, H, W) grey of 0 to 1 -> (n, c) logits, as from `shipped`.
        path: Where to.
        side: Width and height.

    Returns:
        What was written.
    """
    written, example = io.BytesIO(), torch.rand(2, 3, side, side)
    with warnings.catch_warnings():
        # What the exporter says of its own parts is nothing its users can mend.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _OnColour(network).eval(),
            (example,),
            written,
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            opset_version=18,
            dynamo=True,
            verbose=False,
        )
    model = onnx.load_model_from_string(written.getvalue())
    _forget(model)
    _halve(model)
    onnx.checker.check_model(model, full_check=True)
    data = bytes(model.SerializeToString(deterministic=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return data


def parity(network: nn.Module, path: Path, images: Image) -> float:
    """The largest difference of a probability between torch and ONNX Runtime.

    Args:
        network: As it was exported.
        path: What was exported.
        images: (n, H, W) uint8 grey.

    Raises:
        InvalidArgument: They differ by more than `PARITY`.
    """
    import onnxruntime

    grey = torch.from_numpy(np.ascontiguousarray(images))[:, None].float() / 255
    with torch.inference_mode():
        expected = network.eval()(grey).softmax(1).numpy()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"images": grey.expand(-1, 3, -1, -1).contiguous().numpy()})
    difference = float(np.abs(_softmax(logits) - expected).max())
    if difference > PARITY:
        raise InvalidArgument(f"{path}: expected torch's probabilities within {PARITY:g}, got {difference:.2g} off")
    return difference


def unfold(network: nn.Module, path: Path, images: Tensor) -> nn.Module:
    """Weights of a shipped file in a network that can be trained on: the way back from `shipped` and `export`.

    The file holds convolutions whose normalisation was folded in. It is put back with the statistics that the images
    give, so that the network says in evaluation what the file says, and goes on from there in training.

    Args:
        network: Of the file's architecture; its weights are replaced.
        path: The ONNX file.
        images: (n, 1, H, W) float32 grey of 0 to 1, from which statistics are taken; some thousands.

    Returns:
        The network.

    Raises:
        InvalidArgument: The file holds another architecture.
    """
    held = {
        tensor.name.removeprefix("network.").removesuffix(".f16"): torch.from_numpy(
            numpy_helper.to_array(tensor).astype(np.float32)
        )
        for tensor in onnx.load_model(path).graph.initializer
    }
    folded = shipped(network)
    wanted = folded.state_dict()
    if any(name not in held or held[name].shape != value.shape for name, value in wanted.items()):
        raise InvalidArgument(f"{path}: expected weights of the given network, got those of another")
    folded.load_state_dict({name: held[name] for name in wanted})
    network.load_state_dict({name: held[name] for name in wanted if name in network.state_dict()}, strict=False)
    hooks = [
        folded.get_submodule(f"{name}.0").register_forward_hook(partial(_unfold, module))
        for name, module in network.named_modules()
        if isinstance(module, ConvNorm)
    ]
    with torch.inference_mode():
        folded(images)
    for hook in hooks:
        hook.remove()
    return network


def _unfold(into: ConvNorm, convolution: nn.Module, _: object, maps: Tensor) -> None:
    """Normalise by what the maps are, and undo it: filters as long as fresh ones, since steps are as large for both."""
    filters, norm = into[0].weight.data, into[1]
    variance, mean = torch.var_mean(maps, (0, 2, 3), correction=0)
    scale = (filters[0].numel() * filters.flatten(1).square().mean(1) * 3).clamp(min=1e-12).rsqrt()
    filters *= scale[:, None, None, None]
    norm.running_mean.copy_((mean - convolution.bias) * scale)
    norm.running_var.copy_(variance * scale.square())
    norm.weight.data.copy_((norm.running_var + norm.eps).sqrt() / scale)
    norm.bias.data.copy_(mean)


def _softmax(logits: Array) -> Array:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def _forget(model: ModelProto) -> None:
    """The exporter notes where its code lies and what it passed through: nobody's business, and another each time."""
    graph = model.graph
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    model.doc_string = graph.doc_string = ""
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]


def _halve(model: ModelProto) -> None:
    """Keep large tensors as float16 and cast them where they are used: runtimes do it once, when they load."""
    graph = model.graph
    kept, casts = [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < _SMALL:
            kept.append(tensor)
            continue
        name = f"{tensor.name}.f16"
        kept.append(numpy_helper.from_array(values.astype(np.float16), name))
        casts.append(helper.make_node("Cast", [name], [tensor.name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
