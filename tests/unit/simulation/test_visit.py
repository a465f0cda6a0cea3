"""Viewers look from the top, react by their taste, and report what they did."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simulation.arms import ARMS, Arm, arms_of, halves_of
from simulation.habits import looks
from simulation.together import together
from simulation.world import make_world
from tests.unit.simulation.product import FIRST_TWEET, crowd_of

WORLD = make_world(60, 4)


def depth(viewer: int, session: int) -> int:
    return int(looks(WORLD.seed, WORLD.viewers, np.array([viewer]), session)[0])


async def test_a_viewer_looks_from_the_top_and_reports_it() -> None:
    crowd, product, http = crowd_of(WORLD, 150)
    async with http:
        visit = await crowd.viewers[3].visit("chronological", 0)
    seen = [int(one["tracking"][1:]) for one in product.events("seen")]
    assert len(seen) == visit.looks > 0
    assert seen == sorted(seen, reverse=True)
    assert min(seen) >= FIRST_TWEET + 150 - depth(3, 0)
    assert len(product.events("click")) == len(product.events("dwell")) == visit.clicks
    assert crowd.pages.latency_ms["chronological"]


async def test_what_was_looked_at_is_scrolled_past_and_worth_nothing_more() -> None:
    crowd, product, http = crowd_of(WORLD, 5)
    async with http:
        first = [await crowd.viewers[2].visit("ranked", session) for session in range(20)]
    assert sum(one.looks for one in first) <= 5
    assert first[-1].utility == 0.0
    looked = [int(one["tracking"][1:]) for one in product.events("seen")]
    assert crowd.viewers[2].worth(looked).tolist() == [0.0] * len(looked)
    assert all(crowd.viewers[3].worth(looked) != 0.0)
    assert len(product.events("seen")) == len({one["tracking"] for one in product.events("seen")})
    assert crowd.pages.served_ranked == len(crowd.pages.rungs) == 20


async def worth(arm: Arm, numbers: Iterable[int]) -> float:
    crowd, _, http = crowd_of(WORLD, 150)
    async with http:
        visits = await together(crowd.viewers[one].visit(arm, 0) for one in numbers)
    return sum(one.utility for one in visits)


async def test_the_oracle_is_worth_most_and_chance_is_the_same_again() -> None:
    best, random = await worth("oracle", range(12)), await worth("random", range(12))
    newest = await worth("chronological", range(12))
    assert best > 1.5 * max(random, newest)
    # Staleness goes on by the clock meanwhile.
    assert abs(await worth("random", reversed(range(12))) - random) < 1e-3


async def test_all_deeds_go_where_the_api_has_them_and_into_the_ledger() -> None:
    crowd, product, http = crowd_of(WORLD, 150)
    async with http:
        visits = [one for session in range(6) for one in await crowd.visits(session)]
    assert len(visits) == 6 * len(crowd.viewers)
    assert {one.arm for one in visits} == set(ARMS)
    likes = [path for method, path, _ in product.calls if method == "POST" and path.endswith("/like")]
    follows = [path for _, path, _ in product.calls if path.endswith("/follow")]
    assert len(likes) == sum(crowd.ledger.counted(one).likes for one in crowd.ledger.touched) > 0
    assert len(follows) == sum(len(theirs) for theirs in crowd.ledger.followees.values()) > 0
    said = [body for _, path, body in product.calls if path == "/v1/tweets"]
    counted = [crowd.ledger.counted(one) for one in crowd.ledger.touched]
    assert sum("retweet_of" in body for body in said) == sum(one.retweets for one in counted) > 0
    assert sum("reply_to_tweet_id" in body for body in said) == sum(one.replies for one in counted) > 0
    assert product.events("hide")


async def test_what_is_posted_has_a_truth() -> None:
    crowd, _, http = crowd_of(WORLD, 10)
    async with http:
        posted = await crowd.post_as(1)
    assert posted in crowd.tweets
    assert crowd.tweets.author_of(posted) == 1
    assert crowd.ledger.newest_of(1) == posted
    assert len(crowd.tweets.chances(0, [posted, FIRST_TWEET], crowd.clock.now_ms()).utility) == 2


def test_arms_are_a_matter_of_seed_and_viewer_alone() -> None:
    arms = arms_of(3, 4_000)
    assert np.array_equal(arms[:50], arms_of(3, 50))
    assert not np.array_equal(arms, arms_of(4, 4_000))
    shares = np.bincount(arms, minlength=4) / 4_000
    assert np.all(np.abs(shares - [0.38, 0.10, 0.34, 0.18]) < 0.03)
    assert 0.45 < halves_of(3, 4_000)[arms == 0].mean() < 0.55
