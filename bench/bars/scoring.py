"""Scoring 500 rows with five heads, over bare onnxruntime."""

from __future__ import annotations

import statistics

from bench.bars.bar import Result
from bench.model_scoring import HEADS, LEAVES, ROWS, TREES, score

TIMES = 1.1
TURNS = 3


def measure(arguments: list[str]) -> Result:
    turns = [score() for _ in range(TURNS)]
    ratios = sorted(one.ours_ms / one.bare_ms for one in turns)
    ours_ms, bare_ms, lightgbm_ms = (statistics.median(times) for times in zip(*turns, strict=True))
    ratio = statistics.median(ratios)
    return Result(
        f"scoring {ROWS} rows with {HEADS} heads of {TREES} trees of {LEAVES} leaves, one thread, p50",
        f"{ours_ms:.2f} ms, bare onnxruntime {bare_ms:.2f} ms, LightGBM {lightgbm_ms:.2f} ms: {ratio:.2f} "
        f"times bare ({ratios[0]:.2f} to {ratios[-1]:.2f})",
        f"≤ {TIMES:g} times bare onnxruntime",
        ratio <= TIMES,
        seed="1",
    )
