"""A process of the product with faults around its ports: `python -m tests.faults.entry ROLE …`.

As in the product a role's own needs are imported with it: the API's take a worker as long again to start, and
runs of kills start some hundred processes.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import click

from core.clock import Clock
from features.packed_store import PackedStore
from stores.counts_cache import CountsCache
from stores.tombstones import Tombstones
from tests.faults.fault import Trigger
from tests.faults.watched import Watched, watched, watched_log
from wiring.environment import load_settings
from wiring.home import Home
from wiring.resources import Resources, Stores, open_resources, open_stores
from wiring.roles import RoleMain, run_role
from wiring.settings import Settings
from wiring.worker_processes import Work, fanout_work, pipelines_work, run_workers, tweet_state


@asynccontextmanager
async def open_watched(settings: Settings, trigger: Trigger | None) -> AsyncIterator[Resources]:
    """The resources of a process; without a trigger they are the product's own."""

    def opener(settings: Settings, home: Home, clock: Clock) -> AbstractAsyncContextManager[Stores]:
        if trigger is None or settings.stack == "embedded":
            return open_stores(settings, home, clock)
        return _open_servers(settings, clock, trigger)

    async with open_resources(settings, opener) as resources:
        yield watched(resources, trigger)


@asynccontextmanager
async def _open_servers(settings: Settings, clock: Clock, trigger: Trigger) -> AsyncIterator[Stores]:
    """As `wiring.distributed.open_servers`, with the trigger around each statement and publication."""
    # Imported here, as the product does: the embedded stack needs none of the drivers.
    from eventlog.kafka_log import KafkaEventLog
    from stores.cassandra.assembly import over_session
    from stores.cassandra.session import connect
    from tests.faults.watched_session import watched_session
    from wiring.distributed import cassandra_options, kafka_options, with_relay

    async with KafkaEventLog(kafka_options(settings)) as log:
        session = await connect(cassandra_options(settings))
        publisher = watched_log(log, "publication", trigger)
        try:
            async with over_session(watched_session(session, trigger), publisher, clock) as stores:
                yield replace(with_relay(stores, publisher, clock, settings), log=log)
        finally:
            await session.close()


def watched_pipelines(resources: Resources, trigger: Trigger | None) -> dict[str, Work]:
    """The pipelines, with the trigger around their own files and what they write to Redis as well."""
    work = pipelines_work(resources)
    if trigger is None:
        return work
    from pipelines.features_file import FeaturesFile
    from pipelines.features_stream import FeaturesStream
    from pipelines.lake import LakeWriter
    from tests.faults.watched_disk import WatchedDisk

    def open_file(path: Path, clock: Clock) -> FeaturesFile:
        return cast(FeaturesFile, Watched(FeaturesFile.open(path, clock), "features_file", trigger))

    log, home, clock, mint = resources.stores.log, resources.home, resources.clock, resources.mint
    rows = cast(PackedStore, Watched(PackedStore(resources.redis), "packed_store", trigger))
    features = FeaturesStream(
        log, rows, home.features, home.lake, clock, mint, open_file, WatchedDisk(trigger, "offline")
    )
    lake = LakeWriter(log, home.lake, clock, mint, disk=WatchedDisk(trigger))
    counts = CountsCache(resources.redis, resources.stores.engagements, clock)
    state = tweet_state(
        resources,
        cast(CountsCache, Watched(counts, "counts_cache", trigger)),
        cast(Tombstones, Watched(Tombstones(resources.redis), "tombstones", trigger)),
    )
    return work | {"features": features.run, "lake": lake.run, "tweet_state": state.run}


async def api_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    from wiring.api_process import run_api

    async with open_watched(settings, Trigger.of(os.environ, "api")) as resources:
        await run_api(resources, listener, stop, pid=os.getpid())


async def fanout_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    async with open_watched(settings, Trigger.of(os.environ, "fanout")) as resources:
        await run_workers(fanout_work(resources), listener, stop)


async def pipelines_main(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    trigger = Trigger.of(os.environ, "pipelines")
    async with open_watched(settings, trigger) as resources:
        await run_workers(watched_pipelines(resources, trigger), listener, stop)


ROLES: dict[str, RoleMain] = {"api": api_main, "fanout": fanout_main, "pipelines": pipelines_main}


@click.command()
@click.argument("role", type=click.Choice(sorted(ROLES)))
@click.option("--fd", type=int, required=True)
@click.option("--lifeline", type=int, required=True)
def main(role: str, fd: int, lifeline: int) -> None:
    run_role(load_settings(os.environ), role, ROLES[role], fd, lifeline)


if __name__ == "__main__":
    main()
