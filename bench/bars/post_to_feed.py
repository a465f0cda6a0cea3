"""Post to feed: from the 201 to the first feed of a follower, asked every 10 ms, that shows the tweet."""

from __future__ import annotations

import asyncio
import sys

import httpx
import numpy as np

from bench.bars.bar import Result
from bench.bars.stacks import distributed_stack, embedded_stack
from core.clock import SystemClock
from simulation.town import Town
from simulation.townsfolk import TownOptions, Townsfolk
from tests.e2e.live_stack import LiveStack

P50_MS = 200.0
"""Of the distributed stack; the embedded one has a bar for the 99th percentile only."""
P99_MS = 1_000.0
PROBES = 400
SEED = 1


def measure(arguments: list[str]) -> Result:
    """`make bar-post-to-feed ARGS=distributed` for the one on Kafka, Cassandra and a Redis Cluster."""
    if arguments not in ([], ["embedded"], ["distributed"]):
        sys.exit("say which stack: make bar-post-to-feed ARGS=embedded, or ARGS=distributed")
    on_servers = arguments == ["distributed"]
    if on_servers:
        with distributed_stack() as whole:
            waits_ms = 1000 * np.array(asyncio.run(_probe(whole.stack)))
    else:
        with embedded_stack() as stack:
            waits_ms = 1000 * np.array(asyncio.run(_probe(stack)))
    p50, p99 = np.percentile(waits_ms, [50, 99])
    return Result(
        f"post to feed, {'distributed, ' if on_servers else ''}{PROBES} posts beside posting and reading",
        f"p50 {p50:.0f} ms, p99 {p99:.0f} ms",
        f"p50 ≤ {P50_MS:.0f} ms, p99 ≤ {P99_MS:.0f} ms" if on_servers else f"p99 ≤ {P99_MS:.0f} ms",
        bool(p99 <= P99_MS and (p50 <= P50_MS or not on_servers)),
        seed=str(SEED),
    )


async def _probe(stack: LiveStack) -> list[float]:
    world = Townsfolk(TownOptions(viewers=60, authors=20, follows=10, seed=SEED))
    async with httpx.AsyncClient(base_url=stack.url, timeout=30) as http:
        town = Town(world, http, stack.token, SystemClock(), 1_000_001)
        await town.sign_up()
        done = asyncio.Event()

        async def traffic() -> None:
            while not done.is_set():
                await town.post_round(1)
                await town.read_round(algorithm="chronological", pages=1)

        beside = asyncio.create_task(traffic())
        waits = [await town.time_to_feed(probe % 60) for probe in range(PROBES)]
        done.set()
        await beside
        return waits
