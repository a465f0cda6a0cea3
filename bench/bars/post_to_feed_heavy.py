"""Post to feed among many: 200 posts a second, by people with thousands of followers or a handful.

Users and follows are written straight into the store's file, a million of them; by HTTP that would take an
hour. Everybody has a timeline, as a rebuild makes it for somebody whose followees have not posted yet.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.bars import http_load
from bench.bars.bar import Result
from bench.bars.http_load import Connection
from bench.bars.stacks import embedded_stack, run
from stores.ports import Ids
from tests.e2e.live_stack import LiveStack
from timelines.layout import COMPLETE, TTL_S, timeline_key

P50_MS, P99_MS = 200.0, 1_000.0
USERS = 50_000
FOLLOWS = 20
"""Drawn by each user; who draws somebody twice follows fewer."""
POPULARITY = 0.75
"""A user's chance to be drawn falls with their rank to this power: the first has 15,000 followers."""
ACTIVITY = 0.75
"""A user's posts rise with their popularity to this power: a post goes to 250 on average."""
POSTS_PER_S = 200
WARM_S = 5
MEASURED_S = 40
PROBE_EVERY = 20
POLL_S = 0.01
PATIENCE_S = 30.0
FEED = "/v1/feed?limit=20"
CONNECTIONS = 32
FIRST_ID = 1_000_001
SEED = 1


