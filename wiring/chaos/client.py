"""`rankfeed chaos` as a client: whose feed it asks for, and the fault beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import httpx

from core.clock import Clock, utc_day
from core.errors import ConfigurationError
from ranking.processes import serving_processes
from simulation.client import FeedClient
from stores.ports import UserStore
from wiring.chaos.act import FULL, ChaosAct, RungSeen
from wiring.chaos.course import Planned, run_course
from wiring.chaos.faults import Chaos
from wiring.chaos.watch import NotFull, Watch
from wiring.environment import variable_of
from wiring.home import Home, StackState
from wiring.keys import stack_keys
from wiring.redis_settings import opened_redis, redis_options
from wiring.resources import open_stores
from wiring.settings import Settings

EVERY_S = 0.5
_CALL_TIMEOUT_S = 10.0
_LATELY_DAYS = 2
_LOOKED_AT = 20
"""Of those who were here lately; whoever follows nobody has nothing that could be ranked."""
_ASKERS = 8


@dataclass(frozen=True, slots=True)
class Asker:
    """In whose name feeds are asked for: the user of a token, or one by id; by default somebody."""

    viewer: int | None = None
    token: str | None = None


async def watched_chaos(
    settings: Settings,
    state: StackState,
    plan: Sequence[Planned],
    asker: Asker,
    clock: Clock,
    say: Callable[[str], None],
) -> ChaosAct:
    """Raises as `run_course`, and ConfigurationError where nobody can be asked for."""
    async with opened_redis(settings) as redis:
        chaos = Chaos(state, redis, redis_options(settings), clock)
        # Told before anything is asked for: it would be refused in any case.
        for planned in plan:
            await chaos.require(planned.name)
        processes = len(await serving_processes(redis))
        # A connection each time: of several processes each is met now and then.
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=state.api_url, timeout=_CALL_TIMEOUT_S, limits=limits) as http:
            client = await _somebody(settings, http, asker, clock, say)
            ask = partial(client.feed, algorithm="ranked")
            watch = Watch([ask] * min(_ASKERS, 2 * max(1, processes)), clock, EVERY_S)
            return await run_course(chaos, watch, plan, say, changes_only=False)


async def _somebody(
    settings: Settings,
    http: httpx.AsyncClient,
    asker: Asker,
    clock: Clock,
    say: Callable[[str], None],
) -> FeedClient:
    """Whose feed is ranked in full now.

    Raises ConfigurationError where nobody is known, NotFull where they have no such feed, Unavailable.
    """
    if asker.token is not None:
        client = FeedClient(http, asker.token)
        seen = await _seen(client)
        if seen.rung != FULL:
            raise _not_full("the token's viewer", seen)
        return client
    if settings.auth.jwks is not None:
        raise ConfigurationError(
            f"{variable_of(('auth', 'jwks'))} names your own issuer, whose tokens are not ours to make: give "
            "one that it made with --token-file"
        )
    keys, now_s = stack_keys(Home(settings.home)), clock.now_ms() // 1000
    for user_id in [asker.viewer] if asker.viewer is not None else await _here_lately(settings, clock):
        client = FeedClient(
            http,
            keys.token(
                user_id=user_id,
                scopes=("feed",),
                audience=settings.auth.audience,
                issued_s=now_s,
                ttl_s=3600,
            ),
        )
        seen = await _seen(client)
        if seen.rung == FULL:
            say(f"asking for the feed of user {user_id}, which is ranked in full")
            return client
    raise _not_full(f"user {user_id}", seen)


async def _seen(client: FeedClient) -> RungSeen:
    meta = (await client.feed(algorithm="ranked"))["meta"]
    return RungSeen(0.0, meta["rung"], meta["reason"] or "")


def _not_full(who: str, seen: RungSeen) -> NotFull:
    return NotFull(
        f"the feed of {who} is {seen.said()} before anything was disturbed: there is nothing to see. Name "
        "somebody with --viewer who follows others, and see that a model serves (`rankfeed models show`)"
    )


async def _here_lately(settings: Settings, clock: Clock) -> list[int]:
    """Users who read a feed today or yesterday, or else anybody; raises ConfigurationError for nobody."""
    async with open_stores(settings, Home(settings.home), clock) as stores:
        found = await _lately(stores.users, utc_day(clock.now_ms()))
    if not found:
        raise ConfigurationError("nobody is here whose feed could be asked for: name somebody with --viewer")
    return found


async def _lately(users: UserStore, today: int) -> list[int]:
    for day in range(today, today - _LATELY_DAYS, -1):
        if len(found := await users.active(day, after=0, limit=_LOOKED_AT)):
            return [int(one) for one in found]
    return [int(one) for one in await users.everybody(after=0, limit=_LOOKED_AT)]
