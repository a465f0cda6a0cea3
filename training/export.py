"""From LightGBM to ONNX without a silent difference.

LightGBM compares in float64, the graph in float32. A threshold that is no float32 is rounded by the
graph, and rows on it change sides (measured: 1.3 in raw score). So each threshold becomes the
largest float32 not above it, which changes nothing for float32 rows: x <= t says the same for both.
"""

from __future__ import annotations

import re

import lightgbm as lgb
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from core.errors import ConfigurationError

INPUT = "features"
OUTPUT = "probabilities"
OPSET = 15

_POSITIVE = "positive_class"
_THRESHOLDS = re.compile(r"^threshold=(.*)$", re.MULTILINE)
# It counts the bytes of the text that is about to change; LightGBM does without it.
_TREE_SIZES = re.compile(r"^tree_sizes=.*\n", re.MULTILINE)


def float32_not_above(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 not above each value."""
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
    above = rounded.astype(np.float64) > values
    return np.where(above, np.nextafter(rounded, np.float32(-np.inf)), rounded).astype(np.float32)


def snap_thresholds(booster: lgb.Booster) -> lgb.Booster:
    """The same trees with thresholds that float32 holds exactly."""

    def snapped(match: re.Match[str]) -> str:
        values = float32_not_above(np.array(match[1].split(), np.float64))
        return "threshold=" + " ".join(repr(float(value)) for value in values)

    text = _TREE_SIZES.sub("", booster.model_to_string(num_iteration=-1))
    return lgb.Booster(model_str=_THRESHOLDS.sub(snapped, text))


def thresholds(booster: lgb.Booster) -> list[tuple[int, float]]:
    """Each (feature, threshold) of the trees once, sorted."""
    found: set[tuple[int, float]] = set()
    waiting = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    while waiting:
        node = waiting.pop()
        if "threshold" in node:
            found.add((int(node["split_feature"]), float(node["threshold"])))
            waiting += [node["left_child"], node["right_child"]]
    return sorted(found)


def to_onnx(booster: lgb.Booster) -> bytes:
    """The graph: `features` float32 [n, n_features] to `probabilities` float32 [n, 1], of a click.

    The same booster gives the same bytes. Raises ConfigurationError where the converter's graph
    is not of the form that this code knows.
    """
    n_features = booster.num_feature()
    model = convert_lightgbm(
        snap_thresholds(booster),
        name="rankfeed",  # else the graph is named by a random UUID
        initial_types=[(INPUT, FloatTensorType([None, n_features]))],
        target_opset=OPSET,
        zipmap=False,
    )
    graph = model.graph
    trees = [node for node in graph.node if node.op_type == "TreeEnsembleClassifier"]
    if len(trees) != 1:
        kinds = ", ".join(node.op_type for node in graph.node)
        raise ConfigurationError(
            f"onnxmltools made a graph of {kinds}; exactly one TreeEnsembleClassifier was expected. "
            "Install the locked versions with `make setup`."
        )
    (ensemble,) = trees
    # The `label` output logs a warning at every call, and of the two classes only one is asked for.
    gather = helper.make_node("Gather", [ensemble.output[1], _POSITIVE], [OUTPUT], name="click", axis=1)
    positive = helper.make_tensor(_POSITIVE, TensorProto.INT64, [1], [1])
    output = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 1])
    slim = helper.make_model(
        helper.make_graph([ensemble, gather], "rankfeed", list(graph.input), [output], [positive]),
        producer_name="rankfeed",
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", _ml_opset(model))],
        ir_version=model.ir_version,
    )
    onnx.checker.check_model(slim)
    return bytes(slim.SerializeToString(deterministic=True))


def _ml_opset(model: onnx.ModelProto) -> int:
    return next(int(one.version) for one in model.opset_import if one.domain == "ai.onnx.ml")
