"""NDCG@10 against its definition, with ties, and what is a group."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from tests.unit.training.datasets import dataset_of
from training.groups import groups, resampled_mean
from training.ndcg import ndcg
from training.resampling import Resamples


@pytest.mark.parametrize("levels", [3, 10_000])
def test_it_is_the_mean_of_the_definition_over_groups_with_both_kinds(levels: int) -> None:
    random = np.random.default_rng(levels)
    codes = np.sort(random.integers(0, 60, 900))
    happened = random.random(900) < 0.2
    scores = random.integers(0, levels, 900).astype(np.float64)
    shuffled = random.permutation(900)
    ranked = ndcg(happened[shuffled], scores[shuffled], codes[shuffled])
    wanted = []
    for code in range(60):
        where = codes == code
        if happened[where].any() and not happened[where].all():
            # scikit-learn gives ties the mean of their places too.
            wanted.append(ndcg_score([happened[where].astype(float)], [scores[where]], k=10))
    assert len(ranked.rows) == len(wanted)
    assert np.sort(ranked.values) == pytest.approx(np.sort(wanted))


def test_the_best_order_is_one_and_groups_of_one_kind_do_not_count() -> None:
    happened = np.array([True, False, False, True, True, False])
    ranked = ndcg(happened, np.array([9.0, 1.0, 2.0, 5.0, 5.0, 0.0]), np.array([0, 0, 0, 1, 1, 2]))
    assert ranked.values.tolist() == [1.0]
    resamples = Resamples(np.array([1, 1, 1, 2, 2, 3]), seed=1, count=4)
    means = resampled_mean(ranked, np.arange(6), resamples)
    assert means[0] == 1.0
    # Only viewer 1 has a group: a resample without them has no mean.
    assert set(means[~np.isnan(means)].tolist()) == {1.0}


def test_nothing_is_no_group() -> None:
    ranked = ndcg(np.zeros(0, np.bool_), np.zeros(0), np.zeros(0, np.int64))
    assert len(ranked.rows) == 0
    assert np.isnan(resampled_mean(ranked, np.zeros(0, np.int64), Resamples(np.array([1]), seed=1))).all()


def test_a_group_is_a_request_or_the_viewers_day_where_items_were_shown_alone() -> None:
    together = dataset_of(viewers=[1, 1, 1, 2], requests=[0, 0, 1, 2], ts_ms=[0, 0, 5, 6])
    assert groups(together).of == "viewer-day"
    asked = dataset_of(viewers=[1, 1, 1, 2], requests=[0, 0, 0, 2], ts_ms=[0, 0, 5, 6])
    assert groups(asked).of == "request"
    assert groups(asked).codes.tolist() == [0, 0, 0, 1]
    alone = dataset_of(viewers=[1, 1, 1, 2], requests=[0, 1, 2, 3], ts_ms=[0, 5, 86_400_000, 86_400_001])
    assert groups(alone).of == "viewer-day"
    assert groups(alone).codes.tolist() == [0, 0, 1, 2]
