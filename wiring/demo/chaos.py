"""The demo's act of chaos: the model fails, then Redis hangs, and people keep reading and writing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from core.clock import Clock
from ranking.quality import BUSY, SLOW
from simulation.client import FeedClient
from simulation.crowd import READERS, Crowd
from wiring.chaos.act import ChaosAct
from wiring.chaos.course import Planned, run_course
from wiring.chaos.faults import Chaos
from wiring.chaos.watch import NotFull, Watch
from wiring.home import StackState
from wiring.redis_settings import opened_redis, redis_options
from wiring.settings import Settings

FAULT_S = 2.5
_FOR_WANT_OF_TIME = frozenset({BUSY, SLOW})
"""On a machine that is busy with other things, too, a demo ends well."""
_READ_EVERY_S = 0.05
_POST_EVERY_S = 0.25


async def act_of_chaos(
    crowd: Crowd,
    client_of: Callable[[int], FeedClient],
    settings: Settings,
    state: StackState,
    clock: Clock,
    say: Callable[[str], None],
) -> ChaosAct:
    """`client_of` makes clients who take a 503 for an answer.

    Raises ConfigurationError where the stack may not be disturbed, and NotFull where the ladder does not go
    down, or does not come back.
    """
    followees = crowd.ledger.followees
    readers = sorted(followees, key=lambda viewer: len(followees[viewer]), reverse=True)[:READERS]
    asks = [partial(client_of(crowd.user_id_of(one)).feed, algorithm="ranked") for one in readers]
    # A Redis that was named is somebody's: there it is its feature rows that are lost.
    second: Planned = Planned("redis" if state.own_redis else "features", FAULT_S)
    async with opened_redis(settings) as redis:
        chaos = Chaos(state, redis, redis_options(settings), clock)
        watch = Watch(asks, clock, _READ_EVERY_S, _FOR_WANT_OF_TIME)
        over = asyncio.Event()
        posting = asyncio.create_task(_post(crowd, over))
        try:
            act = await run_course(chaos, watch, [Planned("model", FAULT_S), second], say, changes_only=True)
        finally:
            # Never cancelled: what was acknowledged has to be in the ledger.
            over.set()
            posted = await posting
    for fault in act.faults:
        if not act.felt(fault):
            raise NotFull(
                f"the fault of `{fault.name}` was not felt: every page was ranked in full all along"
            )
    say(f"{len(act.rungs)} ranked pages meanwhile, {act.refused} refused, and {posted} tweets posted")
    return act


async def _post(crowd: Crowd, over: asyncio.Event) -> int:
    posted = 0
    while not over.is_set():
        posted += await crowd.post(1)
        await asyncio.sleep(_POST_EVERY_S)
    return posted
