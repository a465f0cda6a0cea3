"""Waiting for what a stack does about active users by itself."""

from __future__ import annotations

from collections.abc import Sequence

import redis

from core.clock import SystemClock, utc_day
from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person
from tests.e2e.waiting import eventually
from timelines.warmth import MARKER_KEY, WARM
from wiring.resources import open_stores


async def noted_as_active(stack: LiveStack, viewers: Sequence[Person]) -> None:
    """Returns once the store knows that these have read a feed."""
    clock, wanted = SystemClock(), {viewer.user_id for viewer in viewers}
    async with open_stores(stack.settings, stack.home, clock) as stores:

        async def all_noted() -> bool:
            # Or yesterday, at midnight.
            today = utc_day(clock.now_ms())
            days = [await stores.users.active(day, after=0, limit=100_000) for day in (today, today - 1)]
            return wanted <= {viewer for day in days for viewer in day.tolist()}

        await eventually("they are noted as active", all_noted)


async def preheated(client: redis.Redis) -> None:
    """Returns once a Redis of one server holds all lists of active users, as it says itself."""

    async def warm() -> bool:
        return bool(client.get(MARKER_KEY) == WARM)

    await eventually("the timelines are there again", warm)
