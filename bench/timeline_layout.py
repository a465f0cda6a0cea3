"""Pushing ids to timelines: the list that rankfeed keeps against a sorted set.

The list goes by the product's own path, the one of fan-out. The alternative is what most descriptions of
home feeds use: ZADD and ZREMRANGEBYRANK, pipelined. Ids lose their low bits there, because scores are
doubles.
"""

from __future__ import annotations

import random
import time

import numpy as np
from redis.asyncio import Redis

from bench.redis_for_benches import BenchRedis, fresh_redis, server_cpu_s, used_bytes
from timelines.audience import Audience, Offer, push_to
from timelines.layout import CAPACITY, CUT, timeline_key

TIMELINES = 500
AUDIENCES = 25
FOLLOWERS = 200
EVENTS = 400
AT_ONCE = 10
"""Events a pipeline."""
FIRST_ID = 1_790_000_000_000_000_000


async def main() -> None:
    async with fresh_redis() as both:
        redis = both.plain
        chance = random.Random(1)
        drawn = [sorted(chance.sample(range(TIMELINES), FOLLOWERS)) for _ in range(AUDIENCES)]
        audiences = [Audience(np.array(viewers, np.int64)) for viewers in drawn]
        pushes = EVENTS * FOLLOWERS
        offers = [
            Offer(chance.choice(audiences), FIRST_ID + CAPACITY + number) for number in range(1, EVENTS + 1)
        ]
        rows = []
        for name, fill, deliver in (
            ("list, LPUSHX and trim", _fill_lists, _push_lists),
            ("sorted set, ZADD and ZREMRANGEBYRANK", _fill_sets, _push_sets),
        ):
            await redis.flushall()
            before = await used_bytes(redis)
            await fill(redis)
            size = (await used_bytes(redis) - before) / TIMELINES
            cpu_before = await server_cpu_s(redis)
            began_s = time.perf_counter()
            for begin in range(0, EVENTS, AT_ONCE):
                await deliver(both, offers[begin : begin + AT_ONCE])
            elapsed_s = time.perf_counter() - began_s
            rows.append((name, size, pushes / elapsed_s, pushes / (await server_cpu_s(redis) - cpu_before)))
        print(f"\ntimelines of {CAPACITY} ids, {pushes:,} pushes, {AT_ONCE * FOLLOWERS:,} a pipeline")
        print(f"{'layout':40}{'bytes each':>12}{'pushes/s':>12}{'per Redis CPU s':>18}")
        for name, size, rate, per_cpu in rows:
            print(f"{name:40}{size:>12,.0f}{rate:>12,.0f}{per_cpu:>18,.0f}")
        smaller, more = rows[1][1] / rows[0][1], rows[0][3] / rows[1][3]
        print(f"ratio: {smaller:.1f} times smaller, {more:.1f} times the pushes per Redis CPU second")


async def _fill_lists(redis: Redis) -> None:
    ids = [b"%d" % (FIRST_ID + i) for i in reversed(range(CAPACITY))]
    for viewer in range(TIMELINES):
        async with redis.pipeline(transaction=False) as pipeline:
            pipeline.rpush(timeline_key(viewer), b"-1", *ids, CUT)
            await pipeline.execute()


async def _push_lists(both: BenchRedis, offers: list[Offer]) -> None:
    await push_to(both.client, offers)


async def _fill_sets(redis: Redis) -> None:
    members = {f"{FIRST_ID + i}": float(FIRST_ID + i) for i in range(CAPACITY)}
    for viewer in range(TIMELINES):
        await redis.zadd(_set_key(viewer), members)


async def _push_sets(both: BenchRedis, offers: list[Offer]) -> None:
    async with both.plain.pipeline(transaction=False) as pipeline:
        for audience, tweet in offers:
            for viewer in audience.viewers.tolist():
                pipeline.zadd(_set_key(viewer), {f"{tweet}": float(tweet)})
                pipeline.zremrangebyrank(_set_key(viewer), 0, -CAPACITY - 1)
        await pipeline.execute()


def _set_key(viewer: int) -> str:
    return f"zs:{{{viewer}}}"
