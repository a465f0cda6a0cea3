"""A model of five heads of 150 trees of 31 leaves, as a bundle: as large as those that serve."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path

import lightgbm as lgb
import numpy as np
import onnx
import onnxruntime
from onnx import compose, helper

from bench.bars.feature_rows import training_inputs
from features.schema import FEATURES, SCHEMA_HASH
from ranking.bundle import VERSION, Calibration, Head, Input, Manifest, Parity, Runtime, Training, format_time
from training.bundle_writer import write_bundle
from training.export import INPUT, OPSET, OUTPUT, to_onnx

HEADS = ("click", "like", "dwell", "hide", "reply")
TREES, LEAVES, ROWS = 150, 31, 20_000


def write(models: Path, version: str, seed: int = 1) -> str:
    """Trains on drawn rows and writes `<models>/home/<version>`; its label."""
    random = np.random.default_rng(seed)
    inputs = training_inputs(ROWS, seed)
    known = np.nan_to_num(inputs).astype(np.float64)
    known = (known - known.mean(axis=0)) / (known.std(axis=0) + 1e-9)
    graphs = []
    for _ in HEADS:
        chance = 1 / (1 + np.exp(-known @ random.normal(0, 0.5, len(FEATURES))))
        labels = random.random(ROWS) < chance
        options = {"objective": "binary", "num_leaves": LEAVES, "num_threads": 1, "verbosity": -1}
        graphs.append(to_onnx(lgb.train(options, lgb.Dataset(inputs, labels), TREES)))
    graph = _merged(graphs)
    manifest = Manifest(
        manifest=VERSION,
        name="home",
        version=version,
        sha256=hashlib.sha256(graph).hexdigest(),
        created_at=format_time(0),
        runtime=Runtime(onnxruntime.__version__, OPSET, 1, platform.machine()),
        input=Input(list(FEATURES), SCHEMA_HASH),
        heads=[Head(head, f"{head}_{OUTPUT}", Calibration(), 1.0, ROWS // 2, 600.0) for head in HEADS],
        training=Training(format_time(0), format_time(1), format_time(2), ROWS, 1, "nothing held out"),
        metrics=[],
        parity=Parity(ROWS, 0.0, 0, True),
    )
    write_bundle(models, manifest, graph)
    return f"home@{version}"


def _merged(graphs: list[bytes]) -> bytes:
    """One graph with the one input, and each head's output under the head's name."""
    alone = [
        compose.add_prefix(onnx.load_from_string(graph), f"{head}_", rename_inputs=False)
        for head, graph in zip(HEADS, graphs, strict=True)
    ]
    whole = helper.make_graph(
        [node for one in alone for node in one.graph.node],
        "heads",
        [one for one in alone[0].graph.input if one.name == INPUT],
        [output for one in alone for output in one.graph.output],
        [tensor for one in alone for tensor in one.graph.initializer],
    )
    opsets = list(alone[0].opset_import)
    model = helper.make_model(whole, opset_imports=opsets, ir_version=alone[0].ir_version)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
