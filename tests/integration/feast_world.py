"""Traffic of some hours that went through the real log, stream and lake, for comparisons with Feast."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from core.clock import SystemClock
from core.ids import compose_id
from core.types import EngagementType
from eventlog.schema import Event, FollowSet, LikeSet, ReplySet, RetweetSet, TweetCreated, Viewed, record_of
from eventlog.sqlite_log import SqliteEventLog
from features.moments import HOME, Moments, codes
from features.packed_store import PackedStore
from pipelines.features_observation import TOPICS as OBSERVED
from pipelines.features_stream import GROUP, FeaturesStream
from pipelines.lake import GROUP as LAKE_GROUP
from pipelines.lake import TOPICS, LakeOptions, LakeWriter
from stores.ports import OutboxRecord
from stores.sqlite import open_facts, open_telemetry
from tests.integration.redis_world import PATIENT_MS, RedisWorld

VIEWERS, AUTHORS, TWEETS = 12, 15, 90
WAVES, WAVE_MS, EVENTS_A_WAVE = 5, 600_000, 300
LATE_MS = 7_200_000
SOURCES = ("timeline", "popular", "")
KINDS: tuple[EngagementType, ...] = ("seen", "seen", "seen", "click", "dwell", "hide")


class FeastWorld:
    """Waves of events; the stream has counted each before the next one happens.

    In a copy of such a home all of it has happened already.
    """

    def __init__(self, home: Path, redis: RedisWorld) -> None:
        self.home = home
        self.redis = redis
        self.environment = {
            "RANKFEED_HOME": str(home),
            "RANKFEED_REDIS_URL": redis.options.url,
            "RANKFEED_REDIS_CLUSTER": str(redis.options.cluster).lower(),
            "RANKFEED_REDIS_TIMEOUT_MS": str(PATIENT_MS),
        }
        self.clock = SystemClock()
        began = home / "began_ms"
        if not began.exists():
            began.write_text(str(self.clock.now_ms() - 2 * WAVES * WAVE_MS))
        self.began_ms = int(began.read_text())
        self._random = random.Random(5)
        self._sequence = 0
        self.facts, self.telemetry = open_facts(home / "facts.db"), open_telemetry(home / "telemetry.db")
        self.log = SqliteEventLog(self.facts, self.telemetry, self.clock, partitions=4)
        self.tweets = [compose_id(self.began_ms - 60_000 * i, 2, 2, i) for i in range(1, TWEETS + 1)]

    def close(self) -> None:
        self.facts.close()
        self.telemetry.close()

    def ended_ms(self, wave: int) -> int:
        """After everything of the wave, before the next one."""
        return self.began_ms + (wave + 1) * WAVE_MS - 1_500

    async def happen(self) -> None:
        await self.log.append(self._written())
        for wave in range(WAVES):
            await self.log.append(self._events(wave))
            async with self.streaming():
                await self._consumed(GROUP, OBSERVED)
        stop = asyncio.Event()
        writer = LakeWriter(self.log, self.home / "lake", self.clock, self._mint, LakeOptions(flush_s=0.0))
        task = asyncio.create_task(writer.run(stop))
        await self._consumed(LAKE_GROUP, TOPICS)
        stop.set()
        await task

    @asynccontextmanager
    async def streaming(self) -> AsyncIterator[None]:
        stop, home = asyncio.Event(), self.home
        stream = FeaturesStream(
            self.log,
            PackedStore(self.redis.client),
            home / "features.db",
            home / "lake",
            self.clock,
            self._mint,
        )
        task = asyncio.create_task(stream.run(stop))
        try:
            yield
        finally:
            stop.set()
            await task

    def moments(self, count: int) -> Moments:
        """Who might be shown what, at the ends of waves; some of it nobody has met by then."""
        draw = np.random.default_rng(7)
        tweets = draw.integers(0, TWEETS, count)
        wave = draw.integers(0, WAVES, count)
        return Moments(
            draw.integers(1, VIEWERS + 3, count),
            self.authors_of(tweets),
            np.array(self.tweets, np.int64)[tweets],
            np.array([self.ended_ms(w) for w in wave.tolist()], np.int64),
            codes([HOME]),
            codes(SOURCES[i % len(SOURCES)] for i in range(count)),
        )

    def authors_of(self, tweets: np.typing.NDArray[np.int64]) -> np.typing.NDArray[np.int64]:
        """Of tweets by their positions; a few have one that nobody has met."""
        return np.asarray(1_000 + tweets % (AUTHORS + 2), np.int64)

    def _events(self, wave: int) -> list[OutboxRecord]:
        began_ms = self.began_ms + wave * WAVE_MS
        records: list[OutboxRecord] = []
        for i in range(EVENTS_A_WAVE):
            # The first few tell late of what happened before the wave.
            arrived_ms = began_ms + i * 1_700
            at_ms = began_ms - LATE_MS + i * 1_000 if wave and i < 20 else arrived_ms
            viewer, position = self._random.randint(1, VIEWERS), self._random.randrange(TWEETS)
            tweet, author = self.tweets[position], 1_000 + position % AUTHORS
            kind = self._random.choice(KINDS)
            view = Viewed(viewer, bytes([wave, i % 256, i // 256]), tweet, author, kind, value_ms=i * 37)
            on, id_ = self._random.random() < 0.8, self._id(arrived_ms)
            facts: list[Event] = [
                LikeSet(viewer, tweet, on, author),
                FollowSet(viewer, author, on),
                ReplySet(id_, tweet, on, viewer, author),
                RetweetSet(viewer, tweet, on, id_, author),
            ]
            event = self._random.choice(facts) if self._random.random() < 0.2 else view
            records.append(record_of(event, id=id_, ts_ms=at_ms, key=viewer))
        return records

    def _written(self) -> list[OutboxRecord]:
        """Most of the tweets; of some nobody was told."""
        records = []
        for position, tweet in enumerate(self.tweets[:-9]):
            author, at_ms = 1_000 + position % AUTHORS, self.began_ms - 60_000 * (position + 1)
            kind = ("", "image", "video")[position % 3]
            event = TweetCreated(
                tweet, author, "x" * position, at_ms, tweet if position % 4 else None, None, kind
            )
            records.append(record_of(event, id=self._id(self.began_ms), ts_ms=at_ms, key=author))
        return records

    def _id(self, at_ms: int) -> int:
        self._sequence += 1
        return compose_id(at_ms, 1, 1, self._sequence % 4096)

    def _mint(self) -> int:
        return self._id(self.clock.now_ms())

    async def _consumed(self, group: str, topics: list[str] | tuple[str, ...]) -> None:
        async with asyncio.timeout(60):
            while any((await self.log.lag(group, topics)).values()):
                continue


@asynccontextmanager
async def happened_in(home: Path, past: Path, redis: RedisWorld) -> AsyncIterator[FeastWorld]:
    """A world in `home` in which everything happened that did in `past`, its rows in this Redis."""
    shutil.copytree(past, home, dirs_exist_ok=True)
    world = FeastWorld(home, redis)
    try:
        async with world.streaming(), asyncio.timeout(60):
            while await PackedStore(redis.client).epoch() is None:
                continue
        yield world
    finally:
        world.close()


def entity_frame(moments: Moments) -> pd.DataFrame:
    """The moments as Feast is asked for them."""
    return pd.DataFrame(
        {
            "everything": np.zeros(len(moments.at_ms), np.int64),
            "viewer": moments.viewers,
            "author": moments.authors,
            "tweet": moments.tweets,
            "now_ms": moments.at_ms,
            "surface": HOME,
            "source": [SOURCES[i % len(SOURCES)] for i in range(len(moments.at_ms))],
            "row": np.arange(len(moments.at_ms)),
            "event_timestamp": pd.to_datetime(moments.at_ms, unit="ms", utc=True),
        }
    )
