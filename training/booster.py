"""The boosted trees: trained on float32, the same for a seed, whatever the threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from features.schema import FEATURES

_PATIENCE = 30
_REPORT_EVERY = 50
# Fewer rows than this are not smoothed further: whoever tries the product out has no more.
_FEW_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class BoosterOptions:
    seed: int
    trees: int
    leaves: int
    threads: int


class Examples(NamedTuple):
    """n rows: `inputs` float32 [n, n_features], `positive` bool [n].

    `start` float64 [n] is the log-odds that the trees begin from, and are not part of.
    """

    inputs: NDArray[np.float32]
    positive: NDArray[np.bool_]
    start: NDArray[np.float64]

    def of_both_kinds(self) -> bool:
        return 0 < int(self.positive.sum()) < len(self.positive)


def parameters(options: BoosterOptions, n_rows: int) -> dict[str, Any]:
    """LightGBM's.

    Few leaves and a part of rows and features a tree: on KuaiRand better than 31 leaves of everything
    (AUC click 0.7355 for 0.7350, like 0.822 for 0.804), and half the cost of scoring.
    """
    return {
        "objective": "binary",
        # Smoother than the AUC where little is held out.
        "metric": "binary_logloss",
        "learning_rate": 0.05,
        "num_leaves": options.leaves,
        # A few hundred rows must still be able to split; many must not follow single ones.
        "min_data_in_leaf": max(2, min(100, n_rows // 50)),
        "feature_fraction": 0.3,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 10.0 if n_rows > _FEW_ROWS else 1.0,
        "seed": options.seed,
        "num_threads": options.threads,
        "deterministic": True,
        "force_row_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }


def train_booster(
    learn: Examples, stop: Examples, options: BoosterOptions, report: Callable[[str], None]
) -> lgb.Booster:
    """Trees that add to the log-odds that `start` says; as many as did best on `stop`, or all.

    `learn` has positives and negatives; `stop` that has only one kind is not looked at.
    """
    names = [name.replace(".", "_") for name in FEATURES]
    data = lgb.Dataset(
        learn.inputs, learn.positive.astype(np.float32), init_score=learn.start, feature_name=names
    )
    callbacks: list[Callable[[Any], None]] = [_progress(report, options.trees)]
    judged = stop.of_both_kinds()
    valid = []
    if judged:
        callbacks.append(lgb.early_stopping(_PATIENCE, verbose=False))
        valid = [data.create_valid(stop.inputs, stop.positive.astype(np.float32), init_score=stop.start)]
    booster = lgb.train(
        parameters(options, len(learn.positive)),
        data,
        num_boost_round=options.trees,
        valid_sets=valid,
        valid_names=["held out"] * len(valid),
        callbacks=callbacks,
    )
    kept = booster.best_iteration if judged else booster.num_trees()
    report(f"{kept} trees kept" + ("" if judged else "; nothing to stop early by"))
    # From its text, so that only the kept trees are in it, and with the digits that are exported.
    return lgb.Booster(model_str=booster.model_to_string(num_iteration=kept))


def raw_scores(booster: lgb.Booster, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the trees add to the log-odds: float64 [n] from float32 [n, n_features]."""
    return np.asarray(booster.predict(inputs, raw_score=True, num_threads=1), np.float64)


def _progress(report: Callable[[str], None], trees: int) -> Callable[[Any], None]:
    def say(env: Any) -> None:
        done = env.iteration + 1
        if done % _REPORT_EVERY == 0 or done == trees:
            results = env.evaluation_result_list or []
            found = "".join(f", {name}: {metric} {value:.4f}" for name, metric, value, *_ in results)
            report(f"tree {done} of {trees}{found}")

    return say
