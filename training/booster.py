"""The boosted trees: trained on float32, the same for a seed, whatever the threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from features.schema import FEATURES
from training.dataset import Dataset

_PATIENCE = 30
_REPORT_EVERY = 50


@dataclass(frozen=True, slots=True)
class BoosterOptions:
    seed: int
    trees: int
    leaves: int
    threads: int


def train_booster(
    learn: Dataset, held_out: Dataset, options: BoosterOptions, report: Callable[[str], None]
) -> lgb.Booster:
    """Trees that predict a click; as many as did best on `held_out`, or all where it cannot tell.

    `learn` has both clicks and none.
    """
    parameters: dict[str, Any] = {
        "objective": "binary",
        # Smoother than the AUC where little is held out.
        "metric": "binary_logloss",
        "learning_rate": 0.05,
        "num_leaves": options.leaves,
        # A few hundred rows must still be able to split; many must not follow single ones.
        "min_data_in_leaf": max(2, min(50, len(learn) // 50)),
        "lambda_l2": 1.0,
        "seed": options.seed,
        "num_threads": options.threads,
        "deterministic": True,
        "force_row_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
    names = [name.replace(".", "_") for name in FEATURES]
    data = lgb.Dataset(learn.inputs, learn.positive("click").astype(np.float32), feature_name=names)
    callbacks: list[Callable[[Any], None]] = [_progress(report, options.trees)]
    judged = 0 < held_out.positives("click") < len(held_out)
    if judged:
        callbacks.append(lgb.early_stopping(_PATIENCE, verbose=False))
    booster = lgb.train(
        parameters,
        data,
        num_boost_round=options.trees,
        valid_sets=[data.create_valid(held_out.inputs, held_out.positive("click").astype(np.float32))]
        if judged
        else [],
        valid_names=["held out"] if judged else [],
        callbacks=callbacks,
    )
    kept = booster.best_iteration if judged else booster.num_trees()
    report(f"{kept} trees kept" + ("" if judged else "; nothing to stop early by"))
    # From its text, so that only the kept trees are in it, and with the digits that are exported.
    return lgb.Booster(model_str=booster.model_to_string(num_iteration=kept))


def predict(booster: lgb.Booster, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities: float64 [n] from float32 [n, n_features]."""
    return np.asarray(booster.predict(inputs, num_threads=1), np.float64)


def _progress(report: Callable[[str], None], trees: int) -> Callable[[Any], None]:
    def say(env: Any) -> None:
        done = env.iteration + 1
        if done % _REPORT_EVERY == 0 or done == trees:
            results = env.evaluation_result_list or []
            found = "".join(f", {name}: {metric} {value:.4f}" for name, metric, value, *_ in results)
            report(f"tree {done} of {trees}{found}")

    return say
