"""What the routes work with, handed to them by the wiring."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from core.clock import Clock
from feed_api.auth import Principal, TokenVerifier
from feed_api.follow_limits import FollowLimits
from feed_api.last_pages import LastPages
from feed_api.limits import Limits
from feed_api.reports import Reports
from feed_api.seen_viewers import SeenViewers
from feed_api.signatures import Signer
from feed_api.turns import Turns
from ranking.home_feed import HomeFeed
from ranking.single_reads import SingleReads
from stores.counts_cache import CountsCache
from stores.ports import AnswerStore, EngagementStore, GraphStore, TweetStore, UserStore
from stores.redis_client import RedisClient
from stores.tombstones import Tombstones
from stores.tweet_cache import TweetCache
from stores.user_cache import UserCache
from timelines.healing import Healing
from timelines.relations import Relations


@dataclass(frozen=True, slots=True)
class ApiOptions:
    max_body_bytes: int
    feed_deadline_ms: int
    max_concurrent_requests: int


@dataclass(frozen=True, slots=True)
class Services:
    """`checks` are what readiness asks, by name: each raises Unavailable where it is not well.

    Those named in `required` make the process not ready; without the others it serves, degraded.
    """

    options: ApiOptions
    clock: Clock
    randomness: random.Random
    mint: Callable[[], int]
    verifier: TokenVerifier
    limits: Limits
    follow_limits: FollowLimits
    turns: Turns
    last_pages: LastPages
    signer: Signer
    jwks: Mapping[str, Any]
    users: UserStore
    graph: GraphStore
    tweets: TweetStore
    engagements: EngagementStore
    answers: AnswerStore
    tweet_cache: TweetCache
    counts: CountsCache
    tombstones: Tombstones
    user_cache: UserCache
    relations: Relations
    redis: RedisClient
    reports: Reports
    seen: SeenViewers
    feed: HomeFeed
    healing: Healing
    reads: SingleReads
    checks: Mapping[str, Callable[[], Awaitable[None]]]
    required: frozenset[str]


# Coroutines, although they wait for nothing: plain functions FastAPI runs in another thread, each time.
# And they take the request itself: a declared header costs more than verifying a token that is known.


async def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def principal_of(request: Request) -> Principal:
    services: Services = request.app.state.services
    return services.verifier.verify(request.headers.get("Authorization"))


Wired = Annotated[Services, Depends(services_of)]
Caller = Annotated[Principal, Depends(principal_of)]
