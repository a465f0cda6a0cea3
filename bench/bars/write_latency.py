"""Writes a second and core of one API process, and how long they take at half load: posts and likes."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Mapping

import numpy as np

from bench.bars import http_load, readers
from bench.bars.bar import Result
from bench.bars.cpu import PerCore, cpu_s
from bench.bars.stacks import embedded_stack, run
from tests.e2e.live_stack import ROLES, LiveStack

P99_MS = 50.0
RUNS = 3
RUN_S = 8.0
WARM_S = 3.0
CLIENTS = 32
"""One commit is for all who wait for it."""
CROWD = readers.Crowd(authors=200, posts=12, viewers=200, follows=10)
"""An author has ten followers, and all of these have a timeline."""
LIKED = 2_000
"""Tweets that are liked, at most, of those that are shown."""


def measure(arguments: list[str]) -> Result:
    """Closed loop for the work a CPU second, then an open one at half of what that reached."""
    with embedded_stack() as stack:
        per_core, p99_ms, rate = run(lambda: _measure(stack))
    p99 = float(np.median(p99_ms))
    return Result(
        f"writes, posts and likes in turn, {CROWD.follows} followers a post, embedded, one API process",
        f"p99 {p99:.1f} ms ({min(p99_ms):.1f} to {max(p99_ms):.1f}) at {rate:,.0f}/s; by CPU second "
        f"{', '.join(map(str, per_core))}; medians of {RUNS} runs",
        f"p99 ≤ {P99_MS:.0f} ms at half load; writes a core told",
        p99 <= P99_MS,
        seed=str(CROWD.seed),
    )


async def _measure(stack: LiveStack) -> tuple[list[PerCore], list[float], float]:
    async with readers.stores_of(stack) as stores:
        await readers.write(stores, CROWD)
    tokens = {user: stack.token(user) for user in (*CROWD.author_ids, *CROWD.viewer_ids)}
    writes = _writes(tokens, await _newest(stack, tokens))
    pids = {role: stack.pid(role) for role in (*ROLES, "redis")}
    await http_load.closed(stack.url, writes, clients=CLIENTS, seconds=WARM_S)
    a_core: dict[str, list[float]] = {role: [] for role in pids}
    rates: list[float] = []
    p99_ms: list[float] = []
    for _ in range(RUNS):
        used = {role: cpu_s([pid]) for role, pid in pids.items()}
        full = await http_load.closed(stack.url, writes, clients=CLIENTS, seconds=RUN_S)
        for role, pid in pids.items():
            a_core[role].append(len(full.latencies_s) / (cpu_s([pid]) - used[role]))
        # What is behind the log is not what is measured next.
        await stack.drained()
        half = await http_load.open_loop(stack.url, writes, per_s=full.per_s / 2, seconds=RUN_S)
        rates.append(half.per_s)
        p99_ms.append(1000 * float(np.percentile(half.latencies_s, 99)))
        await stack.drained()
    figures = [PerCore(role, tuple(runs)) for role, runs in a_core.items()]
    return figures, p99_ms, float(np.median(rates))


async def _newest(stack: LiveStack, tokens: Mapping[int, str]) -> list[str]:
    """Everybody reads, which makes their timeline; the tweets that they are shown."""
    seen: set[str] = set()
    connection = await http_load.Connection.open(stack.url)
    for viewer in CROWD.viewer_ids:
        status, body = await connection.exchange(http_load.get("/v1/feed?limit=20", tokens[viewer]))
        assert status == 200, body
        # Of a retweet its original is liked.
        seen |= {(one["original"] or one)["tweet_id"] for one in json.loads(body)["tweets"]}
    connection.close()
    return sorted(seen)[:LIKED]


def _writes(tokens: Mapping[int, str], tweets: list[str]) -> Iterator[bytes]:
    """Each with a key of its own; nobody likes a tweet twice."""
    randomness = random.Random(CROWD.seed)
    pairs = [(user, tweet) for user in CROWD.viewer_ids for tweet in tweets]
    randomness.shuffle(pairs)
    authors = itertools.cycle(CROWD.author_ids)
    for number, (user, tweet) in enumerate(pairs):
        said = {"text": f"a post, the {number:,}th of this bar", "idempotency_key": f"post-{number}"}
        yield http_load.post("/v1/tweets", tokens[next(authors)], json.dumps(said).encode())
        liked = {"idempotency_key": f"like-{number}"}
        yield http_load.post(f"/v1/tweets/{tweet}/like", tokens[user], json.dumps(liked).encode())
