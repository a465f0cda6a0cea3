"""`rankfeed features`: the features as Feast has them, and as they were served."""

from __future__ import annotations

import asyncio
import secrets

import click

from core.clock import SystemClock
from wiring.cli.moment import Moment
from wiring.home import Home
from wiring.redis_settings import opened_redis
from wiring.running_stack import as_running
from wiring.settings import Settings


@click.group()
def features() -> None:
    """Features: publish their schema, have them in Feast, check what was served against the lake."""


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
@click.option("--from", "from_ms", type=Moment(), help="Items served since then.")
@click.option("--until", "until_ms", type=Moment(), help="Items served before then.")
@click.option(
    "--sample",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="Compare at most so many items.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON document.")
@click.pass_context
def skew(
    context: click.Context, from_ms: int | None, until_ms: int | None, sample: int, as_json: bool
) -> None:
    """Compute served features again from the lake alone, and compare. Ends with 1 where any differs."""
    import msgspec

    from training.skew import SkewOptions, measure_skew
    from training.skew_table import render_skew

    lake = Home(context.find_object(Settings).home).lake  # type: ignore[union-attr]  # the group sets it
    measured = measure_skew(lake, SkewOptions(from_ms=from_ms, to_ms=until_ms, sample=sample))
    click.echo(msgspec.json.encode(measured) if as_json else render_skew(measured))
    context.exit(1 if measured.differs else 0)


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
