"""Pushing ids to timelines: the list that rankfeed keeps against a sorted set.

The alternative is what most descriptions of home feeds use: ZADD and ZREMRANGEBYRANK, pipelined.
Ids lose their low bits there, because scores are doubles.
"""

from __future__ import annotations

import random
import time

from redis.asyncio import Redis

from bench.redis_for_benches import BenchRedis, fresh_redis
from timelines.layout import CAPACITY, COMPLETE, Delivery, push, timeline_key

TIMELINES = 500
PUSHES = 40_000
PIPELINE = 2_000
FIRST_ID = 1_790_000_000_000_000_000


async def main() -> None:
    async with fresh_redis() as both:
        redis = both.plain
        chosen = random.Random(1).choices(range(TIMELINES), k=PUSHES)
        rows = []
        for name, fill, deliver in (
            ("list, LPUSHX and trim", _fill_lists, _push_lists),
            ("sorted set, ZADD and ZREMRANGEBYRANK", _fill_sets, _push_sets),
        ):
            await redis.flushall()
            before = await _used(redis)
            await fill(redis)
            size = (await _used(redis) - before) / TIMELINES
            cpu_before = await _server_cpu_s(redis)
            began_s = time.perf_counter()
            for begin in range(0, PUSHES, PIPELINE):
                await deliver(both, chosen[begin : begin + PIPELINE], FIRST_ID + CAPACITY + begin)
            elapsed_s = time.perf_counter() - began_s
            rows.append((name, size, PUSHES / elapsed_s, PUSHES / (await _server_cpu_s(redis) - cpu_before)))
        print(f"\ntimelines of {CAPACITY} ids, {PUSHES:,} pushes, {PIPELINE:,} a pipeline")
        print(f"{'layout':40}{'bytes each':>12}{'pushes/s':>12}{'per Redis CPU s':>18}")
        for name, size, rate, per_cpu in rows:
            print(f"{name:40}{size:>12,.0f}{rate:>12,.0f}{per_cpu:>18,.0f}")
        smaller, more = rows[1][1] / rows[0][1], rows[0][3] / rows[1][3]
        print(f"ratio: {smaller:.1f} times smaller, {more:.1f} times the pushes per Redis CPU second")


async def _fill_lists(redis: Redis) -> None:
    ids = [b"%d" % (FIRST_ID + i) for i in reversed(range(CAPACITY))]
    for viewer in range(TIMELINES):
        async with redis.pipeline(transaction=False) as pipeline:
            pipeline.rpush(timeline_key(viewer), *ids, COMPLETE)
            await pipeline.execute()


async def _push_lists(both: BenchRedis, viewers: list[int], first: int) -> None:
    await push(both.client, [Delivery(viewer, first + i) for i, viewer in enumerate(viewers)])


async def _fill_sets(redis: Redis) -> None:
    members = {f"{FIRST_ID + i}": float(FIRST_ID + i) for i in range(CAPACITY)}
    for viewer in range(TIMELINES):
        await redis.zadd(_set_key(viewer), members)


async def _push_sets(both: BenchRedis, viewers: list[int], first: int) -> None:
    async with both.plain.pipeline(transaction=False) as pipeline:
        for i, viewer in enumerate(viewers):
            pipeline.zadd(_set_key(viewer), {f"{first + i}": float(first + i)})
            pipeline.zremrangebyrank(_set_key(viewer), 0, -CAPACITY - 1)
        await pipeline.execute()


def _set_key(viewer: int) -> str:
    return f"zs:{{{viewer}}}"


async def _used(redis: Redis) -> float:
    return float((await redis.info("memory"))["used_memory"])


async def _server_cpu_s(redis: Redis) -> float:
    info = await redis.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])
