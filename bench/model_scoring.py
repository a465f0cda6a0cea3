"""Scoring one request: `RankingModel` over a bundle's graph, against bare onnxruntime and LightGBM.

The bare alternative is what the converter makes by itself: a classifier a head, its probabilities side
by side in one graph, run in one plain call on one thread. LightGBM's predict is called once a head.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import lightgbm as lgb
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from bench.bars import five_heads
from bench.bars.feature_rows import training_inputs
from features.schema import FEATURES
from ranking.bundle import load_bundle
from ranking.model import RankingModel
from training.export import INPUT, OPSET, OUTPUT

HEADS, TREES, LEAVES = len(five_heads.HEADS), five_heads.TREES, five_heads.LEAVES
ROWS, RUNS, SEED = 500, 60, 1


class Scoring(NamedTuple):
    """Medians in milliseconds of `ROWS` rows, all heads."""

    ours_ms: float
    bare_ms: float
    lightgbm_ms: float


def main() -> None:
    found = score()
    print(f"\n{HEADS} heads of {TREES} trees of {LEAVES} leaves, {ROWS} rows, one thread")
    print(f"{'RankingModel':20}{found.ours_ms:>8.2f} ms p50")
    print(f"{'bare onnxruntime':20}{found.bare_ms:>8.2f} ms p50")
    print(f"{'LightGBM predict':20}{found.lightgbm_ms:>8.2f} ms p50")
    print(f"ours over bare onnxruntime: {found.ours_ms / found.bare_ms:.2f}")


def score() -> Scoring:
    """The three in turn, call by call, so that whatever else the machine does is in all of them."""
    boosters, batch = five_heads.boosters(SEED), training_inputs(ROWS, SEED + 1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as directory:
        five_heads.write(Path(directory), "1", SEED)
        model = RankingModel(load_bundle(Path(directory) / "home" / "1"))
    session = onnxruntime.InferenceSession(_bare(boosters), options, providers=["CPUExecutionProvider"])
    calls: list[Callable[[], object]] = [
        lambda: model.score(batch),
        lambda: session.run([OUTPUT], {INPUT: batch}),
        lambda: [one.predict(batch, num_threads=1) for one in boosters],
    ]
    times: list[list[float]] = [[], [], []]
    for _ in range(RUNS):
        for call, taken in zip(calls, times, strict=True):
            began_s = time.perf_counter()
            call()
            taken.append((time.perf_counter() - began_s) * 1000)
    return Scoring(*(statistics.median(taken) for taken in times))


def _bare(boosters: list[lgb.Booster]) -> bytes:
    """The converter's classifiers as they are, their last columns side by side."""
    nodes, columns = [], []
    for i, booster in enumerate(boosters):
        model = convert_lightgbm(
            booster,
            initial_types=[(INPUT, FloatTensorType([None, len(FEATURES)]))],
            target_opset=OPSET,
            zipmap=False,
        )
        (trees,) = [node for node in model.graph.node if node.op_type == "TreeEnsembleClassifier"]
        trees.name, trees.input[:], trees.output[:] = f"trees{i}", [INPUT], [f"label{i}", f"both{i}"]
        nodes += [trees, helper.make_node("Gather", [f"both{i}", "second"], [f"head{i}"], axis=1)]
        columns.append(f"head{i}")
    nodes.append(helper.make_node("Concat", columns, [OUTPUT], axis=1))
    whole = helper.make_model(
        helper.make_graph(
            nodes,
            "bare",
            list(model.graph.input),
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, len(boosters)])],
            [helper.make_tensor("second", TensorProto.INT64, [1], [1])],
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", 1)],
        ir_version=model.ir_version,
    )
    onnx.checker.check_model(whole)
    return bytes(whole.SerializeToString())
