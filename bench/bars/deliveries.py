"""Deliveries by CPU second of Redis, against a sorted set, and of a worker, whose time is told by parts."""

from __future__ import annotations

import cProfile
import pstats
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from bench.bars.bar import Result
from bench.bars.cpu import PerCore
from bench.bars.stacks import run
from bench.fanout_backlog import (
    AUTHORS,
    FIRST_ID,
    FOLLOWERS,
    VIEWERS,
    Backlog,
    backlog,
)
from bench.redis_for_benches import server_cpu_s
from stores.redis_client import RedisClient
from stores.redis_commands import command
from timelines.layout import CAPACITY

RUNS = 3
TWEETS = 10_000
WARM_TWEETS = 5_000
REDIS_PER_S = 500_000
TIMES = 3.5
WORKER_PER_S = 200_000

SET_PUSHES = 200_000
_PIPELINE = 2_000

PARTS = {
    "the log": ("eventlog", "sqlite", "msgspec", "structlog"),
    "packing": ("packed_spread", "'join' of 'bytes'", "packed_word"),
    "answers": ("read_lines", "fromstring", "'replace' of 'bytes'", "'count' of 'bytes'", "count_nonzero"),
    "sockets and loop": ("asyncio", "uvloop", "redis_connection", "redis_node", "'write' of", "'read' of"),
    "fan-out and trims": ("fanout/", "timelines/", "redis_commands", "redis_client", "redis_single"),
}
"""What the time of the worker goes to, by what the profile's lines contain; the first that fits."""

_SHAPE = f"{VIEWERS:,} full timelines, {AUTHORS:,} authors of {FOLLOWERS} followers, {TWEETS:,} tweets a run"


def redis_core(arguments: list[str]) -> Result:
    """`make bar-deliveries`: both sides in turns, on one server."""
    lists, sets = run(_redis_core)
    times = lists.median / sets.median
    return Result(
        f"deliveries by CPU second of Redis, {_SHAPE}; medians of {RUNS} runs",
        f"{lists}; {sets}; {times:.1f} times",
        f"≥ {REDIS_PER_S:,}; ≥ {TIMES} times ZADD and ZREMRANGEBYRANK, pipelined",
        lists.median >= REDIS_PER_S and times >= TIMES,
        seed="1",
    )


def worker(arguments: list[str]) -> Result:
    """`make bar-deliveries-worker`: log, graph, fan-out and commits, in a process of their own."""
    by_cpu, by_clock, told = run(_worker)
    return Result(
        f"deliveries by CPU second of a worker process, {_SHAPE}; medians of {RUNS} runs",
        f"{by_cpu}; {by_clock}; of its time {told}",
        f"≥ {WORKER_PER_S:,} by CPU second",
        by_cpu.median >= WORKER_PER_S,
        seed="1",
    )


async def _redis_core() -> tuple[PerCore, PerCore]:
    async with backlog() as waiting:
        await waiting.fill()
        await _fill_sets(waiting.plain)
        await waiting.post(WARM_TWEETS)
        await waiting.drain()
        lists, sets = [], []
        for number in range(RUNS):
            await waiting.post(TWEETS)
            lists.append(await _per_cpu_s(waiting.plain, waiting.drain))
            sets.append(await _per_cpu_s(waiting.plain, lambda turn=number: _push_sets(waiting.redis, turn)))  # type: ignore[misc]  # bound per turn
    return PerCore("lists", tuple(lists)), PerCore("sorted sets", tuple(sets))


async def _worker() -> tuple[PerCore, PerCore, str]:
    async with backlog() as waiting:
        await waiting.fill()
        await waiting.post(WARM_TWEETS)
        await waiting.drain()
        by_cpu, by_clock = [], []
        for _ in range(RUNS):
            await waiting.post(TWEETS)
            used_s, began_s = time.process_time(), time.monotonic()
            deliveries = await waiting.drain()
            by_cpu.append(deliveries / (time.process_time() - used_s))
            by_clock.append(deliveries / (time.monotonic() - began_s))
        await waiting.post(TWEETS)
        return (
            PerCore("by CPU second", tuple(by_cpu)),
            PerCore("by the clock, Redis beside it", tuple(by_clock)),
            await _profiled(waiting),
        )


async def _profiled(waiting: Backlog) -> str:
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    await waiting.drain()
    profile.disable()
    seconds: dict[str, float] = defaultdict(float)
    for (file, _, function), (_, _, own_s, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]  # not in typeshed
        line = f"{file} {function}"
        part = next((name for name, marks in PARTS.items() if any(mark in line for mark in marks)), "other")
        seconds[part] += own_s
    whole_s = sum(seconds.values())
    ranked = sorted(seconds.items(), key=lambda one: -one[1])
    return ", ".join(f"{own_s / whole_s:.0%} {name}" for name, own_s in ranked)


async def _per_cpu_s(redis: Redis, work: Callable[[], Awaitable[int]]) -> float:
    before_s = await server_cpu_s(redis)
    deliveries = await work()
    return deliveries / (await server_cpu_s(redis) - before_s)


async def _fill_sets(redis: Redis) -> None:
    """As many and as full as the lists; they take a gigabyte."""
    members = [word for i in range(CAPACITY) for word in (f"{float(FIRST_ID + i)!r}", f"{FIRST_ID + i}")]
    for viewer in range(VIEWERS):
        await redis.execute_command("ZADD", _set_key(viewer), *members)  # type: ignore[no-untyped-call]  # not annotated


async def _push_sets(redis: RedisClient, turn: int) -> int:
    chosen = random.Random(turn).choices(range(VIEWERS), k=SET_PUSHES)
    first = FIRST_ID + CAPACITY + turn * SET_PUSHES
    for begin in range(0, SET_PUSHES, _PIPELINE):
        commands = []
        for i, viewer in enumerate(chosen[begin : begin + _PIPELINE], first + begin):
            key = _set_key(viewer).encode()
            commands.append(command(b"ZADD", key, repr(float(i)).encode(), i))
            commands.append(command(b"ZREMRANGEBYRANK", key, 0, b"%d" % (-CAPACITY - 1)))
        await redis.calls(commands)
    return SET_PUSHES


def _set_key(viewer: int) -> str:
    return f"zs:{{{viewer}}}"
