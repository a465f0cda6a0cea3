"""From the lake to a bundle: the click head."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import lightgbm as lgb
import numpy as np
import onnxruntime

from core.clock import Clock, SystemClock
from core.errors import ConfigurationError
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
from stores.lake import LakeReader
from training.baselines import MODEL, order_scores
from training.booster import BoosterOptions, predict, train_booster
from training.bundle_writer import write_bundle
from training.dataset import Dataset, DatasetOptions, dataset
from training.export import OPSET, OUTPUT, to_onnx
from training.metrics import areas_by_viewer
from training.parity import check_parity
from training.split import Split, split_by_time

HEAD: Final = "click"
FEW_POSITIVES = 300
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """Impressions with from_ms <= time and time + window_s <= until_ms (UTC) are learned from.

    `lag_s` is how far behind the features are taken where they were not logged; `trees` the most
    that there may be. The same lake, options and seed give the same graph, byte for byte, whatever
    `threads` is. One is the default: several wait for each other, and on two busy cores two threads
    took 16 to 30 s for what one did in 2 to 3.
    """

    name: str = "home"
    from_ms: int | None = None
    until_ms: int | None = None
    lag_s: float = 60.0
    window_s: float = 600.0
    seed: int = 1
    trees: int = 200
    leaves: int = 31
    threads: int = 1


def train(
    lake_dir: Path,
    out_dir: Path,
    options: TrainOptions,
    report: Callable[[str], None],
    clock: Clock | None = None,
) -> Path:
    """Trains, exports, passes the parity gate and writes `<out_dir>/<name>/<version>`, which it returns.

    Raises ConfigurationError where there is no lake, nothing in it to learn from, or the exported
    graph is not the booster; Corrupt where the lake is damaged. Nothing is written then.
    """
    _check(options)
    reader = LakeReader(lake_dir)
    wanted = DatasetOptions(options.from_ms, options.until_ms, options.lag_s, {HEAD: options.window_s})
    clicks = dataset(reader, wanted, report).known(HEAD)
    _check_learnable(clicks)
    split = split_by_time(clicks, window_s=options.window_s)
    if not 0 < split.learn.positives(HEAD) < len(split.learn):
        # Too little to hold anything out: learn from all of it, judge on none.
        split = Split(clicks, clicks.take(np.zeros(len(clicks), np.bool_)), "nothing held out")
    report(f"learning from {len(split.learn):,} impressions, {len(split.held_out):,} held out")
    if split.learn.positives(HEAD) < FEW_POSITIVES:
        report(f"only {split.learn.positives(HEAD)} clicks to learn from: expect a rough model")
    booster = train_booster(
        split.learn,
        split.held_out,
        BoosterOptions(options.seed, options.trees, options.leaves, options.threads),
        report,
    )
    graph = to_onnx(booster)
    parity = check_parity(booster, graph, split.learn.inputs, seed=options.seed)
    report(
        f"parity over {parity.rows:,} rows: largest difference {parity.max_diff:.1e}, "
        f"{parity.order_changes} order changes, the same bits in batches of any size"
    )
    metrics = _metrics(booster, split.held_out, options.seed)
    for metric in metrics:
        report(f"{metric.slice}: {metric.name} {metric.value:.4f}")
    manifest = _manifest(
        options, reader, clicks, split, graph, parity, metrics, (clock or SystemClock()).now_ms()
    )
    return write_bundle(out_dir, manifest, graph)


def _check(options: TrainOptions) -> None:
    if _NAME.fullmatch(options.name) is None:
        raise ConfigurationError(
            f"{options.name!r} is no name for a model: use 1 to 40 lowercase letters, digits, - and _"
        )
    for name in ("trees", "threads"):
        if getattr(options, name) < 1:
            raise ConfigurationError(f"{name} must be at least 1, not {getattr(options, name)}")
    if options.leaves < 2:
        raise ConfigurationError(f"leaves must be at least 2, not {options.leaves}")
    if options.lag_s < 0 or options.window_s <= 0:
        raise ConfigurationError("lag_s must not be negative and window_s must be positive, in seconds")
    if options.from_ms is not None and options.until_ms is not None and options.from_ms >= options.until_ms:
        raise ConfigurationError("the range to train on is empty: its start is not before its end")


def _check_learnable(clicks: Dataset) -> None:
    if not clicks.positives(HEAD):
        raise ConfigurationError(
            f"none of the {len(clicks):,} impressions was clicked: there is nothing to learn from. Let "
            "viewers click (POST /v1/events), choose another range, or lengthen the window with --window."
        )
    if clicks.positives(HEAD) == len(clicks):
        raise ConfigurationError(
            f"every one of the {len(clicks):,} impressions was clicked: without one that was not, there is "
            "nothing to learn from. Check that clients report what is seen, not only what is clicked."
        )


def _metrics(booster: lgb.Booster, held_out: Dataset, seed: int) -> list[Metric]:
    if not 0 < held_out.positives(HEAD) < len(held_out):
        return []
    scores = order_scores(predict(booster, held_out.inputs), held_out.inputs)
    measured = areas_by_viewer(held_out.positive(HEAD), held_out.viewers, scores, seed=seed)
    return [
        Metric("auc" if name == MODEL else f"auc of {name}", "held out", one.value, one.lo, one.hi)
        for name, one in measured.areas.items()
    ]


def _manifest(
    options: TrainOptions,
    reader: LakeReader,
    clicks: Dataset,
    split: Split,
    graph: bytes,
    parity: Parity,
    metrics: list[Metric],
    now_ms: int,
) -> Manifest:
    digest = hashlib.sha256(graph).hexdigest()
    created_at = format_time(now_ms)
    complete_ms = reader.complete_until_ms("views")
    mature_ms = complete_ms if options.until_ms is None else min(options.until_ms, complete_ms)
    # Up to where it learned: what comes after is fresh to it.
    to_ms = options.until_ms if options.until_ms == mature_ms else int(clicks.ts_ms[-1]) + 1
    return Manifest(
        manifest=VERSION,
        name=options.name,
        # By time first, so that names sort by age; then what tells two of a second apart.
        version=f"{created_at[:19].replace('-', '').replace(':', '')}Z-{digest[:8]}",
        sha256=digest,
        created_at=created_at,
        runtime=Runtime(onnxruntime.__version__, OPSET, 1, platform.machine()),
        input=Input(list(FEATURES), SCHEMA_HASH),
        heads=[Head(HEAD, OUTPUT, Calibration(), 1.0, clicks.positives(HEAD), options.window_s)],
        training=Training(
            from_=format_time(int(clicks.ts_ms[0]) if options.from_ms is None else options.from_ms),
            to=format_time(to_ms),
            mature_at=format_time(mature_ms),
            rows=len(clicks),
            lake_snapshot=reader.snapshot,
            split=split.words,
        ),
        metrics=metrics,
        parity=parity,
    )
