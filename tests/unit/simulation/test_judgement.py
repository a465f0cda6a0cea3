"""NDCG is 1 for the best order, and viewers without a choice are not judged."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from simulation.judgement import TOP, judge, ndcg
from simulation.world import make_world
from tests.unit.simulation.product import crowd_of


def test_the_best_order_is_1_and_others_are_less() -> None:
    worth = np.array([0.1, 3.0, -2.0, 1.0, 0.5])
    assert ndcg(worth, np.argsort(-worth)) == 1.0
    assert 0.0 < ndcg(worth, np.argsort(worth)) < 1.0
    # By hand: 3 in the second place, of 3 and 1 on top.
    discounts = 1.0 / np.log2([2.0, 3.0, 4.0, 5.0])
    best = (np.array([3.0, 1.0, 0.5, 0.1]) * discounts).sum()
    assert math.isclose(ndcg(worth, np.array([2, 1])), 3.0 * discounts[1] / best)


def test_where_nothing_is_worth_anything_there_is_no_order() -> None:
    assert math.isnan(ndcg(np.array([-1.0, 0.0]), np.array([0, 1])))


async def test_orders_of_the_same_candidates_are_compared() -> None:
    crowd, _, http = crowd_of(make_world(60, 4), 150, considered=100)
    async with http:
        judgement = await judge(crowd, 15, seed=1)
    assert judgement.viewers == 15
    assert all(0.0 < one.mean < 1.0 for name, one in judgement.ndcg.items() if name != "logistic")
    assert not judgement.ndcg["logistic"].known
    few, _, http = crowd_of(make_world(60, 4), TOP + 1, considered=100)
    async with http:
        assert (await judge(few, 15, seed=1)).viewers == 15


async def test_a_regression_orders_what_was_ranked() -> None:
    crowd, _, http = crowd_of(make_world(60, 4), 150, considered=100)

    async def newest_first(user_id: int, author_of: Callable[[int], int]) -> list[int]:
        viewer = next(one for one in crowd.viewers if crowd.user_id_of(one.number) == user_id)
        items = [int(one["tweet_id"]) for one in await viewer.fetch("chronological", 100)]
        assert all(isinstance(author_of(one), int) for one in items)
        # Whoever was not ranked is left out.
        return [] if viewer.number == 3 else sorted(items, reverse=True)

    async with http:
        judgement = await judge(crowd, 15, seed=1, regression=newest_first)
    assert judgement.viewers == 15
    assert 0.0 < judgement.ndcg["logistic"].mean < 1.0
    assert judgement.over_logistic.known
    assert judgement.asked == 14
