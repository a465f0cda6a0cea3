"""The graph says what the booster says, also where a plain conversion goes wrong without a word."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import onnx
import pytest

from core.errors import ConfigurationError
from ranking.bundle import Calibration
from tests.unit.training.trained import N_FEATURES, head_of, rows, trained
from training.booster import raw_scores
from training.export import INPUT, OUTPUT, float32_not_above, snap_thresholds, thresholds, to_onnx
from training.parity import GraphRunner, expected, trial_rows


def test_a_float32_not_above_is_the_largest_one() -> None:
    values = np.array([0.1, -0.1, 1.0, 1e300, -1e300, 1e-300, 1e-35, 16_777_217.0])
    below = float32_not_above(values)
    assert (below.astype(np.float64) <= values).all()
    with np.errstate(over="ignore"):
        following = np.nextafter(below, np.float32(np.inf))
    assert (following.astype(np.float64) > values).all()
    assert below.dtype == np.float32


def test_snapping_makes_every_threshold_a_float32_and_changes_no_prediction() -> None:
    inputs = rows()
    booster = trained(inputs)
    snapped = snap_thresholds(booster)
    exact = [float(np.float32(value)) == value for _, value in thresholds(snapped)]
    assert all(exact)
    assert not all(float(np.float32(value)) == value for _, value in thresholds(booster))
    trial = trial_rows([head_of(booster)], inputs, seed=2).rows
    assert raw_scores(snapped, trial).tobytes() == raw_scores(booster, trial).tobytes()


def test_thresholds_are_those_of_the_trees() -> None:
    booster = trained(rows())
    found: set[tuple[int, float]] = set()
    waiting = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    while waiting:
        node = waiting.pop()
        if "threshold" in node:
            found.add((int(node["split_feature"]), float(node["threshold"])))
            waiting += [node["left_child"], node["right_child"]]
    assert thresholds(booster) == sorted(found)


def test_the_graph_has_one_input_and_a_column_a_head() -> None:
    heads = [head_of(trained(rows())), head_of(None, "hide"), head_of(trained(rows(), seed=2), "like")]
    raw = to_onnx(heads)
    graph = onnx.load_from_string(raw).graph
    assert [(one.name, _shape(one)) for one in graph.input] == [(INPUT, (None, N_FEATURES))]
    assert [(one.name, _shape(one)) for one in graph.output] == [(OUTPUT, (None, 3))]
    some = rows(50, seed=9)
    scores = GraphRunner(raw).score(some)
    np.testing.assert_allclose(scores, expected(heads, some), atol=1e-6)
    # The constant, whatever the row; and each head by its own trees.
    assert set(scores[:, 1].tolist()) == {float(np.float32(1 / (1 + np.exp(3.0))))}
    assert np.abs(scores[:, 0] - scores[:, 2]).max() > 0.01


def test_what_is_rare_keeps_its_order() -> None:
    booster = trained(rows())
    rare = [head_of(booster, calibration=Calibration(0.5, -14.0))]
    some = rows(300, seed=9)
    raw = raw_scores(booster, some)
    order = np.argsort(raw)[np.r_[True, np.diff(np.sort(raw)) > 1e-4]]
    assert (np.diff(GraphRunner(to_onnx(rare)).score(some)[order, 0]) > 0).all()


def test_the_same_heads_give_the_same_bytes() -> None:
    assert to_onnx([head_of(trained(rows()))]) == to_onnx([head_of(trained(rows()))])


def test_constants_alone_are_no_graph() -> None:
    with pytest.raises(ConfigurationError, match="nothing to rank by"):
        to_onnx([head_of(None)])


def test_trees_of_another_objective_are_refused() -> None:
    booster = lgb.train({"verbosity": -1, "num_threads": 1}, lgb.Dataset(rows(), rows()[:, 0].copy()), 2)
    with pytest.raises(ConfigurationError, match="0 binary objectives"):
        to_onnx([head_of(booster)])


def _shape(value: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    return tuple(one.dim_value or None for one in value.type.tensor_type.shape.dim)
