"""Deliveries by CPU second of Redis, against a sorted set, and of a worker, whose time is told by parts.

What one delivery costs Redis depends on how many ids go to one list at once, and that on how far the worker
is behind. A Redis whose core is busy has workers that are behind: they find 500 tweets at a time, and in
this crowd most of those who get any get several. That is the figure of the bar. A worker that keeps up
finds a few tweets; measured with 16 at a time, hardly anybody gets two. That figure is told beside it:
it is what a community of millions comes to, however far behind, for there nobody gets two of 500 either.

The alternative is told both ways, too: each id with a ZADD and a ZREMRANGEBYRANK of its own, as the bar
says, and as many ids a ZADD as the lists get. It is on a fifth of the viewers, which is kind to it.
"""

from __future__ import annotations

import cProfile
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np
from redis.asyncio import Redis

from bench.bars.bar import Result
from bench.bars.cpu import PerCore
from bench.bars.profiles import shares
from bench.bars.stacks import run
from bench.fanout_backlog import BATCH, FIRST_ID, VIEWERS, Backlog, backlog
from bench.redis_for_benches import server_cpu_s
from stores.redis_client import RedisClient
from stores.redis_commands import command
from timelines.layout import CAPACITY

RUNS = 3
TWEETS = 4_000
WARM_TWEETS = 2_000
REDIS_PER_S = 500_000
TIMES = 3.5
WORKER_PER_S = 200_000

FEW_TWEETS = 16
"""What a worker that keeps up may find at once: 4,000 deliveries, a pipeline."""
SETS = 10_000
"""They take a gigabyte; as many as there are lists would take five."""
SET_PUSHES = 200_000
_PIPELINE = 2_000

PARTS = {
    "the log": ("eventlog", "sqlite", "msgspec", "structlog"),
    "packing": ("packed_spread", "'join' of 'bytes'", "packed_word", "with_words", "bundles", "argsort"),
    "answers": ("read_lines", "fromstring", "'replace' of 'bytes'", "'count' of 'bytes'", "count_nonzero"),
    "sockets and loop": ("asyncio", "uvloop", "redis_connection", "redis_node", "'write' of", "'read' of"),
    "fan-out and trims": ("fanout/", "timelines/", "redis_commands", "redis_client", "redis_single"),
}
"""What the time of the worker goes to, by what the profile's lines contain; the first that fits."""

_SHAPE = (
    f"{VIEWERS:,} full timelines, a crowd with heavy tails whose posts go to 250 on average, "
    f"{TWEETS:,} tweets a run"
)


@dataclass(slots=True)
class _Measured:
    """Deliveries by CPU second, a figure a run; `ids` are so many as a list gets at once of a full batch."""

    behind: list[float] = field(default_factory=list)
    keeping_up: list[float] = field(default_factory=list)
    sets: list[float] = field(default_factory=list)
    sets_alike: list[float] = field(default_factory=list)
    ids: int = 1


def redis_core(arguments: list[str]) -> Result:
    """`make bar-deliveries`: all sides in turns, on one server."""
    measured = run(_redis_core)
    behind = PerCore(f"lists, batches of {BATCH} tweets", tuple(measured.behind))
    keeping_up = PerCore(f"lists, batches of {FEW_TWEETS}", tuple(measured.keeping_up))
    sets = PerCore("sorted sets", tuple(measured.sets))
    alike = PerCore(f"sorted sets with {measured.ids} ids a command", tuple(measured.sets_alike))
    times = behind.median / sets.median
    return Result(
        f"deliveries by CPU second of Redis, {_SHAPE}; medians of {RUNS} runs",
        f"{behind}; {sets}; {times:.1f} times; {alike}; {behind.median / alike.median:.1f} times; "
        f"{keeping_up}; {keeping_up.median / sets.median:.1f} times the sorted sets",
        f"≥ {REDIS_PER_S:,}; ≥ {TIMES} times ZADD and ZREMRANGEBYRANK, pipelined",
        behind.median >= REDIS_PER_S and times >= TIMES,
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


async def _redis_core() -> _Measured:
    async with backlog() as waiting:
        await waiting.fill()
        await _fill_sets(waiting.plain)
        await waiting.post(WARM_TWEETS)
        await waiting.drain()
        measured = _Measured(ids=_ids_at_once(waiting))
        turns: list[tuple[list[float], Callable[[int], Awaitable[int]]]] = [
            (measured.behind, lambda turn: waiting.drain()),
            (measured.sets, lambda turn: _push_sets(waiting.redis, turn, 1)),
            (measured.keeping_up, lambda turn: waiting.drain(FEW_TWEETS)),
            (measured.sets_alike, lambda turn: _push_sets(waiting.redis, turn, measured.ids)),
        ]
        for number in range(RUNS):
            for place, (figures, work) in enumerate(turns):
                await waiting.post(0 if place % 2 else TWEETS)
                turn = number * len(turns) + place
                figures.append(await _per_cpu_s(waiting.plain, lambda work=work, turn=turn: work(turn)))  # type: ignore[misc]  # bound per turn
    return measured


def _ids_at_once(waiting: Backlog) -> int:
    """What those get on average who get any of a full batch."""
    posters = waiting.crowd.posters[:BATCH].tolist()
    viewers = np.concatenate([waiting.crowd.followers_of(poster) for poster in posters])
    return round(len(viewers) / len(np.unique(viewers)))


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
    return shares(profile, PARTS)


async def _per_cpu_s(redis: Redis, work: Callable[[], Awaitable[int]]) -> float:
    before_s = await server_cpu_s(redis)
    deliveries = await work()
    return deliveries / (await server_cpu_s(redis) - before_s)


async def _fill_sets(redis: Redis) -> None:
    members = [word for i in range(CAPACITY) for word in (f"{float(FIRST_ID + i)!r}", f"{FIRST_ID + i}")]
    for viewer in range(SETS):
        await redis.execute_command("ZADD", _set_key(viewer), *members)  # type: ignore[no-untyped-call]  # not annotated


async def _push_sets(redis: RedisClient, turn: int, at_once: int) -> int:
    """Each viewer who is drawn gets so many ids by one ZADD, and is then cut by one ZREMRANGEBYRANK."""
    chosen = random.Random(turn).choices(range(SETS), k=SET_PUSHES // at_once)
    next_id = FIRST_ID + CAPACITY + turn * SET_PUSHES
    for begin in range(0, len(chosen), _PIPELINE):
        commands = []
        for viewer in chosen[begin : begin + _PIPELINE]:
            key = _set_key(viewer).encode()
            ids = range(next_id, next_id + at_once)
            next_id += at_once
            members = [word for i in ids for word in (repr(float(i)).encode(), i)]
            commands.append(command(b"ZADD", key, *members))
            commands.append(command(b"ZREMRANGEBYRANK", key, 0, b"%d" % (-CAPACITY - 1)))
        await redis.calls(commands)
    return len(chosen) * at_once


def _set_key(viewer: int) -> str:
    return f"zs:{{{viewer}}}"
