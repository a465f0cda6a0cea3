"""`rankfeed train`, `evaluate` and `models`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import click

from core.clock import SystemClock
from core.errors import ConfigurationError, Unavailable
from wiring.home import Home
from wiring.redis_settings import opened_redis
from wiring.resources import open_stores
from wiring.running_stack import as_running
from wiring.settings import Settings

PROMOTION_S = 10.0


class Moment(click.ParamType[int]):
    """A moment with its offset from UTC, as milliseconds since the epoch."""

    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"'{value}' is no moment; write 2022-05-01T00:00+08:00", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"'{value}' lacks its offset from UTC; write {value}Z or {value}+08:00", param, ctx)
        return int(moment.timestamp() * 1000)


def register(main: click.Group) -> None:
    main.add_command(train)
    main.add_command(evaluate)
    main.add_command(models)


@click.command()
@click.option("--name", default="home", show_default=True, help="The model's name.")
@click.option("--from", "from_ms", type=Moment(), help="Learn from impressions since then.")
@click.option("--until", "until_ms", type=Moment(), help="Learn from impressions before then.")
@click.option(
    "--lag", default=60.0, show_default=True, help="Seconds that features lag behind, where replayed."
)
@click.option("--window", default=600.0, show_default=True, help="Seconds after an impression for its click.")
@click.option("--seed", default=1, show_default=True)
@click.option("--promote", "promote_it", is_flag=True, help="Promote the model if it passes its gates.")
@click.pass_obj
def train(
    settings: Settings,
    name: str,
    from_ms: int | None,
    until_ms: int | None,
    lag: float,
    window: float,
    seed: int,
    promote_it: bool,
) -> None:
    """Train the click head from the lake, export it to ONNX, and check that both agree."""
    from training.train import TrainOptions
    from training.train import train as train_model

    home = Home(settings.home)
    options = TrainOptions(
        name=name, from_ms=from_ms, until_ms=until_ms, lag_s=lag, window_s=window, seed=seed
    )
    bundle = train_model(home.lake, home.models, options, click.echo)
    label = f"{bundle.parent.name}@{bundle.name}"
    if promote_it:
        asyncio.run(_promote(settings, label))
    else:
        click.echo(f"next: rankfeed models promote {label}")


@click.command()
@click.option("--model", "label", help="NAME@VERSION; the newest of `home` by default.")
@click.option("--from", "from_ms", type=Moment(), required=True, help="Judge on impressions since then.")
@click.option("--until", "until_ms", type=Moment(), help="Judge on impressions before then.")
@click.option(
    "--lag", default=60.0, show_default=True, help="Seconds that features lag behind, where replayed."
)
@click.option("--window", default=600.0, show_default=True, help="Seconds after an impression for its click.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write it there too."
)
@click.pass_obj
def evaluate(
    settings: Settings,
    label: str | None,
    from_ms: int,
    until_ms: int | None,
    lag: float,
    window: float,
    json_file: Path | None,
) -> None:
    """Judge a model on impressions it has not seen, against simple ways to rank."""
    from training.evaluate import EvaluateOptions, render_table, to_json
    from training.evaluate import evaluate as evaluate_model

    home = Home(settings.home)
    options = EvaluateOptions(from_ms=from_ms, to_ms=until_ms, lag_s=lag, window_s=window)
    evaluation = evaluate_model(home.lake, bundle_directory(home, label), options, click.echo)
    click.echo(render_table(evaluation))
    if json_file is not None:
        json_file.write_bytes(to_json(evaluation))


@click.group()
def models() -> None:
    """Models: what there is, what serves, and what shall."""


@models.command("list")
@click.pass_obj
def list_models(settings: Settings) -> None:
    """Every bundle on disk; the one that serves is marked."""
    asyncio.run(_list(settings))


@models.command("promote")
@click.argument("label", metavar="NAME@VERSION")
@click.pass_obj
def promote(settings: Settings, label: str) -> None:
    """Make a model the champion, and wait until every serving process runs it."""
    asyncio.run(_promote(settings, label))


def bundle_directory(home: Home, label: str | None) -> Path:
    """The bundle of a label; without one the newest by the name `home`."""
    if label is None:
        versions = sorted((home.models / "home").glob("*/manifest.json"))
        if not versions:
            raise ConfigurationError(f"there is no model in {home.models}: train one with `rankfeed train`")
        return versions[-1].parent
    name, at, version = label.partition("@")
    if not at or not name or not version:
        raise ConfigurationError(f"'{label}' is no label: write NAME@VERSION, as `rankfeed models list` does")
    return home.models / name / version


async def _list(settings: Settings) -> None:
    from ranking.registry import Registry

    async with open_stores(as_running(settings), Home(settings.home), SystemClock()) as stores:
        registry = Registry(stores.control, Home(settings.home).models, SystemClock())
        champion = await registry.champion()
        bundles = registry.bundles()
        for name, version in bundles:
            serving = champion is not None and (champion.name, champion.version) == (name, version)
            click.echo(f"{name}@{version}{'  champion' if serving else ''}")
        if not bundles:
            click.echo("no models yet: train one with `rankfeed train`")


async def _promote(settings: Settings, label: str) -> None:
    from ranking.registry import Registry

    home = Home(settings.home)
    directory = bundle_directory(home, label)
    async with open_stores(as_running(settings), home, SystemClock()) as stores:
        registry = Registry(stores.control, home.models, SystemClock())
        alias = await registry.promote(directory.parent.name, directory.name)
        state = home.state()
        if state is None:
            click.echo(f"{alias.label} is the champion; no stack is running, the next one serves it")
            return
        try:
            async with opened_redis(as_running(settings)) as redis:
                promotion = await registry.await_processes(redis, alias, timeout_s=PROMOTION_S)
        except Unavailable as exc:
            raise ConfigurationError(
                f"{alias.label} is the champion, but who runs it is not known: {exc}. "
                "The processes take it over by themselves."
            ) from exc
    for refusal in promotion.refusals:
        click.echo(f"refused: {refusal}", err=True)
    click.echo(
        f"{alias.label} is the champion: {promotion.acknowledged} of {promotion.processes} "
        f"in {promotion.elapsed_ms:.0f} ms"
    )
    if promotion.acknowledged < promotion.processes or not promotion.processes:
        raise ConfigurationError("not every process runs it; their logs say why")
