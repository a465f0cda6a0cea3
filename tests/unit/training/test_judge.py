"""Slices, constants, unknown labels, and days that are ranked as if at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.schema import FEATURES
from tests.unit.training.datasets import dataset_of
from training.judge import judge, manifest_metrics
from training.viewer_days import as_of_its_start

RATE = FEATURES.index("t.click_rate_30d")
N = 400


def inputs(seed: int) -> NDArray[np.float32]:
    table = np.full((N, len(FEATURES)), np.nan, np.float32)
    table[:, RATE] = np.random.default_rng(seed).random(N)
    return table


def by_rate(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """A model of two heads: the rate, and always the same."""
    return np.stack([table[:, RATE], np.full(len(table), 0.1, np.float32)], axis=1)


def clicks(table: NDArray[np.float32]) -> list[int]:
    happened = np.random.default_rng(9).random(N) < table[:, RATE]
    return [int(one) for one in happened]


def test_a_report_a_head_with_slices_of_those_who_are_new() -> None:
    viewers = [i % 40 for i in range(N)]
    then, now = inputs(1), inputs(2)
    learned = dataset_of(viewers=viewers, inputs=then, labels={"click": clicks(then)}, tweets=viewers)
    rows = dataset_of(
        viewers=[viewer + 20 for viewer in viewers],
        inputs=now,
        labels={"click": clicks(now), "hide": [0] * N},
        tweets=viewers,
    )
    reports = judge(rows, by_rate, ["click", "hide"], learned=learned, seed=1)
    click, hide = reports["click"], reports["hide"]
    assert click.impressions == N
    assert click.slices["new_viewers"].impressions == N // 2
    assert click.slices["new_tweets"].impressions == 0
    assert not click.constant
    # The model is the popularity here, to the bit, and the regression finds the same order.
    assert click.baselines["popularity"].gain.auc.hi == 0.0
    logistic, own = click.baselines["logistic"].auc, click.auc
    assert own is not None
    assert logistic.value == own.value
    assert (hide.constant, hide.positives, hide.auc, hide.baselines) == (True, 0, None, {})
    names = {metric.name for metric in manifest_metrics(reports, "held out")}
    assert {"click auc", "click ndcg10", "click log_loss", "click auc of logistic"} <= names
    assert not any(name.startswith("hide") for name in names)


def test_labels_that_are_not_known_do_not_count() -> None:
    rows = dataset_of(viewers=range(4), inputs=inputs(1)[:4], labels={"click": [1, 0, -1, -1]})
    reports = judge(rows, by_rate, ["click", "hide"], seed=1, resamples=5)
    assert list(reports) == ["click"]
    assert reports["click"].impressions == 2
    assert reports["click"].slices == {}
    assert judge(dataset_of(viewers=[]), by_rate, ["click"], seed=1) == {}


def test_a_day_is_ranked_by_what_was_known_of_the_viewer_when_it_began() -> None:
    own, pair, met = (
        FEATURES.index(name) for name in ("u.click_rate_2d", "va.click_rate_2d", "va.seen_log_30d")
    )
    table = np.arange(4 * len(FEATURES), dtype=np.float32).reshape(4, -1)
    table[[0, 1, 3], met] = np.nan
    steady = as_of_its_start(table, np.array([7, 7, 7, 8]))
    assert steady[:, own].tolist() == table[[0, 0, 0, 3], own].tolist()
    # Row 2 knows its author: what it knows of the pair stays.
    assert steady[:, pair].tolist() == table[[0, 0, 2, 3], pair].tolist()
    assert steady[:, RATE].tolist() == table[:, RATE].tolist()
