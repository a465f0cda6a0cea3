"""The manifest of what was learned."""

from __future__ import annotations

import hashlib
import platform
from typing import NamedTuple

import onnxruntime

from features.schema import FEATURES, SCHEMA_HASH
from ranking.bundle import VERSION, Head, Input, Manifest, Metric, Parity, Runtime, Training, format_time
from stores.lake import LakeReader
from training.dataset import Dataset
from training.export import OPSET, OUTPUT
from training.head import LearnedHead
from training.labels import known_until_ms


class Learned(NamedTuple):
    """What came of a training: its name and range as asked for (UTC), heads, graph, parity, and metrics."""

    name: str
    from_ms: int | None
    until_ms: int | None
    heads: list[LearnedHead]
    graph: bytes
    parity: Parity
    metrics: list[Metric]


def describe(learned: Learned, found: Dataset, reader: LakeReader, now_ms: int) -> Manifest:
    digest = hashlib.sha256(learned.graph).hexdigest()
    created_at = format_time(now_ms)
    mature_ms = max(known_until_ms(reader, head.name, learned.until_ms) for head in learned.heads)
    # Up to where it learned: what comes after is fresh to it.
    to_ms = learned.until_ms if learned.until_ms == mature_ms else int(found.ts_ms[-1]) + 1
    return Manifest(
        manifest=VERSION,
        name=learned.name,
        # By time first, so that names sort by age; then what tells two of a second apart.
        version=f"{created_at[:19].replace('-', '').replace(':', '')}Z-{digest[:8]}",
        sha256=digest,
        created_at=created_at,
        runtime=Runtime(onnxruntime.__version__, OPSET, 1, platform.machine()),
        input=Input(list(FEATURES), SCHEMA_HASH),
        heads=[_head(one) for one in learned.heads],
        training=Training(
            from_=format_time(int(found.ts_ms[0]) if learned.from_ms is None else learned.from_ms),
            to=format_time(to_ms),
            mature_at=format_time(mature_ms),
            rows=len(found),
            lake_snapshot=reader.snapshot,
            split="; ".join(f"{one.name}: {one.split}" for one in learned.heads),
        ),
        metrics=learned.metrics,
        parity=learned.parity,
    )


def _head(one: LearnedHead) -> Head:
    return Head(
        one.name,
        OUTPUT,
        one.calibration,
        one.negative_rate,
        one.positives,
        one.window_s,
        one.rows,
        one.trees,
        one.constant,
    )
