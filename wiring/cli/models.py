"""`rankfeed models`: what there is, what serves, and what shall."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from core.clock import SystemClock
from core.errors import Corrupt, Unavailable, UnknownVersion
from wiring.cli.acting_user import acting_user
from wiring.cli.model_labels import bundle_directory
from wiring.home import Home
from wiring.redis_settings import opened_redis
from wiring.resources import open_stores
from wiring.running_stack import as_running
from wiring.settings import Settings

if TYPE_CHECKING:
    from ranking.registry import Registry

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def models() -> None:
    """Models: what there is, what serves, and what shall."""


def _why(command: Command) -> Command:
    command = click.option("--reason", default="", help="Why, for those who look at the history later.")(
        command
    )
    return click.option("--by", default=acting_user, show_default="you", help="Who does it.")(command)


@models.command("list")
@click.pass_obj
def list_models(settings: Settings) -> None:
    """Every bundle on disk; champion and challengers are marked."""

    async def listed(registry: Registry) -> None:
        registered = await registry.registered()
        bundles = registry.bundles()
        for name, version in bundles:
            click.echo(f"{name}@{version}  {registered.role(f'{name}@{version}')}".rstrip())
        if not bundles:
            click.echo("no models yet: train one with `rankfeed train`")

    _run(settings, listed)


@models.command("show")
@click.argument("label", metavar="[NAME@VERSION]", required=False)
@click.pass_obj
def show(settings: Settings, label: str | None) -> None:
    """A bundle's manifest and where it serves; without a label the champion's, or the newest one's."""
    from ranking.bundle import load_bundle
    from wiring.cli.model_tables import manifest_lines, serving_lines

    async def shown(registry: Registry) -> None:
        registered = await registry.registered()
        champion = registered.champion
        wanted = champion.label if label is None and champion is not None else label
        manifest = load_bundle(bundle_directory(Home(settings.home), wanted)).manifest
        for line in manifest_lines(manifest):
            click.echo(line)
        try:
            processes = await registry.processes()
        except Unavailable as exc:
            click.echo(f"who runs it is not known: {exc}", err=True)
            processes = []
        for line in serving_lines(f"{manifest.name}@{manifest.version}", registered, processes):
            click.echo(line)

    _run(settings, shown)


@models.command("history")
@click.pass_obj
def history(settings: Settings) -> None:
    """Who registered, promoted, rolled back and retired what, when and why; oldest first."""
    from wiring.cli.model_tables import history_line

    async def told(registry: Registry) -> None:
        changes = (await registry.registered()).history
        for change in changes:
            click.echo(history_line(change))
        if not changes:
            click.echo("nothing was promoted yet: `rankfeed models promote NAME@VERSION`")

    _run(settings, told)


@models.command("register")
@click.argument("label", metavar="NAME@VERSION")
@_why
@click.pass_obj
def register_model(settings: Settings, label: str, by: str, reason: str) -> None:
    """Make a model a challenger: every serving process loads it beside the champion."""
    directory = bundle_directory(Home(settings.home), label)

    async def registered(registry: Registry) -> None:
        outcome = await registry.register(directory.parent.name, directory.name, reason)
        loaded = f"loaded by {outcome.words}" if outcome.processes else "no stack is running"
        click.echo(f"{outcome.entry.label} is a challenger: {loaded}")

    _run(settings, registered, by)


@models.command("retire")
@click.argument("label", metavar="NAME@VERSION")
@_why
@click.pass_obj
def retire(settings: Settings, label: str, by: str, reason: str) -> None:
    """End a challenger; its bundle stays on disk."""
    directory = bundle_directory(Home(settings.home), label)

    async def retired(registry: Registry) -> None:
        await registry.retire(directory.parent.name, directory.name, reason)
        click.echo(f"{label} is no challenger any more")

    _run(settings, retired, by)


@models.command("promote")
@click.argument("label", metavar="NAME@VERSION")
@_why
@click.pass_obj
def promote(settings: Settings, label: str, by: str, reason: str) -> None:
    """Make a model the champion, and wait until every serving process runs it."""
    promote_model(settings, bundle_directory(Home(settings.home), label), by, reason)


@models.command("rollback")
@_why
@click.pass_obj
def rollback(settings: Settings, by: str, reason: str) -> None:
    """Back to the champion before, and wait until every serving process runs it."""

    async def rolled_back(registry: Registry) -> None:
        click.echo((await registry.rollback(reason)).as_champion)

    _run(settings, rolled_back, by)


@models.command("diff")
@click.argument("one", metavar="NAME@VERSION")
@click.argument("other", metavar="NAME@VERSION")
@click.pass_obj
def diff(settings: Settings, one: str, other: str) -> None:
    """Two models side by side: features, heads, what they learned from, metrics. Only what differs."""
    from ranking.bundle import load_bundle
    from wiring.cli.model_tables import difference_lines

    home = Home(settings.home)
    manifests = [load_bundle(bundle_directory(home, label)).manifest for label in (one, other)]
    for line in difference_lines(*manifests):
        click.echo(line)


def promote_model(settings: Settings, directory: Path, by: str, reason: str) -> None:
    """Promotes the bundle in a directory and says who runs it."""

    async def promoted(registry: Registry) -> None:
        click.echo((await registry.promote(directory.parent.name, directory.name, reason)).as_champion)

    _run(settings, promoted, by)


def serving_bundle(settings: Settings, apart_from: Path) -> Path | None:
    """The champion's bundle; None where there is none, it is `apart_from`, or it cannot be used here, which
    is said."""
    from ranking.bundle import load_bundle

    home, found = Home(settings.home), []

    async def asked(registry: Registry) -> None:
        champion = (await registry.registered()).champion
        if champion is not None:
            found.append(bundle_directory(home, champion.label))

    try:
        _run(settings, asked)
        for directory in found:
            load_bundle(directory)
    except (Unavailable, Corrupt, UnknownVersion) as exc:
        click.echo(f"not compared with the champion: {exc}", err=True)
        return None
    return next((directory for directory in found if directory != apart_from), None)


def _run(
    settings: Settings, work: Callable[[Registry], Coroutine[None, None, None]], by: str | None = None
) -> None:
    async def run() -> None:
        async with _registry(settings, by or acting_user()) as registry:
            await work(registry)

    asyncio.run(run())


@asynccontextmanager
async def _registry(settings: Settings, by: str) -> AsyncIterator[Registry]:
    """The registry of this home, and of its serving processes where there may be some."""
    from ranking.processes import serving_processes
    from ranking.registry import Registry

    home = Home(settings.home)
    settings = as_running(settings)
    async with AsyncExitStack() as opened:
        stores = await opened.enter_async_context(open_stores(settings, home, SystemClock()))
        reports = None
        # Without a stack here there are processes only where somebody names their Redis.
        if settings.redis.url is not None:
            redis = await opened.enter_async_context(opened_redis(settings))
            reports = partial(serving_processes, redis)
        yield Registry(stores.control, home.models, SystemClock(), reports, by=by)
