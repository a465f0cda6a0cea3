"""Learning the heads from a matrix, over bare LightGBM on the same matrix."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from bench.bars.bar import Result
from features.schema import FEATURES
from stores.lake import LakeReader
from training.booster import BoosterOptions, parameters
from training.dataset import UNKNOWN, Dataset, DatasetOptions, dataset
from training.export import to_onnx
from training.head import HeadOptions, LearnedHead, learn_head
from training.labels import LABELS, Head
from training.parity import check_parity
from training.split import split_by_time
from training.train import FEW_POSITIVES, TrainOptions
from wiring.home import Home

TIMES = 1.25
TURNS = 3
HEADS: tuple[Head, ...] = ("click", "like", "dwell")
ROWS, VIEWERS = 200_000, 5_000
_PATIENCE = 30


def measure(arguments: list[str]) -> Result:
    """`make bar-training`, or ARGS=HOME for the matrix of an imported one.

    Ours is all that follows the matrix: splits, offsets, trees, calibration, the graph and its gate.
    Bare is LightGBM alone, with the same parameters and fits: stopped early, then as many trees from all
    rows. CPU seconds of one thread:
    they say the same on a machine that does something else besides.
    """
    if len(arguments) > 1 or (arguments and not Path(arguments[0]).is_dir()):
        sys.exit("say which imported home to learn from, or nothing: make bar-training ARGS=/path/to/home")
    found = _of_home(Path(arguments[0])) if arguments else _made_up()
    ours_s: list[float] = []
    bare_s: list[float] = []
    for turn in range(TURNS):
        for taken, learn in ((ours_s, _ours), (bare_s, _bare)):
            began_s = time.process_time()
            learn(found, turn + 1)
            taken.append(time.process_time() - began_s)
    ratios = sorted(ours / bare for ours, bare in zip(ours_s, bare_s, strict=True))
    ratio = statistics.median(ratios)
    of_what = "KuaiRand" if arguments else "made up"
    return Result(
        f"training {len(HEADS)} heads on {len(found):,} rows of {len(FEATURES)} features, {of_what}",
        f"{statistics.median(ours_s):.1f} CPU s, bare LightGBM {statistics.median(bare_s):.1f}: "
        f"{ratio:.2f} times it ({ratios[0]:.2f} to {ratios[-1]:.2f})",
        f"≤ {TIMES:g} times bare LightGBM",
        ratio <= TIMES,
        seed="1",
    )


def _ours(found: Dataset, seed: int) -> None:
    learned: list[LearnedHead] = []
    for head in HEADS:
        options = HeadOptions(_options(seed), LABELS[head].window_s, FEW_POSITIVES, TrainOptions().max_rows)
        learned.append(learn_head(found, head, options, lambda _: None))
    check_parity(learned, to_onnx(learned), found.inputs, seed=seed)


def _bare(found: Dataset, seed: int) -> None:
    for head in HEADS:
        known = np.flatnonzero(found.labels[head] != UNKNOWN)
        split = split_by_time(found.ts_ms, found.requests, known, window_s=LABELS[head].window_s)
        labels = found.positive(head).astype(np.float32)
        data = lgb.Dataset(found.inputs[split.learn], labels[split.learn])
        stopped = lgb.train(
            parameters(_options(seed), len(split.learn)),
            data,
            TrainOptions().trees,
            [data.create_valid(found.inputs[split.stop], labels[split.stop])],
            callbacks=[lgb.early_stopping(_PATIENCE, verbose=False)],
        )
        everything = lgb.Dataset(found.inputs[known], labels[known])
        lgb.train(parameters(_options(seed), len(known)), everything, stopped.best_iteration)


def _options(seed: int) -> BoosterOptions:
    defaults = TrainOptions()
    return BoosterOptions(seed, defaults.trees, defaults.leaves, defaults.threads)


def _of_home(home: Path) -> Dataset:
    return dataset(LakeReader(Home(home).lake), DatasetOptions(None, None, TrainOptions().lag_s), print)


def _made_up() -> Dataset:
    """Ten days of requests of four items; what happens follows from some of the inputs, and from place."""
    random = np.random.default_rng(1)
    inputs = random.normal(0, 1, (ROWS, len(FEATURES))).astype(np.float32)
    positions = (np.arange(ROWS) % 4).astype(np.int32)
    signal = inputs[:, :8].sum(axis=1) / 2 - positions / 4
    shifts = {"click": -0.5, "like": -5.0, "dwell": -1.0}
    labels: dict[Head, NDArray[np.int8]] = {
        head: (signal + random.logistic(shifts.get(head, -30.0), 1.0, ROWS) > 0).astype(np.int8)
        for head in LABELS
    }
    ids = random.integers(1, VIEWERS, ROWS)
    return Dataset(
        inputs=inputs,
        labels=labels,
        as_served=np.ones(ROWS, np.bool_),
        viewers=ids,
        authors=ids,
        tweets=ids,
        requests=np.arange(ROWS) // 4,
        ts_ms=np.sort(random.integers(0, 10 * 86_400_000, ROWS)),
        positions=positions,
    )
