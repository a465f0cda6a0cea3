"""A stack whose feeds are ranked in full: timelines that are full, rows for all that is asked, a champion."""

from __future__ import annotations

import asyncio
import json
from functools import partial

from bench.bars import feature_rows, five_heads, http_load, readers
from core.clock import SystemClock
from ranking.processes import serving_processes
from ranking.registry import Registry
from tests.e2e.live_stack import LiveStack
from tests.e2e.waiting import eventually
from wiring.redis_settings import opened_redis

CROWD = readers.Crowd(authors=300, posts=12, viewers=200, follows=100)
"""1,200 tweets of followees: every list is full."""
PATH = "/v1/feed?algorithm=ranked&limit=20"
# Counted as in production, and never too many.
LIMITS = {"RANKFEED_LIMITS_READ": "100000/1m"}


async def build(stack: LiveStack, *versions: str) -> list[bytes]:
    """Writes the world and one model a version, promotes the first; a request for every viewer."""
    async with readers.stores_of(stack) as stores, opened_redis(stack.settings) as redis:
        tweets = await readers.write(stores, CROWD)
        await feature_rows.fill(redis, CROWD, tweets)
        for seed, version in enumerate(versions):
            await asyncio.to_thread(five_heads.write, stack.home.models, version, seed)
        reports = partial(serving_processes, redis)
        registry = Registry(stores.control, stack.home.models, SystemClock(), reports, by="a bar")
        await registry.promote("home", versions[0], "to be measured")
    requests = [http_load.get(PATH, stack.token(viewer)) for viewer in CROWD.viewer_ids]
    for request in requests:
        await _ranked_in_full(stack, request)
    return requests


async def _ranked_in_full(stack: LiveStack, request: bytes) -> None:
    """Everybody's feed has been made once: lists and caches are there."""
    connection = await http_load.Connection.open(stack.url)

    async def ranked() -> bool:
        status, body = await connection.exchange(request)
        assert status == 200, body
        page = json.loads(body)
        return (len(page["tweets"]), page["meta"]["rung"], page["has_more"]) == (20, "full", True)

    # The first one waits for its timeline; and the stream says when its rows are complete.
    await eventually("a feed is ranked in full", ranked)
    connection.close()
