"""The API process: services made from resources, and the application served."""

from __future__ import annotations

import asyncio
import random
import socket
from concurrent.futures import ThreadPoolExecutor

import structlog
from prometheus_client import make_asgi_app

from core.rates import Rate
from feed_api.app import create_app
from feed_api.auth import TokenVerifier
from feed_api.follow_limits import FollowLimits
from feed_api.last_pages import LastPages
from feed_api.limits import LOCAL, SHARED, LimitClass, Limits
from feed_api.reports import Reports
from feed_api.seen_viewers import SeenViewers
from feed_api.services import ApiOptions, Services
from feed_api.signatures import Signer
from feed_api.turns import Turns
from ranking.best_order import BestOrder, QueueOptions
from ranking.fault_slot import FaultSlot, FaultyThreads
from ranking.faults import FaultStore
from ranking.filters import FILTERS
from ranking.home_feed import HomeFeed, HomeFeedParts
from ranking.model_slot import ModelSlot
from ranking.objective_slot import ObjectiveSlot
from ranking.page_walk import PageWalk
from ranking.processes import Followed, ServingProcess
from ranking.scored_sample import ScoredSample
from ranking.side_effects import ScoredRecords, ServedRecords
from ranking.single_reads import SingleReads
from stores.counts_cache import CountsCache
from stores.rate_limits import RateLimits
from stores.slates import SlateStore
from stores.tombstones import Tombstones
from timelines.healing import Healing
from wiring.keys import load_jwks, stack_keys
from wiring.process import listen, serve_http, settle_garbage_collection, url_of
from wiring.ranking_parts import make_ranking
from wiring.resources import Resources
from wiring.settings import LimitsSettings

_logger = structlog.get_logger("api")


async def run_api(resources: Resources, listener: socket.socket, stop: asyncio.Event, *, pid: int) -> None:
    slot = ModelSlot(resources.stores.control, resources.home.models, resources.clock)
    objective = ObjectiveSlot(resources.stores.control, slot.current)
    # The model first: an objective is looked at beside the one that serves.
    followed: list[Followed] = [slot, objective]
    threads = resources.settings.ranking.threads
    if resources.settings.chaos.allowed:
        faults = FaultSlot(FaultStore(resources.redis), resources.clock)
        followed.append(faults)
        scoring: ThreadPoolExecutor = FaultyThreads(threads, "score", faults.current)
    else:
        scoring = ThreadPoolExecutor(threads, thread_name_prefix="score")
    served = ServedRecords(resources.stores.log)
    scored = ScoredRecords(resources.stores.log)
    with scoring as executor, listen("127.0.0.1", 0) as metrics:
        process = ServingProcess(
            resources.redis,
            resources.clock,
            followed,
            host=socket.gethostname(),
            pid=pid,
            metrics=f"{url_of(metrics)}/metrics",
        )
        services = make_services(resources, slot, objective, served, scored, executor)
        await process.poll()
        ending = asyncio.Event()
        settle_garbage_collection()
        _logger.info("api_started", address=listener.getsockname()[:2])
        # In a group, so that background work that ends with an error ends the process.
        async with asyncio.TaskGroup() as background:
            background.create_task(process.follow(ending))
            background.create_task(served.run(ending))
            background.create_task(scored.run(ending))
            background.create_task(services.seen.run(ending))
            background.create_task(services.healing.run(ending))
            background.create_task(serve_http(make_asgi_app(), metrics, ending))
            try:
                await serve_http(create_app(services), listener, stop)
            finally:
                # After the last request: what it served is still to be written.
                ending.set()


def make_services(
    resources: Resources,
    slot: ModelSlot,
    objective: ObjectiveSlot,
    served: ServedRecords,
    scored: ScoredRecords,
    executor: ThreadPoolExecutor,
) -> Services:
    settings, redis = resources.settings, resources.redis
    keys = stack_keys(resources.home)
    jwks = keys.jwks if settings.auth.jwks is None else load_jwks(settings.auth.jwks)
    # Of what is secret nothing is made with it, and the system's own is asked of the kernel each time.
    randomness = random.Random(random.SystemRandom().getrandbits(128))
    parts = make_ranking(
        settings,
        resources.stores,
        redis,
        resources.clock,
        slot.current,
        objective.current,
        executor,
        randomness,
    )
    slates = SlateStore(redis)
    healing = Healing(parts.timelines)
    feed = HomeFeed(
        HomeFeedParts(
            timelines=parts.timelines,
            healing=healing,
            walk=PageWalk(parts.tweets, parts.users, parts.timelines, FILTERS),
            order=BestOrder(
                parts.pipeline,
                parts.ladder,
                slates,
                QueueOptions(
                    places=settings.ranking.at_once,
                    waiting=settings.ranking.waiting,
                    patience_ms=settings.ranking.wait_ms,
                ),
            ),
            slates=slates,
            served=served,
            scored=ScoredSample(scored, settings.ranking.scored_share),
            mint=resources.mint,
        )
    )

    async def store_check() -> None:
        await resources.stores.users.get_many([1])

    async def ids_check() -> None:
        resources.mint()

    return Services(
        options=ApiOptions(
            settings.api.max_body_bytes,
            settings.api.feed_deadline_ms,
            settings.api.max_concurrent_requests,
        ),
        clock=resources.clock,
        randomness=randomness,
        mint=resources.mint,
        limits=Limits(RateLimits(redis), _rates(settings.limits), resources.clock),
        follow_limits=FollowLimits(**settings.follows.model_dump()),
        turns=Turns(),
        last_pages=LastPages(
            resources.clock,
            max_bytes=settings.api.last_pages_mb * 1024 * 1024,
            max_age_s=settings.api.last_page_s,
        ),
        verifier=TokenVerifier(jwks, settings.auth.audience, resources.clock),
        signer=Signer(keys.secret),
        jwks=jwks,
        users=resources.stores.users,
        graph=resources.stores.graph,
        tweets=resources.stores.tweets,
        engagements=resources.stores.engagements,
        answers=resources.stores.answers,
        tweet_cache=parts.tweets,
        counts=CountsCache(redis, resources.stores.engagements, resources.clock),
        tombstones=Tombstones(redis),
        user_cache=parts.users,
        relations=parts.relations,
        redis=redis,
        reports=Reports(resources.stores.log),
        seen=SeenViewers(resources.stores.users, resources.clock),
        feed=feed,
        healing=healing,
        reads=SingleReads(parts.tweets, parts.users, parts.relations, resources.stores.tweets),
        checks={"store": store_check, "ids": ids_check, "redis": redis.ping},
        required=frozenset({"store", "ids"}),
    )


def _rates(settings: LimitsSettings) -> dict[LimitClass, Rate | None]:
    return {name: Rate.parse(getattr(settings, name)) for name in (*SHARED, *LOCAL)}
