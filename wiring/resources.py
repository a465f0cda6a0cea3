"""What a process works with: stores, log, Redis and ids, opened and closed in order."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import structlog

from core.clock import Clock, SystemClock
from core.errors import LeaseLost, Unavailable
from core.ids import SnowflakeGenerator
from eventlog.log import OperatedLog
from eventlog.sqlite_log import SqliteEventLog
from eventlog.sqlite_retention import SqliteRetention
from stores.ports import AnswerStore, ControlStore, EngagementStore, GraphStore, TweetStore, UserStore
from stores.redis_client import RedisClient
from stores.sqlite import open_facts, open_telemetry
from stores.sqlite_answers import SqliteAnswerStore
from stores.sqlite_control import SqliteControlStore
from stores.sqlite_engagements import SqliteEngagementStore
from stores.sqlite_graph import SqliteGraphStore
from stores.sqlite_tweets import SqliteTweetStore
from stores.sqlite_users import SqliteUserStore
from wiring.home import Home
from wiring.redis_settings import opened_redis
from wiring.settings import Settings

EMBEDDED_PARTITIONS = 16
"""Of every topic; a key's partition, and so its order, hangs on it."""
LEASE_TTL_MS = 30_000
LEASE_RENEWAL_S = 5.0

_logger = structlog.get_logger("resources")


@dataclass(frozen=True, slots=True)
class Stores:
    """The ports of a stack; they need no Redis and no id.

    `relay` finishes what dead writers left half done, where the engine needs that; `retention` cuts
    a log that does not do so by itself.
    """

    users: UserStore
    graph: GraphStore
    tweets: TweetStore
    engagements: EngagementStore
    answers: AnswerStore
    control: ControlStore
    log: OperatedLog
    relay: Callable[[asyncio.Event], Awaitable[None]] | None = None
    retention: Callable[[asyncio.Event], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Resources:
    """What a serving process works with; `mint` makes ids under a leased machine number."""

    settings: Settings
    home: Home
    clock: Clock
    stores: Stores
    redis: RedisClient
    mint: Callable[[], int]


@asynccontextmanager
async def open_stores(settings: Settings, home: Home, clock: Clock) -> AsyncIterator[Stores]:
    """The stores and the log of the stack that the settings name.

    Raises ConfigurationError where they cannot be used as they are, Unavailable where they are away.
    """
    if settings.stack == "embedded":
        with open_files(home, clock) as stores:
            yield stores
        return
    # Imported here: the drivers take their time, and the embedded stack needs none of them.
    from wiring.distributed import open_servers

    async with open_servers(settings, clock) as stores:
        yield stores


@contextmanager
def open_files(home: Home, clock: Clock) -> Iterator[Stores]:
    """Opens the files, made where they are not there yet; raises ConfigurationError."""
    partitions = EMBEDDED_PARTITIONS
    with ExitStack() as cleanup:
        facts = open_facts(home.facts)
        cleanup.callback(facts.close)
        telemetry = open_telemetry(home.telemetry)
        cleanup.callback(telemetry.close)
        yield Stores(
            SqliteUserStore(facts, clock, partitions),
            SqliteGraphStore(facts, clock, partitions),
            SqliteTweetStore(facts, clock, partitions),
            SqliteEngagementStore(facts, clock, partitions),
            SqliteAnswerStore(facts, clock, partitions),
            SqliteControlStore(facts, clock, partitions),
            SqliteEventLog(facts, telemetry, clock, partitions),
            retention=SqliteRetention(facts, telemetry, clock).run,
        )


StoresOpener = Callable[[Settings, Home, Clock], AbstractAsyncContextManager[Stores]]


@asynccontextmanager
async def open_resources(
    settings: Settings, opener: StoresOpener = open_stores, clock: Clock | None = None
) -> AsyncIterator[Resources]:
    """Everything that a serving process needs; Redis may be away, stores and log must open."""
    clock, home = clock or SystemClock(), Home(settings.home)
    async with (
        opened_redis(settings) as redis,
        opener(settings, home, clock) as stores,
        leased_ids(stores.control, clock) as mint,
    ):
        yield Resources(settings, home, clock, stores, redis, mint)


@asynccontextmanager
async def leased_ids(control: ControlStore, clock: Clock) -> AsyncIterator[Callable[[], int]]:
    """Mints ids under a machine number leased from the store and renewed beside the work."""
    owner = f"{os.getpid()}-{secrets.token_hex(6)}"
    asked_s = clock.monotonic_s()
    lease = await control.lease_machine(owner, now_ms=clock.now_ms(), ttl_ms=LEASE_TTL_MS)
    # Half the lease, counted from before it was asked for: whatever the clocks do, the number is ours.
    held_until_s = asked_s + LEASE_TTL_MS / 2000
    generator = SnowflakeGenerator(
        lease.datacenter, lease.machine, clock, lambda: held_until_s, after_ms=lease.last_ms
    )

    async def renew() -> None:
        nonlocal held_until_s
        while True:
            await asyncio.sleep(LEASE_RENEWAL_S)
            began_s = clock.monotonic_s()
            try:
                ours = await control.renew_machine(
                    owner, now_ms=clock.now_ms(), ttl_ms=LEASE_TTL_MS, last_ms=generator.last_ms
                )
            except Unavailable as exc:
                _logger.warning("lease_not_renewed", error=str(exc))
                continue
            if not ours:
                raise LeaseLost("this process's machine number went to another one; it has to start anew")
            held_until_s = began_s + LEASE_TTL_MS / 2000

    try:
        # In a group, so that a renewal that ends with an error ends the process, which then starts anew.
        async with asyncio.TaskGroup() as tasks:
            renewal = tasks.create_task(renew())
            yield generator.mint
            renewal.cancel()
    except ExceptionGroup as group:
        # What went wrong is an error like any other, unless several things did.
        if len(group.exceptions) > 1:
            raise
        (error,) = group.exceptions
        raise error from error.__cause__
    finally:
        try:
            await control.release_machine(owner, last_ms=generator.last_ms)
        except Unavailable as exc:
            _logger.warning("lease_not_released", error=str(exc))
