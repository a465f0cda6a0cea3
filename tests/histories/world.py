"""The world of one history: real stores in files of their own, an empty Redis, and the processes."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast
from unittest.mock import patch

import structlog
from fastapi import FastAPI

from core.ids import SnowflakeGenerator
from stores import sqlite_schema
from stores.redis_client import RedisClient
from stores.redis_commands import Command, pack
from stores.sqlite_database import SqliteDatabase
from tests.faults.fault import Trigger
from tests.histories.asgi import Answer, request
from tests.histories.consumers import Consumers
from tests.histories.facts import Facts, FactsOpener, embedded_facts
from tests.histories.hand_fed_log import HandFedLog
from tests.histories.interruption import Interruptions
from tests.histories.processes import ApiProcess, interrupted, minting
from tests.histories.world_clock import WorldClock
from wiring import resources as wiring_resources
from wiring.home import Home
from wiring.resources import Resources
from wiring.settings import ApiSettings, FanoutSettings, LimitsSettings, Settings

API_PROCESSES = 2
_BEFORE = 31
"""The machine that made what was there before."""
_PATIENT_MS = 10_000
_OFF = dict.fromkeys(LimitsSettings.model_fields, "off")


@dataclass(slots=True)
class Ground:
    """What histories have in common, one after the other."""

    directory: Path
    redis: RedisClient
    executor: ThreadPoolExecutor
    open_facts: FactsOpener = embedded_facts
    clock: WorldClock = field(default_factory=WorldClock)
    apps: list[FastAPI] = field(default_factory=list)


@contextmanager
def quick_and_quiet() -> Iterator[None]:
    """Files that survive the process and not the power, and no log lines: nobody reads a million of them."""

    def open_facts(path: Path) -> SqliteDatabase:
        return SqliteDatabase.open(path, sqlite_schema.FACTS, "NORMAL")

    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        with patch.object(wiring_resources, "open_facts", open_facts):
            yield
    finally:
        structlog.configure(**before)


class World:
    def __init__(self, ground: Ground, facts: Facts, home: Home, skew_ms: int, followers_mb: int) -> None:
        self.clock = ground.clock
        self.redis = ground.redis
        self.stores = facts.stores
        self.interruptions = Interruptions()
        self.log = HandFedLog(facts.stores.log)
        self._facts = facts
        self.leaves_writes_half_done = facts.leaves_writes_half_done
        # Neither limits, which are counted by the user's rate, nor lateness are what histories are about.
        settings = Settings(
            home=home.root,
            api=ApiSettings(feed_deadline_ms=_PATIENT_MS),
            limits=LimitsSettings(**_OFF),
            fanout=FanoutSettings(followers_mb=followers_mb),
        )
        trigger = cast(Trigger, self.interruptions)

        def process(place: int) -> Callable[[], Resources]:
            mint = minting(ground.clock, place, skew_ms if place == 1 else 0, self.interruptions)

            def resources() -> Resources:
                stores = replace(facts.of_process(place, trigger), log=self.log)
                own = Resources(settings, home, ground.clock, stores, ground.redis, mint)
                return interrupted(own, self.interruptions)

            return resources

        apps = [*ground.apps, *[None] * API_PROCESSES][:API_PROCESSES]
        self.apis = [ApiProcess(app, process(place), ground.executor) for place, app in enumerate(apps)]
        ground.apps = [api.app for api in self.apis]
        self.mint = SnowflakeGenerator(0, _BEFORE, ground.clock, lambda: float("inf")).mint
        self.consumers = Consumers(process(API_PROCESSES), self.log)

    async def request(
        self,
        method: str,
        path: str,
        *,
        user: int,
        via: int = 0,
        query: dict[str, str] | None = None,
        json: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        app = self.apis[via % API_PROCESSES].app
        return await request(app, method, path, user=user, query=query, json=json, headers=headers)

    async def flush(self) -> None:
        await self.redis.call(Command(b"", pack(b"FLUSHALL")))

    async def keys(self) -> list[bytes]:
        return sorted(await self.redis.scan(b"*"))

    async def expire(self, key: bytes) -> None:
        await self.redis.call(Command(key, pack(b"DEL", key)))

    async def refresh(self) -> None:
        """What was written is in the log, and the groups know of it."""
        await self._facts.publish()
        for group in self.log.groups.values():
            await group.refresh()

    async def finish_writes(self) -> None:
        """Of those who died in the middle of one."""
        await self._facts.finish()


@asynccontextmanager
async def open_world(ground: Ground, skew_ms: int, followers_mb: int) -> AsyncIterator[World]:
    home = Home(ground.directory)
    try:
        async with ground.open_facts(home, ground.clock) as facts:
            world = World(ground, facts, home, skew_ms, followers_mb)
            try:
                await world.flush()
                await world.consumers.start()
                yield world
            finally:
                await world.log.close()
    finally:
        for file in ground.directory.glob("*.db*"):
            file.unlink()
