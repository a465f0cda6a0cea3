"""The worker processes: fan-out, and the pipelines (features stream, lake and tweets' state)."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog
from prometheus_client import make_asgi_app
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from eventlog.worker import Worker, WorkerOptions
from fanout.handlers import TOPICS, FanoutHandler
from fanout.preheat import TURN, Preheat, PreheatOptions
from features.packed_store import PackedStore
from pipelines.recounts import Recounts
from pipelines.tombstone_repeats import TombstoneRepeats
from pipelines.tweet_state import TweetState
from stores.counts_cache import CountsCache
from stores.popular import PopularStore
from stores.tombstones import Tombstones
from stores.turn import Turn
from timelines.merge import TimelineMerge
from timelines.relations import Relations
from timelines.warmth import Warmth
from wiring.process import serve_http, settle_garbage_collection
from wiring.resources import Resources

Work = Callable[[asyncio.Event], Awaitable[None]]

FANOUT_GROUP = "fanout"
_logger = structlog.get_logger("worker_process")


def fanout_work(resources: Resources) -> dict[str, Work]:
    relations = Relations(resources.redis, resources.stores.graph)
    merge = TimelineMerge(resources.redis, resources.stores.tweets)
    handler = FanoutHandler(
        resources.redis,
        resources.stores.graph,
        relations,
        merge,
        resources.clock,
        followers_bytes=resources.settings.fanout.followers_mb * 1024 * 1024,
    )
    options = WorkerOptions(group=FANOUT_GROUP, topics=TOPICS)
    work: dict[str, Work] = {
        "fanout": Worker(resources.stores.log, handler, resources.clock, resources.mint, options).run
    }
    if resources.settings.preheat.a_second:
        work["preheat"] = _preheat(resources, relations, merge).run
    return work


def _preheat(resources: Resources, relations: Relations, merge: TimelineMerge) -> Preheat:
    settings = resources.settings.preheat
    # Under its own name a process that was killed goes on at once; without one it waits for its turn.
    token = secrets.token_hex(8)
    turn = Turn(resources.stores.control, resources.clock, TURN, resources.settings.kafka.instance or token)
    warmth = Warmth(resources.redis, token.encode())
    options = PreheatOptions(at_once=settings.at_once, a_second=settings.a_second)
    return Preheat(warmth, turn, resources.stores.users, relations, merge, resources.clock, options)


def pipelines_work(resources: Resources) -> dict[str, Work]:
    # Imported here: polars takes its time and memory, and no other process needs it.
    from pipelines.features_stream import FeaturesStream
    from pipelines.lake import LakeWriter
    from pipelines.popular_tweets import PopularOptions, PopularTweets

    home, stores, clock = resources.home, resources.stores, resources.clock
    rows = PackedStore(resources.redis)
    options = PopularOptions(**resources.settings.popular.model_dump())
    popular = PopularTweets(PopularStore(resources.redis), clock, options)
    stream = FeaturesStream(
        stores.log, rows, home.features, home.lake, clock, resources.mint, popular=popular
    )
    lake = LakeWriter(stores.log, home.lake, clock, resources.mint)
    counts = CountsCache(resources.redis, stores.engagements, clock)
    state = tweet_state(resources, counts, Tombstones(resources.redis))
    work: dict[str, Work] = {"features": stream.run, "lake": lake.run, "tweet_state": state.run}
    if stores.relay is not None:
        work["relay"] = stores.relay
    if stores.retention is not None:
        work["retention"] = stores.retention
    return work


def tweet_state(resources: Resources, counts: CountsCache, tombstones: Tombstones) -> TweetState:
    stores, clock = resources.stores, resources.clock
    recounts = Recounts(stores.engagements, counts, clock)
    return TweetState(stores.log, recounts, TombstoneRepeats(tombstones, clock), clock, resources.mint)


async def run_workers(work: dict[str, Work], listener: socket.socket, stop: asyncio.Event) -> None:
    """Runs workers until `stop`, with health and metrics beside them; one that fails ends all."""
    settle_garbage_collection()
    _logger.info("workers_started", workers=sorted(work), address=listener.getsockname()[:2])
    async with asyncio.TaskGroup() as tasks:
        serving = asyncio.Event()
        server = tasks.create_task(serve_http(_health_app(), listener, serving))
        try:
            async with asyncio.TaskGroup() as workers:
                for name, run in work.items():
                    workers.create_task(_until_stopped(name, run, stop))
        finally:
            serving.set()
            await server


async def _until_stopped(name: str, run: Work, stop: asyncio.Event) -> None:
    await run(stop)
    if not stop.is_set():
        _ended_early(name)


def _ended_early(name: str) -> NoReturn:
    raise RuntimeError(f"worker '{name}' ended without being told to")


def _health_app() -> Starlette:
    async def healthy(request: Request) -> JSONResponse:
        # Workers wait for neighbours that are away, so a worker that runs is ready.
        return JSONResponse({"status": "live" if request.url.path.endswith("live") else "ready"})

    return Starlette(
        routes=[
            Route("/health/live", healthy),
            Route("/health/ready", healthy),
            Mount("/metrics", make_asgi_app()),
        ]
    )
