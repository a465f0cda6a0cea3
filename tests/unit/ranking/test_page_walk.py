"""A page is full wherever there is enough that may be shown, however much of the way may not."""

from __future__ import annotations

import random

import numpy as np
import pytest

from core.errors import Unavailable
from ranking.page_walk import Shown
from ranking.patience import Patience
from ranking.query import FeedPosition
from tests.unit.ranking.feed_world import VIEWER, FeedWorld


async def _walk(world: FeedWorld, want: int, below: int | None = None) -> list[Shown]:
    return await _walk_with(world, Patience(world.query()), want, below)


async def _walk_with(
    world: FeedWorld, patience: Patience, want: int, below: int | None = None
) -> list[Shown]:
    timeline = await world.timelines.read(VIEWER)
    once = world.walk.once(timeline, patience, above=below, top=0)
    return await world.walk.in_time_order(timeline, below, want, patience, once)


def _ids(shown: list[Shown]) -> list[int]:
    return [one.tweet.tweet_id for one in shown]


@pytest.mark.parametrize("seed", range(20))
async def test_a_walk_shows_the_newest_that_may_be_shown(seed: int, world: FeedWorld) -> None:
    randomness = random.Random(seed)
    ids = range(100, 400)
    for one in ids:
        author = randomness.choice([21, 22, 23, 24])
        world.post(author, one, followed=author != 23, profile=author != 24)
    gone = set(randomness.sample(ids, 150))
    for one in gone:
        del world.tweets.tweets[one]
    # The list holds dead ids and ends somewhere; the store goes on below it.
    world.timelines.listed = list(ids)[-randomness.randrange(1, 300) :]
    allowed = [
        one for one in reversed(ids) if one not in gone and world.tweets.tweets[one].author_id in (21, 22)
    ]
    for want in (1, 7, 60, 1_000):
        assert _ids(await _walk(world, want)) == allowed[:want]
        below = randomness.choice(ids)
        assert _ids(await _walk(world, want, below)) == [one for one in allowed if one < below][:want]


async def test_places_are_those_of_the_order_that_was_walked(world: FeedWorld) -> None:
    world.post(21, *range(100, 140))
    for one in range(100, 130):
        del world.tweets.tweets[one]
    order = np.arange(100, 140, dtype=np.int64)
    timeline = await world.timelines.read(VIEWER)
    shown = await world.walk.along(order, timeline, 4, Patience(world.query()))
    assert [(one.place, one.tweet.tweet_id) for one in shown] == [(30, 130), (31, 131), (32, 132), (33, 133)]


async def test_a_walk_along_nothing_ends(world: FeedWorld) -> None:
    assert await _walk(world, 5) == []
    world.post(21, 100, followed=False)
    world.timelines.listed = [100]
    assert await _walk(world, 5) == []


def _away(world: FeedWorld, *listed: int) -> None:
    """The list holds these; the store, which has more, is away, and all but the newest are cached."""
    world.post(21, *range(100, 140))
    world.timelines.listed = list(listed)
    world.tweets.cached = set(listed) - {max(listed)}
    world.tweets.away = True


async def test_without_the_store_a_first_page_is_what_the_caches_have(world: FeedWorld) -> None:
    _away(world, *range(120, 140))
    patience = Patience(world.query())
    shown = await _walk_with(world, patience, 5)
    assert _ids(shown) == [138, 137, 136, 135, 134]
    assert patience.ran_out
    # What follows the list's end only the store knows.
    everything = await _walk_with(world, Patience(world.query()), 100)
    assert _ids(everything) == list(range(138, 119, -1))


async def test_a_later_page_does_not_skip_what_only_the_store_has(world: FeedWorld) -> None:
    _away(world, *range(120, 140))
    patience = Patience(world.query(position=FeedPosition("c", below=139)))
    with pytest.raises(Unavailable):
        await _walk_with(world, patience, 5, 139)
