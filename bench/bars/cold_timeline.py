"""The first feed of somebody who follows 5,000 and whose timeline is gone: read anew from the store."""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from bench.bars import http_load, readers
from bench.bars.bar import Result
from bench.bars.stacks import distributed_stack, embedded_stack, run
from tests.e2e.live_stack import LiveStack

P99_MS = 400.0
READS = 200
WARM_READS = 150
"""So many until the servers' hot code is compiled, and the caches of tweets and profiles are filled."""
CROWD = readers.Crowd(authors=6_000, posts=3, viewers=3, follows=5_000)
PATH = "/v1/feed?limit=20"


def measure(arguments: list[str]) -> Result:
    """`make bar-cold-timeline ARGS=distributed` for the one on Kafka, Cassandra and a Redis Cluster."""
    if arguments not in ([], ["embedded"], ["distributed"]):
        sys.exit("say which stack: make bar-cold-timeline ARGS=embedded, or ARGS=distributed")
    on_servers = arguments == ["distributed"]
    if on_servers:
        with distributed_stack() as whole:
            took_ms = run(lambda: _measure(whole.stack))
    else:
        with embedded_stack() as stack:
            took_ms = run(lambda: _measure(stack))
    p50, p99 = np.percentile(took_ms, [50, 99])
    return Result(
        f"cold timeline, {'distributed' if on_servers else 'embedded'}, {CROWD.follows:,} followees, "
        f"{READS} reads, one after the other",
        f"p50 {p50:.0f} ms, p99 {p99:.0f} ms",
        f"p99 ≤ {P99_MS:.0f} ms",
        bool(p99 <= P99_MS),
        seed=str(CROWD.seed),
    )


async def _measure(stack: LiveStack) -> list[float]:
    """Milliseconds of each read, after the list and the relations of its viewer were taken away."""
    async with readers.stores_of(stack) as stores:
        await readers.write(stores, CROWD)
    viewers = [(viewer, http_load.get(PATH, stack.token(viewer))) for viewer in CROWD.viewer_ids]
    took_ms: list[float] = []
    connection = await http_load.Connection.open(stack.url)
    with stack.redis() as redis:
        for number in range(WARM_READS + READS):
            viewer, request = viewers[number % len(viewers)]
            redis.delete(*(f"{name}:{{{viewer}}}" for name in ("tl", "fs", "bs")))
            began_s = time.perf_counter()
            status, body = await connection.exchange(request)
            if number < WARM_READS:
                continue
            took_ms.append(1000 * (time.perf_counter() - began_s))
            assert status == 200, body
            page = json.loads(body)
            # Not the page of before.
            assert (len(page["tweets"]), page["meta"]["rung"]) == (20, "full"), page["meta"]
    connection.close()
    return took_ms
