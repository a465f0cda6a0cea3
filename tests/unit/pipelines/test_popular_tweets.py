"""The list of popular tweets: of the file's rows alone, young ones, best first, and anew after a loss."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.errors import Unavailable
from core.ids import compose_id
from features.accumulate import FeatureState, Observation
from features.freshness import QUIET_MS
from features.schema import EventKind
from pipelines.features_file import FeaturesFile
from pipelines.popular_tweets import PopularOptions, PopularTweets, pause_s
from stores.popular import Popular, PopularStore
from tests.fakes import FakeClock

DAY_MS = 86_400_000


class FakeStore(PopularStore):
    def __init__(self) -> None:
        self.popular: Popular | None = None
        self.away = False
        self.written = asyncio.Event()

    async def put(self, popular: Popular) -> None:
        if self.away:
            raise Unavailable("no Redis")
        self.popular = popular
        self.written.set()

    async def get(self) -> Popular | None:
        return self.popular

    @property
    def ids(self) -> list[int]:
        assert self.popular is not None
        return [int(one) for one in np.frombuffer(self.popular.ids, "<i8")]


class World:
    def __init__(self, path: Path) -> None:
        self.clock = FakeClock()
        self.file = FeaturesFile.open(path, self.clock)
        self.store = FakeStore()
        self.state = FeatureState()
        self.popular = PopularTweets(self.store, self.clock, PopularOptions(every_s=0.01, days=7))

    def tweet(self, age_ms: int, number: int = 0) -> int:
        return compose_id(self.clock.now_ms() - age_ms, 1, 1, number)

    async def see(self, tweet: int, kind: EventKind = "like", times: int = 1) -> None:
        for _ in range(times):
            self.state.apply(Observation(self.clock.now_ms(), kind, 9, 5, tweet))
        await self.file.commit(self.state.drain(), {}, {}, forget_before_ms=0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "features.db")
    yield made
    made.file.close()


async def test_the_best_come_first_and_only_young_ones(world: World) -> None:
    few, many = world.tweet(DAY_MS), world.tweet(6 * DAY_MS)
    await world.see(few, times=2)
    await world.see(many, times=20)
    await world.see(world.tweet(8 * DAY_MS), times=200)
    await world.popular.turn(world.file)
    assert world.store.ids == [many, few]
    popular = world.store.popular
    assert popular is not None
    assert popular.as_of_ms == world.clock.now_ms()
    scores = np.frombuffer(popular.scores, "<f4")
    assert scores[0] > scores[1] > 0


async def test_it_is_the_best_of_all_pages(world: World) -> None:
    few = PopularTweets(world.store, world.clock, PopularOptions(every_s=0.01, days=7, kept=4, page=3))
    tweets = [world.tweet(DAY_MS, number) for number in range(12)]
    for times, tweet in enumerate(tweets):
        await world.see(tweet, times=1 + times * 7 % 12)
    await few.turn(world.file)
    assert world.store.ids == sorted(tweets, key=lambda one: -(tweets.index(one) * 7 % 12))[:4]
    assert PopularOptions(every_s=0.01, days=7).kept >= 500


async def test_before_the_first_event_nothing_is_said(world: World) -> None:
    assert not await world.popular.turn(world.file)
    assert world.store.popular is None
    await world.see(world.tweet(DAY_MS))
    assert await world.popular.turn(world.file)


async def test_where_the_log_is_quiet_it_is_what_was_popular_a_day_after(world: World) -> None:
    tweet = world.tweet(DAY_MS)
    await world.see(tweet, times=3)
    last_ms = world.clock.now_ms() // 1000 * 1000
    world.clock.advance(300 * DAY_MS)
    await world.popular.turn(world.file)
    assert world.store.ids == [tweet]
    assert world.store.popular is not None
    assert world.store.popular.as_of_ms == last_ms + QUIET_MS


def test_turns_that_take_long_come_less_often() -> None:
    assert pause_s(0.5, 30.0, written=100) == 30.0
    assert pause_s(20.0, 30.0, written=100) == 180.0
    assert pause_s(20.0, 30.0, written=0) == 180.0


def test_the_first_lists_follow_soon() -> None:
    assert [pause_s(0.01, 30.0, written) for written in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert pause_s(0.01, 0.5, written=0) == 0.5


async def test_what_redis_lost_is_there_again_and_it_may_be_away(world: World) -> None:
    await world.see(world.tweet(DAY_MS))
    stop = asyncio.Event()
    world.store.away = True
    running = asyncio.create_task(world.popular.run(world.file, stop))
    await asyncio.sleep(0)
    world.store.away = False
    await world.store.written.wait()
    world.store.popular = None
    world.store.written.clear()
    await world.store.written.wait()
    assert len(world.store.ids) == 1
    stop.set()
    await running
