"""Boosters of a few made-up inputs, and heads of them, without a lake."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from ranking.bundle import Calibration
from training.head import LearnedHead
from training.labels import Head

N_FEATURES = 6


def rows(n: int = 2_000, *, seed: int = 1, missing: bool = True) -> NDArray[np.float32]:
    """Features around 0, one of them in epoch seconds, a tenth of one missing."""
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, (n, N_FEATURES)).astype(np.float32)
    values[:, 1] = 1.7e9 + 1e5 * values[:, 1]
    if missing:
        values[random.random(n) < 0.1, 2] = np.nan
    return values


def trained(inputs: NDArray[np.float32], *, trees: int = 30, seed: int = 1) -> lgb.Booster:
    random = np.random.default_rng(seed)
    raw = inputs[:, 0] + (inputs[:, 1] - 1.7e9) / 1e5 + np.nan_to_num(inputs[:, 2])
    clicked = random.random(len(inputs)) < 1 / (1 + np.exp(-raw))
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": seed}
    return lgb.train(parameters, lgb.Dataset(inputs, clicked.astype(np.float32)), trees)


def head_of(
    booster: lgb.Booster | None, name: Head = "click", calibration: Calibration | None = None
) -> LearnedHead:
    """A constant without a booster."""
    model = "" if booster is None else booster.model_to_string()
    if calibration is None:
        calibration = Calibration(0.0, -3.0) if booster is None else Calibration(0.9, -0.25)
    return LearnedHead(name, model, model, calibration, 1.0, 100, 50, 30, 600.0, "as it was")
