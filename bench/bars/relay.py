"""Events a second through the relay; where there is none, those that a subscription delivers."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.bars.bar import Result
from bench.bars.cpu import GOAL_PER_S, NODE_CORES, PerCore, cpu_s
from bench.bars.stacks import distributed_stack, run
from core.clock import SystemClock
from core.ids import TweetId, UserId, id_time_ms
from core.types import Tweet
from eventlog.log import EventLog
from eventlog.schema import TWEETS, TweetCreated, record_of
from pipelines.relay import RelayOptions
from stores.cassandra.entry import VERSION, Entry
from stores.cassandra.fact import TweetWritten
from stores.cassandra.outbox import CassandraOutbox
from stores.ports import OutboxRecord
from tests.e2e.backstage import open_backstage
from tests.e2e.waiting import eventually
from tests.e2e.whole_stack import WholeStack
from wiring.home import Home
from wiring.resources import leased_ids, open_files

RUNS = 3
ENTRIES = 3_000
SEED_S = 20.0
"""Time to commit them all, so that they are due at once."""
AT_ONCE = 64
AUTHORS = 500
PATIENCE_S = 300.0


def measure(arguments: list[str]) -> Result:
    """Distributed: entries whose writers died right after their commit. Embedded: the log is the outbox."""
    delivered, delivered_rates = run(_embedded)
    with distributed_stack() as whole:
        relayed, rates = run(lambda: _distributed(whole))
    return Result(
        f"events a second and core through the relay, {ENTRIES:,} entries; medians of {RUNS} runs",
        f"embedded (no relay: the log is the outbox): {delivered}, {_told(delivered_rates)} a second by the "
        f"clock; distributed: {relayed}, {_told(rates)} a second by the clock",
        f"told: if writers published nothing themselves, {GOAL_PER_S:,} writes/s would need "
        f"{relayed.nodes()} nodes of {NODE_CORES} cores at half load for relays",
        True,
    )


async def _distributed(whole: WholeStack) -> tuple[PerCore, list[float]]:
    """The pipelines' process as it is; the lake that it writes beside is counted to the relay."""
    clock, pid = SystemClock(), whole.stack.pid("pipelines")
    per_core: list[float] = []
    rates: list[float] = []
    async with (
        open_backstage(whole.stack.settings) as backstage,
        leased_ids(backstage.stores.control, clock) as mint,
    ):
        for _ in range(RUNS):
            due_s = time.time() + SEED_S
            await _abandon(backstage.stores.outbox, int(due_s * 1_000_000), mint)
            await asyncio.sleep(due_s + RelayOptions().after_ms / 1000 - time.time())
            used_s, began_s = cpu_s([pid]), time.monotonic()
            await eventually("everything is relayed", backstage.outbox_is_empty, PATIENCE_S)
            rates.append(ENTRIES / (time.monotonic() - began_s))
            print(f"relayed {ENTRIES:,} in {time.monotonic() - began_s:.1f} s", flush=True)
            per_core.append(ENTRIES / (cpu_s([pid]) - used_s))
            await backstage.delivered()
    return PerCore("relay", tuple(per_core)), rates


async def _abandon(outbox: CassandraOutbox, written_us: int, mint: Callable[[], int]) -> None:
    """Commits, and goes no further; a row of the future is nobody's until then."""
    room = asyncio.Semaphore(AT_ONCE)

    async def commit(number: int) -> None:
        async with room:
            tweet, record = _tweet(mint(), number)
            await outbox.commit(Entry(VERSION, written_us, TweetWritten(tweet), (record,)))

    await asyncio.gather(*(commit(number) for number in range(ENTRIES)))


async def _embedded() -> tuple[PerCore, list[float]]:
    """A subscription that starts at the beginning, in this process."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="rankfeed-bar-") as directory:
        home = Home(Path(directory))
        with open_files(home, clock) as stores:
            async with leased_ids(stores.control, clock) as mint:
                await asyncio.gather(
                    *(
                        stores.tweets.create(tweet, None, [record])
                        for tweet, record in (_tweet(mint(), number) for number in range(ENTRIES))
                    )
                )
            runs = [await _deliver(stores.log) for _ in range(RUNS)]
    return PerCore("subscription", tuple(one for one, _ in runs)), [rate for _, rate in runs]


async def _deliver(log: EventLog) -> tuple[float, float]:
    """Per CPU second of this process, and by the clock."""
    used_s, began_s = time.process_time(), time.monotonic()
    subscription = await log.subscribe("bar", [TWEETS], start={})
    try:
        count = 0
        while count < ENTRIES:
            count += len(await subscription.poll(max_entries=500, timeout_s=1.0))
    finally:
        await subscription.close()
    return count / (time.process_time() - used_s), count / (time.monotonic() - began_s)


def _tweet(id_: int, number: int) -> tuple[Tweet, OutboxRecord]:
    author = UserId(1_000_001 + number % AUTHORS)
    tweet = Tweet(TweetId(id_), author, f"abandoned {number}", id_time_ms(id_))
    return tweet, record_of(TweetCreated.of(tweet), id=id_, ts_ms=tweet.created_ms, key=author)


def _told(rates: Sequence[float]) -> str:
    return f"{sorted(rates)[len(rates) // 2]:,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"
