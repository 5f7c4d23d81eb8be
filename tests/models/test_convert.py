from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.models.convert import convert

RNG = np.random.default_rng(3)
QUANTISED = RNG.integers(-128, 128, (4, 6, 1, 1)).astype(np.int8)


def network(scale, zero_point, **attributes):
    """A 1x1 convolution whose weights are dequantised in the graph, with a stale input and a batch of one."""
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["w"], **attributes),
        helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    tensors = [
        numpy_helper.from_array(value, name)
        for name, value in (("q", QUANTISED), ("scale", scale), ("zero", zero_point))
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 6, 8, 8]),
        helper.make_tensor_value_info("stale", TensorProto.FLOAT, [5]),
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 8, 8])]
    graph = helper.make_graph(nodes, "toy", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


@pytest.mark.parametrize(
    ("shape", "attributes"),
    [
        pytest.param((), {}, id="per tensor"),
        pytest.param((4,), {"axis": 0}, id="per axis"),
        pytest.param((4, 3, 1, 1), {"axis": 1, "block_size": 2}, id="blocks"),
        pytest.param((4, 2, 1, 1), {"axis": 1, "block_size": 4}, id="last block short"),
    ],
)
def test_folded_weights_are_what_the_standard_says(shape, attributes):
    scale = RNG.uniform(0.01, 0.1, shape).astype(np.float32)
    zero = RNG.integers(-5, 5, shape).astype(np.int8)
    model = onnx.load_model_from_string(
        convert(network(np.array(scale), np.array(zero), **attributes).SerializeToString(), free_spatial=False)
    )
    assert [node.op_type for node in model.graph.node] == ["Conv"]
    assert [value.name for value in model.graph.input] == ["x"]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    weights = numpy_helper.to_array(model.graph.initializer[0])
    for out in range(4):
        for into in range(6):
            where = () if shape == () else (out,) if len(shape) == 1 else (out, into // attributes["block_size"], 0, 0)
            expected = (float(QUANTISED[out, into, 0, 0]) - float(zero[where])) * float(scale[where])
            assert weights[out, into, 0, 0] == pytest.approx(expected, rel=1e-6)


def test_the_same_file_gives_the_same_bytes_and_free_height_and_width():
    data = network(np.float32(0.1), np.int8(0)).SerializeToString()
    first, second = convert(data, free_spatial=True), convert(data, free_spatial=True)
    assert first == second
    dims = onnx.load_model_from_string(first).graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_param or dim.dim_value for dim in dims] == ["batch", 6, "height", "width"]
