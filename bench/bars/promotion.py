"""Promotions and rollbacks while three API processes serve ranked feeds: how long until all run it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from functools import partial

from bench.bars import http_load, ranked_world, readers
from bench.bars.bar import Result
from bench.bars.stacks import embedded_stack, run
from core.clock import SystemClock
from ranking.processes import serving_processes
from ranking.registry import Registry
from tests.e2e.live_stack import LiveStack
from wiring.redis_settings import opened_redis

PROCESSES = 3
CHANGES = 12
CLIENTS = 4
PAUSE_S = 0.3
BAR_MS = 1_000.0
VERSIONS = ("1", "2")


def measure(arguments: list[str]) -> Result:
    environment = {**ranked_world.LIMITS, "RANKFEED_API_PROCESSES": str(PROCESSES)}
    with embedded_stack(environment) as stack:
        took_ms, pages, faults = run(lambda: _measure(stack))
    return Result(
        f"promotion and rollback of 5 heads of 150 trees under {CLIENTS} readers, {PROCESSES} API processes",
        f"to all within {max(took_ms):.0f} ms ({min(took_ms):.0f} at best), {CHANGES} changes; of {pages:,} "
        f"pages {faults} failed or did not fit the one before them in their scroll",
        f"≤ {BAR_MS:.0f} ms to all, 0 failed requests",
        max(took_ms) <= BAR_MS and faults == 0,
        seed=str(ranked_world.CROWD.seed),
    )


async def _measure(stack: LiveStack) -> tuple[list[float], int, int]:
    await ranked_world.build(stack, *VERSIONS)
    done, pages, faults = asyncio.Event(), 0, 0
    viewers = itertools.cycle(ranked_world.CROWD.viewer_ids)

    async def read() -> None:
        nonlocal pages, faults
        while not done.is_set():
            found, wrong = await _scroll(stack, viewers)
            pages, faults = pages + found, faults + wrong

    reading = [asyncio.create_task(read()) for _ in range(CLIENTS)]
    took_ms = []
    async with readers.stores_of(stack) as stores, opened_redis(stack.settings) as redis:
        reports = partial(serving_processes, redis)
        registry = Registry(stores.control, stack.home.models, SystemClock(), reports, by="a bar")
        await registry.register("home", VERSIONS[1], "to be promoted")
        for number in range(CHANGES):
            back = number % 2
            change = registry.rollback("") if back else registry.promote("home", VERSIONS[1], "")
            outcome = await change
            assert outcome.acknowledged == PROCESSES, outcome
            took_ms.append(outcome.elapsed_ms)
            await asyncio.sleep(PAUSE_S)
            if back:
                # Promoted again, it finds itself loaded: what was rolled back is none of those that are.
                await registry.register("home", VERSIONS[1], "to be promoted again")
    done.set()
    await asyncio.gather(*reading)
    return took_ms, pages, faults


async def _scroll(stack: LiveStack, viewers: Iterator[int]) -> tuple[int, int]:
    """Two pages of one scroll: how many came, and how many were not what they had to be.

    A page is of one slate, a slate of one model: both pages of a scroll name the same, and no tweet twice.
    """
    token = stack.token(next(viewers))
    connection = await http_load.Connection.open(stack.url)
    seen: list[str] = []
    names: set[tuple[str | None, str | None]] = set()
    cursor, pages, faults = "", 0, 0
    for _ in range(2):
        status, body = await connection.exchange(http_load.get(f"{ranked_world.PATH}{cursor}", token))
        page = json.loads(body)
        pages += 1
        if status != 200:
            faults += 1
            break
        names.add((page["meta"]["model"], page["meta"]["slate"]))
        seen += [tweet["tweet_id"] for tweet in page["tweets"]]
        cursor = f"&cursor={page['next_cursor']}"
    connection.close()
    return pages, faults + (len(names) > 1) + (len(seen) != len(set(seen)))
