"""Behind the scenes of a distributed stack: its tables, its log and its Redis, for whoever checks on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis, RedisCluster

from core.clock import SystemClock
from core.errors import Unavailable
from eventlog.envelope import decode_envelope
from eventlog.kafka_log import KafkaEventLog
from eventlog.schema import GRAPH, FollowSet, decode_event
from stores.cassandra.assembly import CassandraStores, open_cassandra
from wiring.distributed import cassandra_options, kafka_options
from wiring.draining import GROUPS
from wiring.settings import Settings

LOOK_EVERY_S = 0.1
PATIENCE_S = 180.0


@dataclass(frozen=True, slots=True)
class Told:
    """The newest event of an edge: its version, and what it says."""

    ver: int
    on: bool


@dataclass(frozen=True, slots=True)
class Backstage:
    stores: CassandraStores
    log: KafkaEventLog
    redis: Redis | RedisCluster

    async def outbox_is_empty(self) -> bool:
        return await self.stores.outbox.oldest_bucket() is None

    async def delivered(self, groups: tuple[str, ...] = ("fanout",)) -> float:
        """Waits until every entry has left the outbox and the groups have handled all; when that was.

        Monotonic seconds. What is away while we ask is waited for.
        """
        end_s = time.monotonic() + PATIENCE_S
        while True:
            state = "?"
            try:
                oldest = await self.stores.outbox.oldest_bucket()
                behind = {group: sum((await self.log.lag(group, GROUPS[group])).values()) for group in groups}
                if oldest is None and not any(behind.values()):
                    return time.monotonic()
                state = f"oldest bucket of the outbox {oldest}, behind {behind}"
            except Unavailable as exc:
                state = str(exc)
            if time.monotonic() > end_s:
                raise AssertionError(f"not delivered after {PATIENCE_S:.0f} s: {state}")
            await asyncio.sleep(LOOK_EVERY_S)

    async def told_of_follows(self) -> Mapping[tuple[int, int], Told]:
        """What the log says of each edge, by its highest version."""
        newest: dict[tuple[int, int], Told] = {}
        ends = await self.log.ends([GRAPH])
        # Offsets of its own and no commit: it leaves no trace.
        subscription = await self.log.subscribe("backstage", [GRAPH], start={})
        try:
            while True:
                at = await subscription.positions()
                if at and all(at.get(tp, 0) >= end for tp, end in ends.items()):
                    return newest
                for entry in await subscription.poll(max_entries=1_000, timeout_s=0.5):
                    envelope = decode_envelope(entry.value)
                    event = decode_event(envelope)
                    if isinstance(event, FollowSet):
                        former = newest.get((event.a, event.b))
                        if former is None or envelope.ver > former.ver:
                            newest[event.a, event.b] = Told(envelope.ver, event.on)
        finally:
            await subscription.close()


@asynccontextmanager
async def open_backstage(settings: Settings) -> AsyncIterator[Backstage]:
    """`settings` are those that the stack runs with."""
    async with (
        _redis(settings) as redis,
        KafkaEventLog(kafka_options(settings)) as log,
        open_cassandra(cassandra_options(settings), log, SystemClock()) as stores,
    ):
        yield Backstage(stores, log, redis)


@asynccontextmanager
async def _redis(settings: Settings) -> AsyncIterator[Redis | RedisCluster]:
    """Not the product's own client, which is among what is looked at."""
    assert settings.redis.url is not None
    url = settings.redis.url.get_secret_value().partition(",")[0]
    client: Redis | RedisCluster = (
        RedisCluster.from_url(url) if settings.redis.cluster else Redis.from_url(url)
    )
    try:
        yield client
    finally:
        await client.aclose()
