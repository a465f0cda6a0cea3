"""The truth: chances follow interest, and deeds follow chances."""

from __future__ import annotations

import numpy as np

from simulation.tweets import Tweets, live_tweets
from simulation.world import World, make_world

WORLD = make_world(600, 7)
NOW = 1_790_000_000_000


def _tweets(world: World, n: int) -> Tweets:
    return live_tweets(7, world.authors, np.arange(n) % len(world.authors), np.full(n, NOW), 0)


def test_a_click_is_likelier_where_the_interest_is_greater() -> None:
    tweets = _tweets(WORLD, 60_000)
    viewers = np.arange(60_000) % len(WORLD.viewers)
    chances = WORLD.taste.chances(viewers, tweets, tweets.at_ms)
    loved = WORLD.viewers.interests[viewers, tweets.topics]
    for chance in (chances.click, chances.like, chances.utility):
        assert chance[loved > 1.0].mean() > 1.5 * chance[loved < -1.0].mean()
    assert chances.hide[loved > 1.0].mean() < chances.hide[loved < -1.0].mean()
    assert all(chance.min() > 0.0 and chance.max() < 1.0 for chance in (chances.click, chances.like))


def test_what_is_stale_is_worth_less() -> None:
    tweets = _tweets(WORLD, 100)
    viewers = np.arange(100)
    fresh, stale = (WORLD.taste.chances(viewers, tweets, tweets.at_ms + late) for late in (0, 86_400_000))
    assert np.all(fresh.utility > stale.utility)
    assert np.array_equal(fresh.hide, stale.hide)


def test_deeds_come_as_often_as_their_chances_say_and_as_keyed() -> None:
    tweets = _tweets(WORLD, 50_000)
    viewers = np.arange(50_000) % len(WORLD.viewers)
    chances = WORLD.taste.chances(viewers, tweets, tweets.at_ms)
    deeds = WORLD.taste.deeds(viewers, tweets, tweets.at_ms, 5)
    for happened, chance in (
        (deeds.click, chances.click),
        (deeds.like, chances.like),
        (deeds.hide, chances.hide),
    ):
        assert abs(happened.mean() - chance.mean()) < 0.2 * chance.mean()
    assert not np.any(deeds.hide & (deeds.like | deeds.reply | deeds.retweet))
    assert np.array_equal(deeds.dwell_ms > 0, deeds.click)
    some = slice(1_000, 1_050)
    alone = WORLD.taste.deeds(viewers[some], tweets.take(some), tweets.at_ms[some], 5)
    assert np.array_equal(alone.click, deeds.click[some])
    later = WORLD.taste.deeds(viewers[some], tweets.take(some), tweets.at_ms[some], 6)
    assert not np.array_equal(alone.click, later.click)
