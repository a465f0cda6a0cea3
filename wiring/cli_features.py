"""`rankfeed features`: the features as Feast has them."""

from __future__ import annotations

import asyncio
import secrets

import click

from core.clock import SystemClock
from wiring.home import Home
from wiring.redis_settings import opened_redis
from wiring.running_stack import as_running
from wiring.settings import Settings


def register(main: click.Group) -> None:
    main.add_command(features)


@click.group()
def features() -> None:
    """The published schema; Feast: what it knows, and rows for Redis from its offline source."""


@features.command()
@click.pass_obj
def apply(settings: Settings) -> None:
    """Write the schema's entities, views and service into Feast's registry; safe to run again."""
    from features.repo.definitions import apply_definitions
    from wiring.feature_store import feature_store

    registered = apply_definitions(feature_store(settings), Home(settings.home.absolute()).lake)
    click.echo(f"registered: {', '.join(registered)}")


@features.command()
@click.pass_obj
def materialize(settings: Settings) -> None:
    """Bring rows that Redis lacks back from the offline source; never replaces a newer one.

    The features stream does so by itself, from its own file: this is for when there is none.
    """
    asyncio.run(_materialize(settings))


@features.command()
def lock() -> None:
    """Publish what features/schema.py has gained: write it into schema.lock.json, in a checkout.

    Refused where rows that were written before could no longer be read.
    """
    from features.schema_lock import LOCK_PATH, write_lock

    write_lock()
    click.echo(f"written: {LOCK_PATH.name}")


async def _materialize(settings: Settings) -> None:
    from features.packed_store import PackedStore
    from features.repo.definitions import apply_definitions
    from features.repo.materialize import materialize as bring_back
    from wiring.feature_store import feature_store

    store = feature_store(settings)
    apply_definitions(store, Home(settings.home.absolute()).lake)
    epoch = f"materialize:{secrets.token_hex(8)}".encode()
    async with opened_redis(as_running(settings)) as redis:
        try:
            await bring_back(store, PackedStore(redis), epoch=epoch, now_ms=SystemClock().now_ms())
        finally:
            await store.close()
    click.echo("every row of the offline source is in Redis")
