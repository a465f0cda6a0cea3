"""Fan-out by several workers on a real Redis: whoever handles what, wherever one dies, feeds are whole."""

from __future__ import annotations

import random
from collections import deque

import numpy as np
import pytest

from core.errors import Unavailable
from core.ids import UserId
from eventlog.schema import Event, FollowSet, TweetCreated, TweetDeleted
from eventlog.worker import Arrived
from fanout.handlers import FanoutHandler
from tests.fakes import FakeClock
from tests.integration.failing_redis import FailingRedis
from tests.integration.redis_world import RedisWorld
from tests.unit.fanout.test_handlers import arrived
from tests.unit.timelines.fake_stores import FakeGraphStore, FakeTweetStore
from timelines.merge import TimelineMerge
from timelines.reader import TimelineReader
from timelines.relations import Relations

VIEWERS = (UserId(7), UserId(8), UserId(9))
AUTHORS = (21, 22, 23, 24)
BASE = 2**62
STEPS = {"post": 8, "follow": 3, "handle": 8, "read": 3, "delete": 1, "flush": 0.1}
"""And how often each is taken, compared to the others."""


class Worker:
    """A process with some of the partitions: their entries come in order, again until they are handled."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.redis = FailingRedis(world.both.client)
        self.waiting: deque[Arrived] = deque()
        self.handler = self._started()

    def _started(self) -> FanoutHandler:
        world = self._world
        relations, merge = Relations(self.redis, world.graph), TimelineMerge(self.redis, world.tweets)
        return FanoutHandler(self.redis, world.graph, relations, merge, FakeClock())

    async def handle(self, count: int, chance: random.Random) -> None:
        """A batch; now and then in vain, and then by a process that knows nothing."""
        batch = list(self.waiting)[:count]
        if chance.random() < 0.3:
            self.redis.fails_at, self.redis.made = chance.randrange(8), chance.random() < 0.5
            try:
                await self.handler.handle(batch)
            except Unavailable:
                self._world.deaths += 1
                self.handler = self._started()
                return
            finally:
                self.redis.fails_at = None
        else:
            await self.handler.handle(batch)
        for _ in batch:
            self.waiting.popleft()


class World:
    def __init__(self, both: RedisWorld) -> None:
        self.both = both
        self.tweets, self.graph = FakeTweetStore(), FakeGraphStore()
        self.deaths = 0
        self.workers = [Worker(self) for _ in range(3)]
        relations, merge = Relations(both.client, self.graph), TimelineMerge(both.client, self.tweets)
        self._reader = TimelineReader(both.client, relations, merge, self.graph, self.tweets)
        self._ver = BASE
        self.following: set[tuple[int, int]] = set()

    def tell(self, key: int, *events: Event) -> None:
        """The log: a key's events are one worker's."""
        for event in events:
            self._ver += 1
            self.workers[key % 3].waiting.extend(arrived(event, ver=self._ver))

    def post(self, author: int) -> None:
        self._ver += 1
        self.tweets.add(author, self._ver)
        self.tell(author, TweetCreated(self._ver, author, "x", 1))

    def delete(self, tweet: int) -> None:
        author = self.tweets.tweets.pop(tweet).author_id
        self.tell(author, TweetDeleted(tweet, author))

    def toggle(self, viewer: UserId, author: int) -> None:
        on = (viewer, author) not in self.following
        self.following ^= {(viewer, author)}
        self.graph.follow(viewer, author, ver=self._ver + 1, on=on)
        self.tell(viewer, FollowSet(viewer, author, on))

    async def drain(self) -> None:
        for worker in self.workers:
            await worker.handler.handle(list(worker.waiting))
            worker.waiting.clear()

    async def feed(self, viewer: UserId) -> list[int]:
        """Page by page to its end, as it would be shown."""
        timeline = await self._reader.read(viewer)
        ids: list[int] = timeline.ids.tolist()
        while True:
            older = await self._reader.older(timeline, before=ids[-1] if ids else None, limit=5)
            if not len(older):
                break
            ids += older.tolist()
        authors = set(timeline.authors.tolist())
        live = self.tweets.tweets
        return [one for one in ids if one in live and live[one].author_id in authors]

    def truth(self, viewer: UserId) -> list[int]:
        authors = {author for one, author in self.following if one == viewer}
        return sorted(
            (one for one, of in self.tweets.tweets.items() if of.author_id in authors), reverse=True
        )


@pytest.mark.parametrize("seed", range(12))
async def test_whoever_handles_what_every_feed_is_whole_in_the_end(seed: int, both_redis: RedisWorld) -> None:
    chance = random.Random(seed)
    world = World(both_redis)
    for _ in range(150):
        match chance.choices(("post", "follow", "handle", "read", "delete", "flush"), (8, 3, 8, 3, 1, 0.1))[
            0
        ]:
            case "post":
                world.post(chance.choice(AUTHORS))
            case "follow":
                world.toggle(chance.choice(VIEWERS), chance.choice(AUTHORS))
            case "handle":
                await chance.choice(world.workers).handle(chance.randrange(1, 6), chance)
            case "read":
                await world.feed(chance.choice(VIEWERS))
            case "delete" if world.tweets.tweets:
                world.delete(chance.choice(list(world.tweets.tweets)))
            case "flush":
                await both_redis.look.flushall()
    for worker in world.workers:
        while worker.waiting:
            await worker.handle(50, chance)
    for viewer in VIEWERS:
        assert await world.feed(viewer) == world.truth(viewer)
    assert world.deaths


async def test_a_deleted_tweet_leaves_the_lists(both_redis: RedisWorld) -> None:
    world = World(both_redis)
    for viewer in VIEWERS:
        world.toggle(viewer, 21)
        await world.feed(viewer)
    await world.drain()
    for _ in range(5):
        world.post(21)
    await world.drain()
    gone, *others = world.tweets.tweets
    world.delete(gone)
    await world.drain()
    for viewer in VIEWERS:
        items = await both_redis.look.lrange(b"tl:{%d}" % viewer, 0, -1)
        assert items[:4] == [b"%d" % one for one in reversed(others)]
        assert b"%d" % gone not in items


async def test_seventeen_follows_in_a_row_are_read_once_from_the_store(both_redis: RedisWorld) -> None:
    world = World(both_redis)
    viewer = VIEWERS[0]
    await world.feed(viewer)
    for author in range(100, 117):
        world.tweets.add(author, *range(BASE - 50 * author, BASE - 50 * author + 50))
        world.toggle(viewer, author)
    reads = world.tweets.reads
    await world.drain()
    assert world.tweets.reads == reads + 1
    assert await world.feed(viewer) == world.truth(viewer)
    assert np.size(world.truth(viewer)) == 17 * 50
