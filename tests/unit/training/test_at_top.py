"""What comes first in another order is counted by what was done with it, and ties share."""

from __future__ import annotations

import numpy as np
import pytest

from core.ids import compose_id
from features.schema import FEATURES
from tests.unit.training.datasets import dataset_of
from tests.unit.training.lakes import DAY_MS, T0_MS
from training.at_top import at_top, first_of
from training.judge import Judged
from training.resampling import Resamples

RATE, AGE = FEATURES.index("t.click_rate_30d"), FEATURES.index("t.age_h")
HOUR_MS = 3_600_000


def test_the_first_items_of_groups_that_have_more_of_them() -> None:
    worth = np.array([1.0, 0.0, 0.0, 5.0, 2.0])
    codes = np.array([0, 0, 0, 1, 2])
    scores = np.array([3.0, 2.0, 1.0, 1.0, 1.0])
    # Groups of one have no choice.
    assert first_of(worth, scores, codes, 1).values.tolist() == [1.0]
    assert first_of(worth, scores, codes, 2).values.tolist() == [0.5]
    assert not len(first_of(worth, scores, codes, 3).values)
    # Of equal scores each comes first as often as the others.
    assert first_of(worth, np.zeros(5), codes, 1).values.tolist() == pytest.approx([1 / 3])
    assert not len(first_of(np.zeros(0), np.zeros(0), np.zeros(0, np.int64), 1).rows)


def test_gains_are_paired_and_the_lift_is_a_share() -> None:
    random = np.random.default_rng(3)
    codes, viewers = np.repeat(np.arange(200), 4), np.repeat(np.arange(50), 16)
    worth = (random.random(800) < 0.3).astype(np.float64)
    own = worth + random.normal(0.0, 0.5, 800)
    resamples = Resamples(viewers, seed=1)
    by_chance = {"chance": random.random(800), "itself": own}
    depths = at_top(worth, codes, own, by_chance, np.arange(800), viewers, resamples)
    assert [one.first for one in depths] == [1, 3]
    (first, _) = depths
    assert (first.groups, first.viewers) == (200, 50)
    chance, itself = first.others["chance"], first.others["itself"]
    assert itself.gain == type(itself.gain)(0.0, 0.0, 0.0)
    assert chance.gain.lo is not None
    assert chance.gain.lo > 0
    assert first.model.value is not None
    assert chance.lift.value == pytest.approx(first.model.value / (chance.worth.value or 1) - 1)


def test_a_share_of_what_may_be_nothing_has_no_interval() -> None:
    viewers = np.repeat(np.arange(6), 2)
    # One viewer alone makes the other order worth anything, and is not in every resample.
    worth = np.array([1.0, 1.0] + [0.0, 1.0] * 5)
    in_time = np.tile([1.0, 0.0], 6)
    resamples = Resamples(viewers, seed=1)
    (first,) = at_top(worth, viewers, worth, {"in time": in_time}, np.arange(12), viewers, resamples)
    other = first.others["in time"]
    assert other.worth.value == pytest.approx(1 / 6)
    assert other.lift.value == pytest.approx(5.0)
    assert (other.lift.lo, other.lift.hi) == (None, None)
    assert other.gain.lo is not None


def test_time_order_of_a_day_is_by_when_it_was_written() -> None:
    inputs = np.full((3, len(FEATURES)), np.nan, np.float32)
    # The newest was looked at last of all, in the evening, and was the oldest then.
    inputs[:, AGE] = [1.0, 2.0, 9.0]
    midnight_ms = T0_MS // DAY_MS * DAY_MS
    wrote = [compose_id(midnight_ms + hour * HOUR_MS, 0, 0, 0) for hour in (0, 0, 1)]
    rows = dataset_of(
        viewers=[1, 1, 1],
        ts_ms=[midnight_ms + hour * HOUR_MS for hour in (1, 2, 10)],
        tweets=[wrote[0] + 7, *wrote[1:]],
        inputs=inputs,
        labels={"click": [0, 1, 1]},
    )
    judged = Judged(rows, lambda table: table[:, [AGE]], ["click"], Resamples(rows.viewers, seed=1, count=5))
    top, newest_first = judged.at_top({"click": 1.0}), judged.reports()["click"].baselines["chronological"]
    assert top is not None
    assert [one.others["chronological"].worth.value for one in top.depths] == [1.0]
    # The other two were written in one millisecond, and share the places below.
    share = (1 / np.log2(3) + 1 / np.log2(4)) / 2
    assert newest_first.ndcg10.value == pytest.approx((1 + share) / (1 + 1 / np.log2(3)))
    # Of any two moments the younger one then.
    assert newest_first.auc.value == 0.0


def test_an_item_is_worth_what_the_weights_say_of_what_happened() -> None:
    inputs = np.full((6, len(FEATURES)), np.nan, np.float32)
    inputs[:, RATE] = [0.1, 0.9, 0.5, 0.2, 0.8, 0.3]
    rows = dataset_of(
        viewers=[1, 1, 1, 2, 2, 2],
        requests=[0, 0, 0, 1, 1, 1],
        inputs=inputs,
        labels={"click": [0, 1, 0, 1, 1, -1], "hide": [0, 1, 0, 0, 0, 0]},
    )

    def by_rate(table: np.ndarray) -> np.ndarray:
        return np.stack([table[:, RATE], np.zeros(len(table))], axis=1)

    judged = Judged(rows, by_rate, ["click", "hide"], Resamples(rows.viewers, seed=1, count=5))
    top = judged.at_top({"click": 1.0, "hide": -3.0, "like": 0.0})
    assert top is not None
    # The last row's click is not known; the first viewer's best is clicked and hidden, the other's clicked.
    assert (top.impressions, top.group, top.weights) == (5, "request", {"click": 1.0, "hide": -3.0})
    assert top.depths[0].model.value == pytest.approx((-2.0 + 1.0) / 2)
    assert set(top.depths[0].others) == {"chronological", "popularity"}
    # By chance: the mean of each viewer's request, and of both, however many items they have.
    assert top.shown.value == pytest.approx((-2 / 3 + 1) / 2)
    assert judged.at_top({"dwell": 1.0}) is None
    assert judged.at_top({"click": 1.0, "bookmark": 1.0}) is None
    assert judged.at_top({}) is None
