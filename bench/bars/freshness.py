"""Freshness: from an event over HTTP to the moment when a ranked feed would be scored with it."""

from __future__ import annotations

import asyncio
import time

import httpx
import numpy as np

from bench.bars.bar import Result
from bench.bars.stacks import embedded_stack
from core.clock import SystemClock
from features.reader import FeatureReader
from simulation.client import FeedClient, event
from simulation.town import Town
from simulation.townsfolk import TownOptions, Townsfolk
from stores.redis_assembly import open_redis
from stores.redis_options import RedisOptions
from tests.e2e.live_stack import LiveStack

P99_MS = 2_000.0
PROBES = 400
SEED = 1
VIEWERS = 60
POLL_S = 0.01
PATIENCE_S = 30.0
_TIMEOUT_MS = 5_000
_FIRST_USER = 1_000_001
_PROBER = 999_999


def measure(arguments: list[str]) -> Result:
    """`make bar-freshness`: a click, then the rows of its viewer, tweet and author, asked every 10 ms."""
    with embedded_stack() as stack:
        waits_ms = 1000 * np.array(asyncio.run(_probe(stack)))
    p50, p99 = np.percentile(waits_ms, [50, 99])
    return Result(
        f"event to the rows that feeds are scored with, {PROBES} clicks beside posting and reading",
        f"p50 {p50:.0f} ms, p99 {p99:.0f} ms",
        f"p99 ≤ {P99_MS:.0f} ms",
        bool(p99 <= P99_MS),
        seed=str(SEED),
    )


async def _probe(stack: LiveStack) -> list[float]:
    world = Townsfolk(TownOptions(viewers=VIEWERS, authors=20, follows=10, seed=SEED))
    redis = open_redis(RedisOptions(stack.state.redis_url, _TIMEOUT_MS))
    async with httpx.AsyncClient(base_url=stack.url, timeout=30) as http:
        town = Town(world, http, stack.token, SystemClock(), _FIRST_USER)
        await town.sign_up()
        await town.post_round(2)
        await town.read_round(algorithm="chronological", pages=1)
        done = asyncio.Event()

        async def traffic() -> None:
            while not done.is_set():
                await town.post_round(1)
                await town.read_round(algorithm="chronological", pages=1)

        # Whom nobody else acts for: what their row with an author counts, they did.
        client = FeedClient(http, stack.token(_PROBER))
        await client.create_user("prober", "Prober")
        for author in range(world.options.authors):
            await client.follow(town.author_id(author))
        beside = asyncio.create_task(traffic())
        reader = FeatureReader(redis)
        waits = [await _time_to_rows(client, reader, f"probe-{number}") for number in range(PROBES)]
        done.set()
        await beside
    await redis.aclose()
    return waits


async def _time_to_rows(client: FeedClient, reader: FeatureReader, name: str) -> float:
    """Seconds from sending a click until the last row that it concerns has it."""
    tweet = (await client.feed(algorithm="chronological", limit=1))["tweets"][0]
    tweets, authors = np.array([int(tweet["tweet_id"])]), np.array([int(tweet["author"]["user_id"])])

    async def updates() -> int:
        # The pair's row goes to Redis behind those of viewer, tweet and author.
        return int((await reader.fetch(_PROBER, tweets, authors)).blocks["va"].seq[0])

    before, began_s = await updates(), time.monotonic()
    await client.report([event("click", tweet["tracking"], name, at_ms=SystemClock().now_ms())])
    while await updates() == before:
        if time.monotonic() - began_s > PATIENCE_S:
            return PATIENCE_S
        await asyncio.sleep(POLL_S)
    return time.monotonic() - began_s
