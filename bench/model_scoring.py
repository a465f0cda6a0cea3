"""Scoring one request: the exported graph against the booster's own predict, one thread each."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import lightgbm as lgb
import numpy as np

from features.schema import FEATURES
from training.export import to_onnx

TREES, LEAVES, ROWS, RUNS = 200, 31, 500, 60


def main() -> None:
    import onnxruntime

    generator = np.random.default_rng(1)
    inputs = generator.random((20_000, len(FEATURES))).astype(np.float32)
    labels = (
        inputs[:, 0] + inputs[:, 1] * inputs[:, 2] + generator.normal(0, 0.3, len(inputs)) > 0.9
    ).astype(int)
    booster = lgb.train(
        {"objective": "binary", "num_leaves": LEAVES, "num_threads": 1, "verbosity": -1},
        lgb.Dataset(inputs, labels),
        num_boost_round=TREES,
    )
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.onnx"
        path.write_bytes(to_onnx(booster))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        batch = inputs[:ROWS]
        onnx_ms = _median_ms(lambda: session.run(["probabilities"], {name: batch}))
    booster_ms = _median_ms(lambda: booster.predict(batch, num_threads=1))
    print(f"\n{TREES} trees of {LEAVES} leaves, {ROWS} rows, one thread")
    print(f"{'onnxruntime':20}{onnx_ms:>8.2f} ms p50")
    print(f"{'LightGBM predict':20}{booster_ms:>8.2f} ms p50")
    print(f"ratio: {booster_ms / onnx_ms:.2f} times faster")


def _median_ms(call: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        began_s = time.perf_counter()
        call()
        times.append((time.perf_counter() - began_s) * 1000)
    return statistics.median(times)
