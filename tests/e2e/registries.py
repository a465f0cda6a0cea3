"""The registry of a running stack, as the command line opens it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from core.clock import SystemClock
from ranking.processes import serving_processes
from ranking.registry import Registry
from tests.e2e.live_stack import LiveStack
from wiring.redis_settings import opened_redis
from wiring.resources import open_stores


@asynccontextmanager
async def registry_of(stack: LiveStack) -> AsyncIterator[Registry]:
    clock = SystemClock()
    async with (
        open_stores(stack.settings, stack.home, clock) as stores,
        opened_redis(stack.settings) as redis,
    ):
        reports = partial(serving_processes, redis)
        yield Registry(stores.control, stack.home.models, clock, reports, by="the test")
