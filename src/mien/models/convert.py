"""Deterministic conversion of published ONNX files into ones every runtime accepts.

The OpenCV Zoo's block-quantised files carry weights as ``DequantizeLinear`` nodes with a block size (refused
by ONNX Runtime when there is one block), list folded constants as graph inputs, and fix the batch to one.
Every step below is element-wise or structural, so the bytes that come out are the same on every machine and
their sha256 is pinned in the model's card.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

__all__ = ["convert"]


def convert(data: bytes, *, free_spatial: bool) -> bytes:
    """Fold constants, drop stale graph inputs and free the batch of an ONNX file.

    Args:
        data: The published file.
        free_spatial: Free height and width of four-dimensional inputs as well (fully convolutional networks).

    Returns:
        The converted file; the same input gives the same bytes.

    Raises:
        google.protobuf.message.DecodeError: ``data`` is not an ONNX file.
    """
    import onnx

    model = onnx.load_model_from_string(data)
    graph = model.graph
    _fold_constants(graph)
    _drop_stale_inputs(graph)
    _free_dimensions(graph, free_spatial=free_spatial)
    onnx.checker.check_model(model)
    return _serialise(model)


def _serialise(model: ModelProto) -> bytes:
    return bytes(model.SerializeToString(deterministic=True))


def _fold_constants(graph: GraphProto) -> None:
    """Replace ``DequantizeLinear`` and ``Reshape`` nodes whose inputs are all constants by their value."""
    from onnx import numpy_helper

    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        foldable = node.op_type in {"DequantizeLinear", "Reshape"} and all(name in constants for name in node.input)
        if foldable:
            constants[node.output[0]] = _evaluate(node, [constants[name] for name in node.input])
        else:
            kept.append(node)
    used = {name for node in kept for name in node.input}
    del graph.node[:]
    graph.node.extend(kept)
    del graph.initializer[:]
    graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(constants[name]), name) for name in sorted(used & constants.keys())
    )


def _evaluate(node: NodeProto, inputs: list[NDArray[Any]]) -> NDArray[Any]:
    if node.op_type == "Reshape":
        return inputs[0].reshape(tuple(int(n) for n in inputs[1]))
    quantised, scale, zero_point = inputs
    attributes = {attribute.name: attribute.i for attribute in node.attribute}
    axis = attributes.get("axis", 1)
    block = attributes.get("block_size", 0)
    if block:
        length = quantised.shape[axis]
        scale = np.repeat(scale, block, axis=axis).take(np.arange(length), axis=axis)
        zero_point = np.repeat(zero_point, block, axis=axis).take(np.arange(length), axis=axis)
    elif scale.ndim == 1 and scale.size > 1:
        shape = [1] * quantised.ndim
        shape[axis] = scale.size
        scale, zero_point = scale.reshape(shape), zero_point.reshape(shape)
    centred = quantised.astype(np.int32) - zero_point.astype(np.int32)
    return np.asarray(centred.astype(np.float32) * scale.astype(np.float32))


def _drop_stale_inputs(graph: GraphProto) -> None:
    """Keep as graph inputs only what a caller feeds: names some node reads and no initialiser provides."""
    provided = {tensor.name for tensor in graph.initializer}
    used = {name for node in graph.node for name in node.input}
    live = [value for value in graph.input if value.name in used and value.name not in provided]
    del graph.input[:]
    graph.input.extend(live)
    del graph.value_info[:]


def _free_dimensions(graph: GraphProto, *, free_spatial: bool) -> None:
    from onnx import numpy_helper

    for value in [*graph.input, *graph.output]:
        dims = value.type.tensor_type.shape.dim
        dims[0].dim_param = "batch"
        if free_spatial and len(dims) == 4:
            dims[2].dim_param, dims[3].dim_param = "height", "width"
        elif free_spatial:
            dims[1].dim_param = f"anchors_{value.name}"
    if not free_spatial:
        return
    targets = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    for index, tensor in enumerate(graph.initializer):
        if tensor.name in targets:
            shape = numpy_helper.to_array(tensor)
            freed = np.array([0, -1, shape[-1]], dtype=np.int64)
            graph.initializer[index].CopyFrom(numpy_helper.from_array(freed, tensor.name))
