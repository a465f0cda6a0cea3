"""What fan-out is measured on: full timelines in Redis, a graph and a backlog of tweets in real files.

The crowd is that of `make bar-post-to-feed-heavy`: 50,000 people who follow some 20 each, mostly the same
few, so that somebody has 15,000 followers and most have a handful; the popular post more often.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from bench.bars.post_to_feed_heavy import USERS, Crowd
from bench.redis_for_benches import fresh_redis
from core.clock import SystemClock
from core.ids import id_time_ms
from eventlog.schema import TWEETS, TweetCreated, record_of
from eventlog.worker import Worker, WorkerOptions
from fanout.handlers import TOPICS, FanoutHandler
from stores.redis_client import RedisClient
from stores.redis_commands import command
from tests.e2e.waiting import eventually
from timelines.layout import CAPACITY, CUT, TRIM_SLACK, timeline_key
from timelines.merge import TimelineMerge
from timelines.relations import Relations
from wiring.home import Home
from wiring.resources import Stores, open_files

VIEWERS = USERS
FIRST_VIEWER = 4_000_000_000_000_000_000
FIRST_ID = 1_790_000_000_000_000_000

BATCH = 500
"""What a worker takes at once."""

_GROUP = "fanout"
_AT_ONCE = 1_000
_PATIENCE_S = 120.0


@dataclass
class Backlog:
    """`redis` is the product's client, `plain` redis-py's; `next_id` is that of the next tweet."""

    redis: RedisClient
    plain: Redis
    stores: Stores
    crowd: Crowd
    random: random.Random
    next_id: int = FIRST_ID + 10 * (CAPACITY + TRIM_SLACK)

    async def fill(self) -> None:
        """Everybody's list is full, as a trim left it and so and so many pushes since."""
        for begin in range(0, VIEWERS, _AT_ONCE):
            await self.redis.calls(
                [command(b"RPUSH", timeline_key(viewer), *self._full()) for viewer in _viewers(begin)]
            )

    async def post(self, tweets: int) -> None:
        """Into the log; nobody delivers them yet."""
        for begin in range(0, tweets, _AT_ONCE):
            records = []
            for _ in range(min(_AT_ONCE, tweets - begin)):
                self.next_id += 1 + self.random.randrange(1_000)
                author = FIRST_VIEWER + int(self.random.choice(self.crowd.posters))
                event = TweetCreated(
                    self.next_id, author, "as long as most are " * 5, id_time_ms(self.next_id)
                )
                records.append(record_of(event, id=self.next_id, ts_ms=event.created_ms, key=author))
            await self.stores.log.append(records)

    async def drain(self, batch: int = BATCH) -> int:
        """Delivers the backlog as a worker process does, in this one; returns the deliveries.

        `batch` events at a time: a worker that keeps up finds a few, one that is behind as many as it takes.
        """
        before = delivered()
        clock, stop = SystemClock(), asyncio.Event()
        relations = Relations(self.redis, self.stores.graph)
        merge = TimelineMerge(self.redis, self.stores.tweets)
        handler = FanoutHandler(self.redis, self.stores.graph, relations, merge, clock)
        options = WorkerOptions(group=_GROUP, topics=TOPICS, batch=batch)
        working = asyncio.create_task(
            Worker(self.stores.log, handler, clock, _nothing_minted, options).run(stop)
        )
        await eventually("the backlog is delivered", self._is_delivered, patience_s=_PATIENCE_S)
        stop.set()
        await working
        return delivered() - before

    async def _is_delivered(self) -> bool:
        return not any((await self.stores.log.lag(_GROUP, [TWEETS])).values())

    def _full(self) -> list[bytes]:
        fresh = self.random.randrange(TRIM_SLACK)
        ids = [b"%d" % (FIRST_ID + 10 * i) for i in reversed(range(CAPACITY + fresh))]
        return [*ids[:fresh], b"-1", *ids[fresh:], CUT]


@asynccontextmanager
async def backlog() -> AsyncIterator[Backlog]:
    with tempfile.TemporaryDirectory(prefix="rankfeed-bench-") as directory:
        home = Home(Path(directory))
        crowd = Crowd.drawn(np.random.default_rng(1))
        with open_files(home, SystemClock()) as stores:
            _seed_follows(home, crowd)
            async with fresh_redis() as both:
                yield Backlog(both.client, both.plain, stores, crowd, random.Random(1))


def delivered() -> int:
    return int(REGISTRY.get_sample_value("rankfeed_deliveries_total") or 0)


def _seed_follows(home: Home, crowd: Crowd) -> None:
    # Straight into the file: by the store it would take minutes, and here they only have to be there.
    followed = np.repeat(np.arange(VIEWERS), crowd.follower_counts)
    rows = zip((FIRST_VIEWER + crowd.followers).tolist(), (FIRST_VIEWER + followed).tolist(), strict=True)
    with closing(sqlite3.connect(home.facts)) as connection, connection:
        connection.executemany("INSERT INTO follows VALUES (?, ?, 1, 1)", rows)


def _viewers(begin: int) -> range:
    return range(FIRST_VIEWER + begin, FIRST_VIEWER + min(begin + _AT_ONCE, VIEWERS))


def _nothing_minted() -> int:
    raise AssertionError("ids are for dead letters, and there are none")
