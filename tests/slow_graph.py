"""Graphs that say the same as another one, and take long to say it."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper


def slow(graph: bytes, size: int) -> bytes:
    """With a product of two `size` by `size` matrices at every call, that changes nothing."""
    model = onnx.load_from_string(graph)
    heads = [output.name for output in model.graph.output]
    for node in model.graph.node:
        node.output[:] = [f"{one}_soon" if one in heads else one for one in node.output]
    model.graph.initializer.extend(
        [
            helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]),
            helper.make_tensor("size", TensorProto.INT64, [2], [size, size]),
        ]
    )
    model.graph.node.extend(
        [
            # Of the input's shape, so that nobody works it out beforehand.
            helper.make_node("Shape", [model.graph.input[0].name], ["shape"]),
            helper.make_node("Cast", ["shape"], ["sizes"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMax", ["sizes"], ["most"], keepdims=0),
            helper.make_node("Expand", ["most", "size"], ["square"]),
            helper.make_node("MatMul", ["square", "square"], ["product"]),
            helper.make_node("ReduceMax", ["product"], ["largest"], keepdims=0),
            helper.make_node("Mul", ["largest", "zero"], ["nothing"]),
            *(helper.make_node("Add", [f"{head}_soon", "nothing"], [head]) for head in heads),
        ]
    )
    return bytes(model.SerializeToString(deterministic=True))
