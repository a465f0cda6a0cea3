"""The graph says what the booster says, also where a plain conversion goes wrong without a word."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from core.errors import ConfigurationError
from training.booster import predict
from training.export import (
    INPUT,
    OPSET,
    OUTPUT,
    float32_not_above,
    snap_thresholds,
    thresholds,
    to_onnx,
)
from training.parity import MAX_DIFF, MIN_ROWS, GraphRunner, check_parity, trial_rows

N_FEATURES = 6


def rows(n: int = 2_000, *, seed: int = 1, missing: bool = True) -> NDArray[np.float32]:
    """Features around 0, one of them in epoch seconds, a tenth of one missing."""
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, (n, N_FEATURES)).astype(np.float32)
    values[:, 1] = 1.7e9 + 1e5 * values[:, 1]
    if missing:
        values[random.random(n) < 0.1, 2] = np.nan
    return values


def trained(inputs: NDArray[np.float32], *, trees: int = 30, seed: int = 1) -> lgb.Booster:
    random = np.random.default_rng(seed)
    raw = inputs[:, 0] + (inputs[:, 1] - 1.7e9) / 1e5 + np.nan_to_num(inputs[:, 2])
    clicked = random.random(len(inputs)) < 1 / (1 + np.exp(-raw))
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": seed}
    return lgb.train(parameters, lgb.Dataset(inputs, clicked.astype(np.float32)), trees)


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
    trial = trial_rows(booster, inputs, seed=2)
    assert predict(snapped, trial).tobytes() == predict(booster, trial).tobytes()


def test_the_graph_has_one_input_and_only_the_positive_class() -> None:
    booster = trained(rows())
    graph = onnx.load_from_string(to_onnx(booster)).graph
    assert [(one.name, _shape(one)) for one in graph.input] == [(INPUT, (None, N_FEATURES))]
    assert [(one.name, _shape(one)) for one in graph.output] == [(OUTPUT, (None, 1))]
    score = GraphRunner(to_onnx(booster)).score(rows(50, seed=9))
    np.testing.assert_allclose(score, predict(booster, rows(50, seed=9)), atol=1e-6)


def test_the_same_booster_gives_the_same_bytes() -> None:
    assert to_onnx(trained(rows())) == to_onnx(trained(rows()))


@pytest.mark.parametrize("missing", [True, False])
def test_the_gate_lets_a_right_graph_pass(missing: bool) -> None:
    inputs = rows(missing=missing)
    booster = trained(inputs)
    parity = check_parity(booster, to_onnx(booster), inputs, seed=1)
    assert parity.rows >= MIN_ROWS
    assert parity.max_diff <= MAX_DIFF
    assert parity.order_changes == 0
    assert parity.batch_invariant


def test_the_gate_lets_a_model_without_a_split_pass() -> None:
    inputs = np.zeros((100, N_FEATURES), np.float32)
    data = lgb.Dataset(inputs, np.r_[np.ones(40), np.zeros(60)])
    booster = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, 3)
    parity = check_parity(booster, to_onnx(booster), inputs, seed=1)
    assert parity.rows >= MIN_ROWS


def test_the_gate_refuses_a_plain_conversion() -> None:
    inputs = rows()
    booster = trained(inputs)
    plain = convert_lightgbm(
        booster,
        initial_types=[(INPUT, FloatTensorType([None, N_FEATURES]))],
        target_opset=OPSET,
        zipmap=False,
    )
    # Its thresholds round to the nearest float32: rows on them change sides.
    with pytest.raises(ConfigurationError, match=r"differ by up to .* row \d+: LightGBM 0\.\d+, ONNX 0\.\d+"):
        check_parity(booster, _positive_only(plain), inputs, seed=1)


def test_the_gate_refuses_another_booster_s_graph() -> None:
    inputs = rows()
    with pytest.raises(ConfigurationError, match="The model was not written"):
        check_parity(trained(inputs), to_onnx(trained(inputs, trees=31)), inputs, seed=1)


def test_trial_rows_stand_on_every_threshold_and_beside_it() -> None:
    inputs = rows()
    booster = trained(inputs)
    trial = trial_rows(booster, inputs, seed=1)
    assert trial.dtype == np.float32
    for feature, value in thresholds(snap_thresholds(booster)):
        column = set(trial[:, feature].tolist())
        exact = np.float32(value)
        for side in (np.float32(np.inf), np.float32(-np.inf)):
            assert {float(exact), float(np.nextafter(exact, side))} <= column
    assert np.isnan(trial).any(axis=0).all()
    assert np.isnan(trial).all(axis=1).any()


def _shape(value: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    return tuple(one.dim_value or None for one in value.type.tensor_type.shape.dim)


def _positive_only(model: onnx.ModelProto) -> bytes:
    """The graph with its second class alone as `probabilities`, as `to_onnx` leaves it."""
    graph = model.graph
    before = graph.output[1].name
    for node in graph.node:
        node.output[:] = ["both" if name == before else name for name in node.output]
    graph.initializer.append(onnx.helper.make_tensor("second", onnx.TensorProto.INT64, [1], [1]))
    graph.node.append(onnx.helper.make_node("Gather", ["both", "second"], [OUTPUT], axis=1))
    del graph.output[:]
    graph.output.append(onnx.helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.FLOAT, [None, 1]))
    return bytes(model.SerializeToString())
