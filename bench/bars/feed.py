"""Chronological feeds of 20 a second and core of one API process, and how long they take at half load."""

from __future__ import annotations

import itertools
import json

import numpy as np

from bench.bars import http_load, readers
from bench.bars.bar import Result
from bench.bars.cpu import PerCore, cpu_s
from bench.bars.stacks import embedded_stack, run
from tests.e2e.live_stack import LiveStack

PER_CORE = 1_000.0
P99_MS = 10.0
RUNS = 3
RUN_S = 8.0
CLIENTS = 8
CROWD = readers.Crowd(authors=300, posts=12, viewers=200, follows=100)
"""1,200 tweets of followees: every list is full."""
PATH = "/v1/feed?limit=20"
# Counted as in production, and never too many.
LIMITS = {"RANKFEED_LIMITS_READ": "100000/1m"}


def measure(arguments: list[str]) -> Result:
    """Closed loop for the work a CPU second, then an open one at half of what that reached."""
    with embedded_stack(LIMITS) as stack:
        per_core, p99_ms, rate = run(lambda: _measure(stack))
    p99 = float(np.median(p99_ms))
    return Result(
        "chronological feeds of 20, one API process, embedded, timelines of 800",
        f"{per_core} a CPU second of it; p99 {p99:.1f} ms ({min(p99_ms):.1f} to {max(p99_ms):.1f}) at "
        f"{rate:,.0f}/s; medians of {RUNS} runs",
        f"≥ {PER_CORE:,.0f}/s a core, p99 ≤ {P99_MS:.0f} ms at half load",
        per_core.median >= PER_CORE and p99 <= P99_MS,
        seed=str(CROWD.seed),
    )


async def _measure(stack: LiveStack) -> tuple[PerCore, list[float], float]:
    async with readers.stores_of(stack) as stores:
        await readers.write(stores, CROWD)
    requests = [http_load.get(PATH, stack.token(viewer)) for viewer in CROWD.viewer_ids]
    await warm(stack, requests)
    pid, turns = stack.pid("api"), itertools.cycle(requests)
    feeds, rates, p99_ms = [], [], []
    for _ in range(RUNS):
        used = cpu_s([pid])
        full = await http_load.closed(stack.url, turns, clients=CLIENTS, seconds=RUN_S)
        feeds.append(len(full.latencies_s) / (cpu_s([pid]) - used))
        half = await http_load.open_loop(stack.url, turns, per_s=full.per_s / 2, seconds=RUN_S)
        rates.append(half.per_s)
        p99_ms.append(1000 * float(np.percentile(half.latencies_s, 99)))
    return PerCore("feeds", tuple(feeds)), p99_ms, float(np.median(rates))


async def warm(stack: LiveStack, requests: list[bytes]) -> None:
    """Everybody has read once: lists and caches are there."""
    connection = await http_load.Connection.open(stack.url)
    for request in requests * 2:
        status, body = await connection.exchange(request)
        assert status == 200, body
        page = json.loads(body)
        assert (len(page["tweets"]), page["has_more"], page["meta"]["partial"]) == (20, True, False)
    connection.close()
