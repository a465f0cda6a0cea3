"""Small bundles that serve: one tree of two leaves a head, and a manifest that says all is well."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from onnx import TensorProto, helper

from features.schema import FEATURES, SCHEMA_HASH
from ranking.bundle import (
    VERSION,
    Calibration,
    Head,
    Input,
    Manifest,
    Metric,
    Parity,
    Runtime,
    Training,
    format_time,
)
from training.bundle_writer import write_bundle

AGE = FEATURES.index("t.age_h")
OPSET, ML_OPSET, IR = 15, 3, 8


def stump(
    low: float = 0.25,
    high: float = 0.75,
    *,
    feature: int = AGE,
    threshold: float = 1.0,
    heads: Sequence[str] = ("click",),
) -> bytes:
    """A graph that says `low` of what has a feature not above the threshold, else `high`."""
    nodes = []
    for head in heads:
        nodes.append(
            helper.make_node(
                "TreeEnsembleRegressor",
                ["features"],
                [head],
                domain="ai.onnx.ml",
                n_targets=1,
                nodes_treeids=[0, 0, 0],
                nodes_nodeids=[0, 1, 2],
                nodes_featureids=[feature, 0, 0],
                nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
                nodes_values=[threshold, 0.0, 0.0],
                nodes_truenodeids=[1, 0, 0],
                nodes_falsenodeids=[2, 0, 0],
                nodes_missing_value_tracks_true=[0, 0, 0],
                target_treeids=[0, 0],
                target_nodeids=[1, 2],
                target_ids=[0, 0],
                target_weights=[low, high],
            )
        )
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(FEATURES)])]
    outputs = [helper.make_tensor_value_info(head, TensorProto.FLOAT, [None, 1]) for head in heads]
    model = helper.make_model(
        helper.make_graph(nodes, "stumps", inputs, outputs),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR,
    )
    return bytes(model.SerializeToString(deterministic=True))


def manifest_of(graph: bytes, version: str = "1", heads: Sequence[str] = ("click",)) -> Manifest:
    """One that says all is well; each head is an output of its own name."""
    return Manifest(
        manifest=VERSION,
        name="home",
        version=version,
        sha256=hashlib.sha256(graph).hexdigest(),
        created_at=format_time(0),
        runtime=Runtime("1.31.1", OPSET, 1, "x86_64"),
        input=Input(list(FEATURES), SCHEMA_HASH),
        heads=[Head(head, head, Calibration(), 1.0, 300, 600.0) for head in heads],
        training=Training(format_time(0), format_time(1), format_time(2), 1000, 7, "by time"),
        metrics=[Metric("auc", "held out", 0.7, 0.6, 0.8)],
        parity=Parity(1000, 1e-7, 0, True),
    )


def bundle(
    models: Path,
    version: str,
    graph: bytes | None = None,
    *,
    heads: Sequence[str] = ("click",),
    **changes: Any,
) -> Path:
    """Writes `<models>/home/<version>`; `changes` are to its manifest."""
    graph = stump(heads=heads) if graph is None else graph
    manifest = msgspec.structs.replace(manifest_of(graph, version, heads), **changes)
    return write_bundle(models, manifest, graph)
