"""From LightGBM to ONNX without a silent difference: all heads in one graph.

LightGBM compares in float64, the graph in float32. A threshold that is no float32 is rounded by the
graph, and rows on it change sides (measured: 1.3 in raw score). So each threshold becomes the
largest float32 not above it, which changes nothing for float32 rows: x <= t says the same for both.

Trees give raw scores, side by side; a sigmoid of a * raw + b is taken of them in float64, so that
what is rare keeps its order. One node for all trees would be slower (measured: 10.2 ms for 8.6).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import lightgbm as lgb
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from core.errors import ConfigurationError
from training.head import LearnedHead

INPUT = "features"
OUTPUT = "probabilities"
OPSET = 15

_ENSEMBLE = "TreeEnsembleRegressor"
_ML = "ai.onnx.ml"
_THRESHOLDS = re.compile(r"^threshold=(.*)$", re.MULTILINE)
_FEATURES = re.compile(r"^split_feature=(.*)$", re.MULTILINE)
_OBJECTIVE = re.compile(r"^objective=binary sigmoid:1$", re.MULTILINE)
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
    text = booster.model_to_string(num_iteration=-1)
    columns = (pattern.findall(text) for pattern in (_FEATURES, _THRESHOLDS))
    found: set[tuple[int, float]] = set()
    for features, values in zip(*columns, strict=True):
        found.update(zip(map(int, features.split()), map(float, values.split()), strict=True))
    return sorted(found)


def to_onnx(heads: Sequence[LearnedHead]) -> bytes:
    """The graph: `features` float32 [n, n_features] to `probabilities` float32 [n, n_heads], in this order.

    The same heads give the same bytes. Raises ConfigurationError where all are constant, or the
    converter's graph is not of the form that this code knows.
    """
    ensembles = {head.name: _ensemble(head.booster()) for head in heads if not head.constant}
    if not ensembles:
        raise ConfigurationError("every head is a constant: there is nothing to rank by")
    # A constant head's a is 0: any raw column will do for it.
    some = next(iter(ensembles))
    raw = [head.name if head.name in ensembles else some for head in heads]
    trees = []
    for name, (_, node) in ensembles.items():
        named = onnx.NodeProto()
        named.CopyFrom(node)
        named.name, named.input[:], named.output[:] = name, [INPUT], [name]
        trees.append(named)
    calibrations = {
        "a": [head.calibration.a for head in heads],
        "b": [head.calibration.b for head in heads],
    }
    nodes = [
        *trees,
        helper.make_node("Concat", raw, ["raw"], name="heads", axis=1),
        helper.make_node("Cast", ["raw"], ["exact"], name="to_float64", to=TensorProto.DOUBLE),
        helper.make_node("Mul", ["exact", "a"], ["scaled"], name="times_a"),
        helper.make_node("Add", ["scaled", "b"], ["log_odds"], name="plus_b"),
        helper.make_node("Sigmoid", ["log_odds"], ["likely"], name="sigmoid"),
        helper.make_node("Cast", ["likely"], [OUTPUT], name="to_float32", to=TensorProto.FLOAT),
    ]
    tensors = [
        helper.make_tensor(name, TensorProto.DOUBLE, [1, len(heads)], values)
        for name, values in calibrations.items()
    ]
    model, _ = ensembles[some]
    slim = helper.make_model(
        helper.make_graph(
            nodes,
            "rankfeed",
            list(model.graph.input),
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, len(heads)])],
            tensors,
        ),
        producer_name="rankfeed",
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(_ML, _ml_opset(model))],
        ir_version=model.ir_version,
    )
    onnx.checker.check_model(slim)
    return bytes(slim.SerializeToString(deterministic=True))


def _ensemble(booster: lgb.Booster) -> tuple[onnx.ModelProto, onnx.NodeProto]:
    """The converter's model of the raw scores, and its one node of trees."""
    text = _TREE_SIZES.sub("", snap_thresholds(booster).model_to_string(num_iteration=-1))
    # Of a regression the converter gives the sum of the leaves, without a sigmoid of its own.
    summed, objectives = _OBJECTIVE.subn("objective=regression", text)
    model = convert_lightgbm(
        lgb.Booster(model_str=summed),
        name="rankfeed",  # else the graph is named by a random UUID
        initial_types=[(INPUT, FloatTensorType([None, booster.num_feature()]))],
        target_opset=OPSET,
        zipmap=False,
    )
    found = [node for node in model.graph.node if node.op_type == _ENSEMBLE]
    if len(found) != 1 or objectives != 1:
        kinds = ", ".join(node.op_type for node in model.graph.node)
        raise ConfigurationError(
            f"onnxmltools made a graph of {kinds} from {objectives} binary objectives; exactly one "
            f"{_ENSEMBLE} of one was expected. Install the locked versions with `make setup`."
        )
    return model, found[0]


def _ml_opset(model: onnx.ModelProto) -> int:
    return next(int(one.version) for one in model.opset_import if one.domain == _ML)
