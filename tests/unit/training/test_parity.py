"""The gate lets a right graph pass, and names the rows of one that is wrong."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import onnx
import pytest
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from core.errors import ConfigurationError
from features.schema import FEATURES
from ranking.admission import MAX_DIFF
from ranking.bundle import Calibration
from tests.unit.training.trained import N_FEATURES, head_of, rows, trained
from training.booster import raw_scores
from training.export import float32_not_above, thresholds, to_onnx
from training.parity import MIN_ROWS, check_parity, expected, trial_rows


@pytest.mark.parametrize("missing", [True, False])
def test_a_right_graph_of_several_heads_passes(missing: bool) -> None:
    inputs = rows(missing=missing)
    rare = Calibration(1.3, -8.0)
    heads = [head_of(trained(inputs)), head_of(None, "hide"), head_of(trained(inputs, seed=2), "like", rare)]
    parity = check_parity(heads, to_onnx(heads), inputs, seed=1)
    assert parity.rows >= MIN_ROWS
    assert parity.max_diff <= MAX_DIFF
    assert parity.order_changes == 0
    assert parity.batch_invariant


def test_a_model_without_a_split_passes() -> None:
    inputs = np.zeros((100, N_FEATURES), np.float32)
    data = lgb.Dataset(inputs, np.r_[np.ones(40), np.zeros(60)])
    heads = [head_of(lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, 3))]
    assert check_parity(heads, to_onnx(heads), inputs, seed=1).rows >= MIN_ROWS


def test_the_reference_is_lightgbm_s_raw_score_and_the_sigmoid() -> None:
    inputs, booster = rows(50), trained(rows())
    wanted = 1 / (1 + np.exp(-(0.9 * raw_scores(booster, inputs) - 0.25)))
    np.testing.assert_allclose(expected([head_of(booster)], inputs)[:, 0], wanted, rtol=1e-12)
    np.testing.assert_allclose(expected([head_of(None)], inputs)[:, 0], 1 / (1 + np.exp(3.0)))


def test_a_plain_conversion_is_refused_with_the_rows_and_what_decides() -> None:
    inputs = rows()
    heads = [head_of(None, "hide"), head_of(trained(inputs), "like")]
    # Its thresholds round to the nearest float32: rows on them change sides.
    with pytest.raises(ConfigurationError, match="The model was not written") as refused:
        check_parity(heads, _with_plain_trees(heads[1].booster(), to_onnx(heads)), inputs, seed=1)
    message = str(refused.value)
    assert "over " in message
    assert "like, row " in message
    assert "(input 1 = 1" in message
    assert "LightGBM 0." in message
    assert "ONNX 0." in message


def test_the_deciding_input_has_its_name() -> None:
    inputs = np.random.default_rng(1).normal(0, 1, (500, len(FEATURES))).astype(np.float32)
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    booster = lgb.train(parameters, lgb.Dataset(inputs, inputs[:, 3] > 0), 5)
    heads = [head_of(booster)]
    with pytest.raises(ConfigurationError, match=rf"click, row \d+ \({FEATURES[3]} = "):
        check_parity(heads, to_onnx([head_of(_shifted(booster))]), inputs, seed=1)


def test_another_calibration_is_refused() -> None:
    inputs, booster = rows(), trained(rows())
    other = head_of(booster, calibration=Calibration(0.9, -0.2501))
    with pytest.raises(ConfigurationError, match="differ by up to"):
        check_parity([head_of(booster)], to_onnx([other]), inputs, seed=1)


def test_trial_rows_stand_on_every_threshold_of_every_head_and_beside_it() -> None:
    inputs = rows()
    heads = [head_of(trained(inputs)), head_of(None, "hide"), head_of(trained(inputs, seed=2), "like")]
    trial = trial_rows(heads, inputs, seed=1)
    assert trial.rows.dtype == np.float32
    for head in (heads[0], heads[2]):
        for feature, value in thresholds(head.booster()):
            column = set(trial.rows[trial.columns == feature, feature].tolist())
            exact = float32_not_above(np.array([value]))[0]
            for side in (np.float32(np.inf), np.float32(-np.inf)):
                assert {float(exact), float(np.nextafter(exact, side))} <= column
    assert np.isnan(trial.rows).any(axis=0).all()
    assert np.isnan(trial.rows).all(axis=1).any()
    assert np.isinf(trial.rows).all(axis=1).any()


def _shifted(booster: lgb.Booster) -> lgb.Booster:
    """Every threshold a little higher."""
    lines = booster.model_to_string().splitlines()
    moved = [
        "threshold=" + " ".join(str(float(value) + 1e-6) for value in line[10:].split())
        if line.startswith("threshold=")
        else line
        for line in lines
        if not line.startswith("tree_sizes=")
    ]
    return lgb.Booster(model_str="\n".join(moved))


def _with_plain_trees(booster: lgb.Booster, graph: bytes) -> bytes:
    """The graph with the trees as the converter makes them of thresholds as they are."""
    text = booster.model_to_string().replace("objective=binary sigmoid:1", "objective=regression")
    lines = [line for line in text.splitlines() if not line.startswith("tree_sizes=")]
    plain = convert_lightgbm(
        lgb.Booster(model_str="\n".join(lines)),
        initial_types=[("features", FloatTensorType([None, N_FEATURES]))],
        target_opset=15,
    )
    whole = onnx.load_from_string(graph)
    kind = "TreeEnsembleRegressor"
    (ours,) = [node for node in whole.graph.node if node.op_type == kind]
    (theirs,) = [node for node in plain.graph.node if node.op_type == kind]
    del ours.attribute[:]
    ours.attribute.extend(theirs.attribute)
    return bytes(whole.SerializeToString())
