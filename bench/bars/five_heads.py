"""A model of five heads of 150 trees of 31 leaves, as a bundle: as large as those that serve."""

from __future__ import annotations

import platform
from pathlib import Path

import lightgbm as lgb
import numpy as np
import onnxruntime
from msgspec.structs import replace

from bench.bars.feature_rows import training_inputs
from features.schema import FEATURES
from ranking.bundle import Calibration, Head, Parity, Runtime, Training, format_time
from tests.bundles import manifest_of
from training.bundle_writer import write_bundle
from training.export import OPSET, OUTPUT, to_onnx
from training.head import LearnedHead
from training.labels import LABELS

HEADS = tuple(LABELS)[:5]
TREES, LEAVES, ROWS = 150, 31, 20_000


def write(models: Path, version: str, seed: int = 1) -> str:
    """Trains on drawn rows and writes `<models>/home/<version>`; its label."""
    own = Calibration()
    graph = to_onnx(
        [
            LearnedHead(head, text, text, own, 1.0, ROWS, ROWS // 2, TREES, 600.0, "")
            for head, one in zip(HEADS, boosters(seed), strict=True)
            for text in [one.model_to_string()]
        ]
    )
    manifest = replace(
        manifest_of(graph, version),
        runtime=Runtime(onnxruntime.__version__, OPSET, 1, platform.machine()),
        heads=[Head(head, OUTPUT, own, 1.0, ROWS // 2, 600.0) for head in HEADS],
        training=Training(format_time(0), format_time(1), format_time(2), ROWS, 1, "nothing held out"),
        metrics=[],
        parity=Parity(ROWS, 0.0, 0, True),
    )
    write_bundle(models, manifest, graph)
    return f"home@{version}"


def boosters(seed: int) -> list[lgb.Booster]:
    """One a head, of what follows from all inputs by weights of its own."""
    random = np.random.default_rng(seed)
    inputs = training_inputs(ROWS, seed)
    known = np.nan_to_num(inputs).astype(np.float64)
    known = (known - known.mean(axis=0)) / (known.std(axis=0) + 1e-9)
    found = []
    for _ in HEADS:
        chance = 1 / (1 + np.exp(-known @ random.normal(0, 0.5, len(FEATURES))))
        labels = random.random(ROWS) < chance
        options = {"objective": "binary", "num_leaves": LEAVES, "num_threads": 1, "verbosity": -1}
        found.append(lgb.train(options, lgb.Dataset(inputs, labels), TREES))
    return found
