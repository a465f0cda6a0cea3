"""The features stream: events a second through the real embedded log, and where its time goes."""

from __future__ import annotations

import asyncio
import cProfile
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from itertools import count
from pathlib import Path
from typing import Literal, NamedTuple, cast

from bench.bars.bar import Result
from bench.bars.cpu import PerCore, cpu_s
from bench.bars.profiles import shares
from bench.bars.stacks import run
from bench.redis_for_benches import fresh_redis
from core.clock import SystemClock
from core.ids import compose_id
from eventlog.log import Offsets
from eventlog.schema import LikeSet, Viewed, record_of
from eventlog.sqlite_log import SqliteEventLog
from features.accumulate import FeatureState, Observation
from features.packed_store import PackedStore
from features.schema import EventKind
from pipelines.features_observation import TOPICS
from pipelines.features_stream import GROUP, FeaturesStream
from stores.ports import OutboxRecord
from stores.redis_client import RedisClient
from stores.sqlite import open_facts, open_telemetry
from wiring.process import settle_garbage_collection

EVENTS = 120_000
RUNS = 3
BAR_PER_S = 15_000
SEED = 1
VIEWERS, AUTHORS, TWEETS = 5_000, 2_000, 20_000
PARTITIONS = 16
_EVERY_MS = 10
_LIKES = 20
_LOOK_EVERY_S = 0.05
Kind = Literal["seen", "click", "dwell"]
_KINDS: tuple[Kind, ...] = ("seen", "seen", "seen", "click", "dwell")

PARTS = {
    "rows": ("features/accumulate", "features/packed_row"),
    "events": ("eventlog/", "msgspec", "features_observation", "blake2b", "core/ids"),
    "Redis": ("packed_store", "redis", "hiredis", "features_projection"),
    "file and offline source": ("features_file", "offline", "sqlite"),
    "loop": ("asyncio", "uvloop"),
}
"""What the time of the main thread goes to, by what the profile's lines contain; the first that fits."""


class Drained(NamedTuple):
    """One log counted, in the file, in Redis and in the offline source."""

    wall_s: float
    cpu_s: float
    main_s: float


def measure(arguments: list[str]) -> Result:
    """`make bar-stream`: log, merge, dedupe, rows, file, Redis and offline source, in this process."""
    settle_garbage_collection()
    drained, plain_s, told = run(_measure)
    by_clock = PerCore("by the clock, Redis beside it", tuple(EVENTS / one.wall_s for one in drained))
    by_cpu = PerCore("by CPU second of the process", tuple(EVENTS / one.cpu_s for one in drained))
    main = sum(one.main_s for one in drained) / sum(one.cpu_s for one in drained)
    return Result(
        f"features stream, {EVENTS:,} events of {VIEWERS:,} viewers, embedded; medians of {RUNS} runs",
        f"{by_clock}; {by_cpu}, {main:.0%} of it the main thread's: {told}; a plain loop over the same "
        f"observations {EVENTS / plain_s:,.0f}, {EVENTS / plain_s / by_clock.median:.1f} times as many",
        f"≥ {BAR_PER_S:,} events/s by the clock, one process",
        by_clock.median >= BAR_PER_S,
        seed=str(SEED),
    )


async def _measure() -> tuple[list[Drained], float, str]:
    observations = list(_observations())
    async with fresh_redis() as redis:
        drained = [await _drain(redis.client, observations) for _ in range(RUNS)]
        profile = cProfile.Profile(time.thread_time)
        await _drain(redis.client, observations, profile)
    return drained, _plain_s(observations), shares(profile, PARTS)


def _observations() -> Iterator[Observation]:
    """Views and likes in the order of time; few tweets take most of them."""
    dice = random.Random(SEED)
    began_ms = SystemClock().now_ms() - EVENTS * _EVERY_MS
    for i in range(EVENTS):
        viewer, tweet = dice.randrange(1, VIEWERS), int(dice.paretovariate(0.8)) % TWEETS + 1
        kind: EventKind = "like" if i % _LIKES == 0 else dice.choice(_KINDS)
        yield Observation(began_ms + i * _EVERY_MS, kind, viewer, tweet % AUTHORS + 1, tweet, 4_000)


def _records(observations: Sequence[Observation]) -> Iterator[OutboxRecord]:
    for i, (ts_ms, kind, viewer, author, tweet, value_ms, *_) in enumerate(observations):
        id = compose_id(ts_ms, 1, 1, i % 4_096)
        if kind == "like":
            yield record_of(LikeSet(viewer, tweet, True, author), id=id, ts_ms=ts_ms, key=tweet)
        else:
            view = Viewed(viewer, b"%016d" % i, tweet, author, cast(Kind, kind), 0, value_ms)
            yield record_of(view, id=id, ts_ms=ts_ms, key=viewer)


async def _drain(
    client: RedisClient, observations: Sequence[Observation], profile: cProfile.Profile | None = None
) -> Drained:
    with tempfile.TemporaryDirectory(prefix="rankfeed-stream-") as directory:
        home, clock, ids = Path(directory), SystemClock(), count(1)
        with closing(open_facts(home / "facts.db")) as facts, closing(open_telemetry(home / "t.db")) as views:
            log = SqliteEventLog(facts, views, clock, PARTITIONS)
            await log.append(list(_records(observations)))
            ends = await log.ends(TOPICS)
            store = PackedStore(client)
            stream = FeaturesStream(log, store, home / "features.db", home / "lake", clock, lambda: next(ids))
            stop = asyncio.Event()
            began = (time.monotonic(), cpu_s([os.getpid()]), time.thread_time())
            with profile or nullcontext():
                running = asyncio.create_task(stream.run(stop))
                await _counted(log, ends)
                stop.set()
                await running
            ended = (time.monotonic(), cpu_s([os.getpid()]), time.thread_time())
    return Drained(*(end - begin for begin, end in zip(began, ended, strict=True)))


async def _counted(log: SqliteEventLog, ends: Offsets) -> None:
    """Returns once the stream has committed all that the log holds."""
    while True:
        committed = await log.offsets_of(GROUP, TOPICS)
        if all(committed.get(tp, 0) >= end for tp, end in ends.items()):
            return
        await asyncio.sleep(_LOOK_EVERY_S)


def _plain_s(observations: Sequence[Observation]) -> float:
    """CPU seconds to fold the same observations in memory: no log, no order, no duplicates, nothing kept."""
    state, began_s = FeatureState(), time.thread_time()
    for observation in observations:
        state.apply(observation)
    return time.thread_time() - began_s