@dataclass(frozen=True, slots=True)
class Crowd:
    """`followers[ends[n - 1]:ends[n]]` follow user n; `posters` are who posts, one after the other."""

    followers: Ids
    ends: Ids
    posters: Ids

    @classmethod
    def drawn(cls, chance: np.random.Generator) -> Crowd:
        weight = np.arange(1, USERS + 1) ** -POPULARITY
        drawn = _draw(chance, weight, USERS * FOLLOWS)
        follower = np.repeat(np.arange(USERS), FOLLOWS)
        pairs = np.unique(drawn[drawn != follower] * USERS + follower[drawn != follower])
        posts = (WARM_S + MEASURED_S) * POSTS_PER_S
        posters = _draw(chance, weight**ACTIVITY, posts)
        return cls(pairs % USERS, np.searchsorted(pairs // USERS, np.arange(USERS), "right"), posters)

    def followers_of(self, user: int) -> Ids:
        return self.followers[self.ends[user - 1] if user else 0 : self.ends[user]]

    @property
    def follower_counts(self) -> Ids:
        return np.diff(self.ends, prepend=0)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A post as it goes over the wire, and where somebody is to look for it, how they ask for their feed."""

    request: bytes
    probe: bytes | None


@dataclass(slots=True)
class Outcome:
    """`waits_s` until a follower saw a post; the longest that a post was sent behind its time."""

    waits_s: list[float] = field(default_factory=list)
    late_s: float = 0.0
    refused: int = 0


def measure(arguments: list[str]) -> Result:
    chance = np.random.default_rng(SEED)
    crowd = Crowd.drawn(chance)
    with embedded_stack() as stack:
        _seed(stack, crowd)
        outcome = run(lambda: _post_all(stack, crowd, chance))
    p50, p99 = np.percentile(1000 * np.array(outcome.waits_s), [50, 99])
    counts, posted_to = crowd.follower_counts, crowd.follower_counts[crowd.posters].mean()
    return Result(
        f"post to feed, {POSTS_PER_S} posts/s for {MEASURED_S} s, {USERS:,} users with {counts.max():,} "
        f"followers at most, {np.median(counts):.0f} in the middle and {posted_to:.0f} a post",
        f"p50 {p50:.0f} ms, p99 {p99:.0f} ms of {len(outcome.waits_s)} followers who asked; posts at most "
        f"{1000 * outcome.late_s:.0f} ms behind their time, {outcome.refused} refused",
        f"p50 ≤ {P50_MS:.0f} ms, p99 ≤ {P99_MS:.0f} ms, none refused",
        bool(p50 <= P50_MS and p99 <= P99_MS and not outcome.refused),
        seed=str(SEED),
    )


async def _post_all(stack: LiveStack, crowd: Crowd, chance: np.random.Generator) -> Outcome:
    """Each post at its time, whatever becomes of those before."""
    posts = _planned(stack, crowd, chance)
    outcome = Outcome()
    idle = deque([await Connection.open(stack.url) for _ in range(CONNECTIONS)])

    async def post(planned: _Planned) -> None:
        connection = idle.popleft() if idle else await Connection.open(stack.url)
        status, body = await connection.exchange(planned.request)
        idle.append(connection)
        if status != HTTPStatus.CREATED:
            print(status, body[:200], flush=True)
            outcome.refused += 1
        elif planned.probe is not None:
            outcome.waits_s.append(await _time_to_see(stack.url, planned.probe, body))

    async with asyncio.TaskGroup() as tasks:
        began_s = time.monotonic() + 1.0
        for number, planned in enumerate(posts):
            due_s = began_s + number / POSTS_PER_S
            await asyncio.sleep(due_s - time.monotonic())
            outcome.late_s = max(outcome.late_s, time.monotonic() - due_s)
            tasks.create_task(post(planned))
    for connection in idle:
        connection.close()
    return outcome


def _planned(stack: LiveStack, crowd: Crowd, chance: np.random.Generator) -> list[_Planned]:
    """Every request, made before the first is sent: what signs and writes JSON then would be measured too."""
    tokens = {int(user): stack.token(FIRST_ID + int(user)) for user in np.unique(crowd.posters)}
    posts: list[_Planned] = []
    for number, poster in enumerate(crowd.posters.tolist()):
        said = {"text": f"post {number}", "idempotency_key": f"post-{number}"}
        request = http_load.post("/v1/tweets", tokens[poster], json.dumps(said).encode())
        followers = crowd.followers_of(poster)
        probe = None
        if number >= WARM_S * POSTS_PER_S and number % PROBE_EVERY == 0 and len(followers):
            probe = http_load.get(FEED, stack.token(FIRST_ID + int(chance.choice(followers))))
        posts.append(_Planned(request, probe))
    return posts


async def _time_to_see(url: str, feed: bytes, posted: bytes) -> float:
    """Seconds from the 201 until a follower's feed has the tweet."""
    began_s = time.monotonic()
    # As it stands in a feed; what repeats it, or answers it, does not say it so.
    wanted = f'{{"tweet_id":"{json.loads(posted)["tweet_id"]}"'.encode()
    connection = await Connection.open(url)
    try:
        while time.monotonic() - began_s < PATIENCE_S:
            status, body = await connection.exchange(feed)
            if status == HTTPStatus.OK and wanted in body:
                return time.monotonic() - began_s
            await asyncio.sleep(POLL_S)
        return PATIENCE_S
    finally:
        connection.close()


def _seed(stack: LiveStack, crowd: Crowd) -> None:
    users = [(FIRST_ID + n, f"u{n}", f"u{n}", f"User {n}", 0, 0) for n in range(USERS)]
    followee = np.repeat(np.arange(USERS), crowd.follower_counts)
    follows = zip((FIRST_ID + crowd.followers).tolist(), (FIRST_ID + followee).tolist(), strict=True)
    with closing(sqlite3.connect(stack.home.facts, timeout=60)) as connection, connection:
        columns = "id, handle, handle_key, display_name, created_ms, ver"
        connection.executemany(f"INSERT INTO users ({columns}) VALUES (?, ?, ?, ?, ?, ?)", users)
        connection.executemany("INSERT INTO follows VALUES (?, ?, 1, 1)", follows)
    with stack.redis() as redis, redis.pipeline(transaction=False) as pipeline:
        for user in range(FIRST_ID, FIRST_ID + USERS):
            pipeline.rpush(timeline_key(user), COMPLETE)
            pipeline.expire(timeline_key(user), TTL_S)
        pipeline.execute()


def _draw(chance: np.random.Generator, weight: NDArray[np.floating[Any]], size: int) -> Ids:
    share = np.cumsum(weight / weight.sum())
    return np.minimum(np.searchsorted(share, chance.random(size)), len(weight) - 1).astype(np.int64)
